"""A town of people for each test."""

import pytest

from calltrack.wiring import Services
from tests.builders import Company
from tests.stages.people import Town


@pytest.fixture
def town(services: Services, company: Company) -> Town:
    return Town(services, company)
