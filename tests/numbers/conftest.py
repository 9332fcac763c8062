"""Numbers over real parts: the database, Twilio's client, the carrier's twin."""

from collections.abc import Iterator

import pytest

from calltrack.wiring import Services
from tests.numbers.provider import Provider, provided


@pytest.fixture
def provider(services: Services) -> Iterator[Provider]:
    """A company with a carrier that answers."""
    with provided(services) as one:
        yield one
