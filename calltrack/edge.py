"""The edge surface: what the snippet talks to."""

from flask import Flask

from calltrack.infra.direct import open_pool
from calltrack.visits.admission import Admission
from calltrack.visits.routes import create_blueprint
from calltrack.visits.service import STATEMENTS
from calltrack.wiring import Services

WAIT_SECONDS = 0.5
STATEMENT_MS = 1500


def create_edge(services: Services, *, threads: int = 8, admission: Admission | None = None) -> Flask:
    """Return the edge's WSGI app.

    Args:
        services: the process's real parts.
        threads: how many requests are served at once; as many connections to the database are kept.
        admission: rate limits and pool shares (default: the standing ones).
    """
    app = Flask("calltrack.edge", static_folder=None)
    connections = open_pool(
        services.settings.app_url,
        size=threads,
        wait_seconds=WAIT_SECONDS,
        statement_timeout_ms=STATEMENT_MS,
        statements=STATEMENTS,
    )
    app.extensions["edge.connections"] = connections
    app.register_blueprint(create_blueprint(services, connections, admission=admission))
    return app
