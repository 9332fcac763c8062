from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.carrier.hooks import Hooks, running


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with running() as hooks:
        yield hooks
    assert hooks.unsigned == [], "every request of the carrier is signed"
