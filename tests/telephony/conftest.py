from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.carrier.hooks import Hooks, running
from tests.sandbox.carrier_rest.serving import World, carrier_world


@pytest.fixture
def world() -> Iterator[World]:
    with carrier_world() as world:
        yield world


@pytest.fixture
def answering() -> Iterator[Hooks]:
    """Hooks of ours that record what the carrier asks and tells."""
    with running() as hooks:
        yield hooks
    assert hooks.unsigned == [], "every request of the carrier is signed"
