"""The voice surface: what the carrier talks to."""

from flask import Flask

from calltrack.calls import sounds
from calltrack.calls.desk import Desk, open_desk
from calltrack.calls.outbound.hooks import create_side_blueprint
from calltrack.calls.routes import create_blueprint
from calltrack.infra.drained import drained
from calltrack.wiring import Services


def mount(app: Flask, services: Services, desk: Desk | None = None) -> None:
    """Add the voice hooks to an app; background threads end with the process (or `desk.stop()`).

    Args:
        app: where the routes go.
        services: the process's real parts.
        desk: where calls are answered (default: a new one over these parts).
    """
    desk = desk or open_desk(services)
    app.extensions["voice.desk"] = desk
    app.register_blueprint(create_blueprint(desk))
    app.register_blueprint(sounds.create_blueprint(services.settings.data_dir, services.vault))
    app.register_blueprint(create_side_blueprint(desk))


def create_voice(services: Services, desk: Desk | None = None) -> Flask:
    """Return an app that is nothing but the voice hooks."""
    app = Flask("calltrack.voice", static_folder=None)
    mount(app, services, desk)
    app.wsgi_app = drained(app.wsgi_app)  # type: ignore[method-assign,assignment]  # Flask's own way
    return app
