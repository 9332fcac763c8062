"""The dashboard as an application of its own."""

import pytest
from flask import Flask

from calltrack.wiring import Services
from tests.dashboard.browser import make_app


@pytest.fixture(scope="session")
def app(services: Services) -> Flask:
    return make_app(services)
