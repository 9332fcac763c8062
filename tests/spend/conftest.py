"""Twins on a socket and a world around each test."""

from collections.abc import Iterator

import pytest

from calltrack.wiring import Services
from tests.builders import Company
from tests.sandbox.platforms.serving import serving
from tests.spend.world import World


@pytest.fixture
def world(services: Services, company: Company) -> Iterator[World]:
    with serving() as origin:
        made = World(services, company, origin)
        yield made
        made.close()
