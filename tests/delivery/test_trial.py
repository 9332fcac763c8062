"""Before switching on: what a trial says where it could not run, and what a form says of a wrong moment."""

import pytest

from calltrack.delivery import accounts
from calltrack.delivery.trial import NO_TRIAL, try_out
from calltrack.kernel.errors import BadFields
from calltrack.sandbox.platforms.accounts import SETTINGS
from tests.delivery.world import World


@pytest.mark.parametrize("kind", ["meta", "tiktok"])
def test_a_trial_that_needs_a_code_asks_for_it(world: World, kind: str) -> None:
    without = SETTINGS[kind](world.origin) | {"test_event_code": ""}
    found = try_out(world.services, world.company.id, world.connect(kind, without))
    assert found.ok is None
    assert "it needs a test event code" in found.said


@pytest.mark.parametrize("kind", ["microsoft", "linkedin"])
def test_a_platform_without_a_trial_says_so(world: World, kind: str) -> None:
    found = try_out(world.services, world.company.id, world.connect(kind, SETTINGS[kind](world.origin)))
    assert (found.ok, found.said) == (None, NO_TRIAL)


@pytest.mark.parametrize(
    ("kind", "field"), [("google_data_manager", "actions_made_at"), ("microsoft", "goals_made_at")]
)
def test_a_moment_that_is_none_is_explained_by_an_example(world: World, kind: str, field: str) -> None:
    wrong = SETTINGS[kind](world.origin) | {field: "this morning"}
    with world.services.db.tenant(world.company.id) as session, pytest.raises(BadFields) as problem:
        accounts.connect_destination(
            session,
            world.services.vault,
            world.company.id,
            kind,
            "X",
            wrong,
            world.now(),
            sandbox=True,
            by="anna",
        )
    assert "write a day and time such as 2026-11-22T14:30Z" in problem.value.fields[field]
    assert "Input should be" not in str(problem.value)
