"""Rows are a function of the stored events: a replay finds nothing, and mends what somebody bent."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from calltrack.calls.model import Call, Leg
from calltrack.calls.replay import Difference, Replayed, replay
from calltrack.infra.bounded import BoundedPool
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import Company, make_call
from tests.calls.rows import calls_of, stored_call
from tests.calls.stories import START
from tests.calls.test_convergence import of_call, pool, post

__all__ = ["pool"]
LATER = START + timedelta(days=1)


def differences(services: Services, company: Company, *, write: bool = False) -> list[Difference]:
    counts = Replayed()
    return list(replay(services.db, services.vault, company.id, None, write=write, now=LATER, counts=counts))


def test_a_replay_of_what_hooks_stored_finds_no_difference(
    pool: BoundedPool, services: Services, company: Company
) -> None:
    for _ in range(3):
        for one in of_call("CA" + new_id().hex):
            post(pool, services, company, one)
    make_call(services, company)
    counts = Replayed()
    found = list(replay(services.db, services.vault, company.id, None, write=False, now=LATER, counts=counts))
    assert found == []
    assert (counts.calls, counts.eventless, counts.events) == (4, 1, 30)


@pytest.mark.parametrize("write", [False, True])
def test_bent_rows_are_named_and_mended_only_when_asked(
    pool: BoundedPool, services: Services, company: Company, write: bool
) -> None:
    sid = "CA" + new_id().hex
    for one in of_call(sid):
        post(pool, services, company, one)
    good = stored_call(services, company.id, sid)
    with services.db.tenant(company.id) as session:
        session.execute(update(Call).values(talk_seconds=1, caller_hash=b"x", hung_up_by="caller"))
        session.execute(update(Leg).values(status="busy"))
    found = {one.where.split(" ")[0] + one.where[-7:] for one in differences(services, company, write=write)}
    assert {"call.caller.caller", "call.talk_secondsseconds", "call.hung_up_byg_up_by"} <= found
    assert len(differences(services, company)) == (0 if write else 5)
    assert (stored_call(services, company.id, sid) == good) is write
    caller = calls_of(services, company.id)[0].caller
    assert caller is not None
    assert services.vault.open(company.id, "call.caller", caller) == "+393471234567"
