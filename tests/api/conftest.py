"""The API over real parts, asked as a program asks it."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from calltrack.accounts.api_keys import create_api_key
from calltrack.accounts.rules import Role
from calltrack.api.registration import new_app, register
from calltrack.app import _explain_errors
from calltrack.wiring import Services
from tests.builders import Company


@dataclass(frozen=True)
class Program:
    """A program with an API key."""

    client: FlaskClient
    key: str

    def get(self, path: str) -> Any:
        return self.client.get(path, headers=self._headers())

    def post(self, path: str, body: object, idempotency: str | None = None) -> Any:
        more = {"Idempotency-Key": idempotency} if idempotency else {}
        return self.client.post(path, json=body, headers=self._headers() | more)

    def put(self, path: str, body: object) -> Any:
        return self.client.put(path, json=body, headers=self._headers())

    def delete(self, path: str) -> Any:
        return self.client.delete(path, headers=self._headers())

    def patch(self, path: str, body: object) -> Any:
        return self.client.patch(path, json=body, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture(scope="session")
def client(services: Services) -> FlaskClient:
    app = new_app("api")
    _explain_errors(app)
    register(app, services)
    return app.test_client()


def program_of(services: Services, client: FlaskClient, company: Company, role: Role = "owner") -> Program:
    """Return a program that speaks for the company."""
    with services.db.tenant(company.id) as session:
        key = create_api_key(session, company.id, "Test", role, services.clock())
    return Program(client, key.text)


@pytest.fixture
def program(services: Services, client: FlaskClient, company: Company) -> Program:
    return program_of(services, client, company)
