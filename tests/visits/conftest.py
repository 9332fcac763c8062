"""The edge's WSGI app and a page that talks to it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from psycopg_pool import ConnectionPool
from werkzeug.test import TestResponse

from calltrack.edge import create_edge
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
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps({"k": company.site_key} | body).encode()
        return self.client.post(path, data=data, headers=sent)

    def visit(self, company: Company, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
        """Load a page; returns the answer, which must be 200."""
        reply = self.post("/v1/visit", company, {"u": company.origin + "/"} | body, **(headers or {}))
        assert reply.status_code == 200, reply.text
        answer: dict[str, Any] = reply.json
        return answer


@pytest.fixture(scope="session")
def edge(services: Services) -> Iterator[Edge]:
    app = create_edge(services, threads=20)
    yield Edge(app.test_client(), app.extensions["edge.connections"])
    app.extensions["edge.connections"].close()
