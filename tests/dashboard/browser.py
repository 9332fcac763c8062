"""A signed-in browser without a screen: keeps cookies, sends the form's token."""

import os
import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from calltrack.accounts import sessions
from calltrack.dashboard import register
from calltrack.wiring import Services
from tests.accounts.people import PASSWORD, Person

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def make_app(services: Services) -> Flask:
    app = Flask("tests")
    register(app, services)
    return app


def fresh_address() -> str:
    """Return an IPv4 address at random."""
    return ".".join(str(byte) for byte in os.urandom(4))


class Browser:
    """Every browser has an address of its own, so that tests do not use up each other's tries."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.address = fresh_address()
        self._token = ""

    def get(self, path: str, **more: Any) -> TestResponse:
        answer = self.client.get(path, environ_base={"REMOTE_ADDR": self.address}, **more)
        answer.get_data()
        answer.close()
        return answer

    def post(self, path: str, token: str | None = None, **form: Any) -> TestResponse:
        """Send a form; with the page's token unless another is given."""
        if token is None:
            token = self._token = self._token or self._read_token()
        if path in ("/login", "/logout"):
            self._token = ""
        return self.client.post(
            path, data={**form, "csrf_token": token}, environ_base={"REMOTE_ADDR": self.address}
        )

    def enter(self, person: Person) -> None:
        """Open a session as the right password does; most tests are about what comes after it."""
        services: Services = self.client.application.extensions["calltrack_services"]
        with services.db.shared() as session:
            token = sessions.start(session, person.id, "", services.clock())
        self.client.set_cookie("calltrack_session", token)
        self._token = ""

    def sign_in(self, person: Person, password: str = PASSWORD, **more: str) -> TestResponse:
        return self.post("/login", email=person.email, password=password, **more)

    def _read_token(self) -> str:
        for page in ("/login", "/account"):
            if found := TOKEN.search(self.get(page).text):
                return found[1]
        raise AssertionError("no form on any page")
