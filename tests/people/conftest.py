from collections.abc import Iterator
from pathlib import Path

import pytest

from calltrack.wiring import Services
from tests.builders import Company
from tests.people.world import World, people_world


@pytest.fixture
def world(services: Services, company: Company, tmp_path: Path) -> Iterator[World]:
    with people_world(services, company, tmp_path) as world:
        yield world
