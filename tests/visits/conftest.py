"""The edge's WSGI app and a page that talks to it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg_pool import ConnectionPool
from sqlalchemy import text, update
from werkzeug.test import TestResponse

from calltrack.numbers.model import TrackingNumber
from calltrack.visits.admission import Admission
from calltrack.visits.routes import create_blueprint
from calltrack.visits.service import open_connections
from calltrack.visits.sightings import Sightings
from calltrack.wiring import Services
from tests.builders import Company

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"


@dataclass
class Edge:
    """Speaks to the edge as the snippet does."""

    client: FlaskClient
    connections: ConnectionPool

    def post(self, path: str, company: Company, body: dict[str, Any], **headers: str) -> TestResponse:
        """Send a body from the company's page; header names are written with underscores."""
        sent = {"Origin": company.origin, "User-Agent": BROWSER, "Content-Type": "text/plain"}
        sent |= {"Accept-Language": "it"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps({"k": company.site_key} | body).encode()
        return self.client.post(path, data=data, headers=sent)

    def visit(self, company: Company, **body: Any) -> dict[str, Any]:
        """Load a page; returns the answer, which must be 200."""
        reply = self.post("/v1/visit", company, {"u": company.origin + "/"} | body)
        assert reply.status_code == 200, reply.text
        return dict(reply.get_json())

    def beat(
        self, company: Company, known: dict[str, Any], path: str = "/", *, is_left: bool = False
    ) -> TestResponse:
        """Send a heartbeat of the visit that `known` (an answer) names, or that its page was hidden."""
        body = {"v": known["v"], "s": known["s"], "u": company.origin + path, "g": is_left}
        return self.post("/v1/beat", company, body)


def age(services: Services, company: Company, seconds: float) -> None:
    """Let time pass for a company: all its visits, leases and slots move into the past."""
    moved = {
        "visit": ("started_at", "last_seen_at"),
        "lease": ("shown_from", "last_seen_at", "shown_until"),
        "number_slot": ("busy_until", "seen_at", "given_at", "alone_since"),
    }
    with services.db.tenant(company.id) as session:
        for table, columns in moved.items():
            changes = ", ".join(f"{column} = {column} - make_interval(secs => :by)" for column in columns)
            session.execute(text(f"UPDATE {table} SET {changes}"), {"by": seconds})
        session.execute(
            text("UPDATE number_slot SET held_at = held_at - :by, summed_at = summed_at - :by"),
            {"by": seconds},
        )
        session.execute(text("UPDATE number_mass SET summed_at = summed_at - :by"), {"by": seconds})


def without_overflow(services: Services, company: Company) -> None:
    """Release the pool's overflow number."""
    with services.db.tenant(company.id) as session:
        session.execute(
            update(TrackingNumber)
            .where(TrackingNumber.id == company.overflow_id)
            .values(released_at=TrackingNumber.created_at)
        )


def shown(answer: dict[str, Any]) -> str:
    """Return the one number of an answer in E.164."""
    (pair,) = answer["n"]
    return "+" + str(pair["n"])


def edge_app(
    services: Services,
    threads: int,
    admission: Admission,
    sightings: Sightings | None = None,
    moment: Callable[[], datetime | None] = lambda: None,
) -> Flask:
    """Return an app of the edge's routes with limits of its own."""
    app = Flask("edge", static_folder=None)
    app.extensions["edge.connections"] = connections = open_connections(services.settings.app_url, threads)
    app.register_blueprint(
        create_blueprint(services, connections, admission=admission, sightings=sightings, moment=moment)
    )
    return app


@pytest.fixture(scope="session")
def edge(services: Services) -> Iterator[Edge]:
    app = edge_app(services, 20, Admission({"visit": 10**6, "beat": 10**6}))
    # On a busy machine a connection can take longer than a request waits for one.
    app.extensions["edge.connections"].timeout = 30
    yield Edge(app.test_client(), app.extensions["edge.connections"])
    app.extensions["edge.connections"].close()
