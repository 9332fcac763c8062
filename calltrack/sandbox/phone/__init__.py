"""A telephone for the browser: dial any number, choose what happens, watch the carrier play it."""

from calltrack.sandbox.phone.routes import create_blueprint

__all__ = ["create_blueprint"]
