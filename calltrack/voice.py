"""The voice surface: what the carrier talks to."""

from flask import Flask

from calltrack.calls.desk import Desk, open_desk
from calltrack.calls.routes import create_blueprint
from calltrack.wiring import Services


def create_voice(services: Services, desk: Desk | None = None) -> Flask:
    """Return the voice surface's WSGI app; its background threads end with the process (or `desk.stop()`).

    Args:
        services: the process's real parts.
        desk: where calls are answered (default: a new one over these parts).
    """
    app = Flask("calltrack.voice", static_folder=None)
    desk = desk or open_desk(services)
    app.extensions["voice.desk"] = desk
    app.register_blueprint(create_blueprint(desk))
    return app
