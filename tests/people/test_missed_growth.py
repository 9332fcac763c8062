"""One caller's missed calls: each further call looks at those it can settle, and all end the same."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import select

from calltrack.calls.model import Call
from calltrack.calls.people.missed import settle_caller, take_note
from calltrack.calls.people.model import MissedCall
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call
from tests.copies import copy_row
from tests.explained import explained

MINUTE = timedelta(minutes=1)
MANY = 400


def states(services: Services, company: Company) -> list[tuple[object, ...]]:
    with services.db.tenant(company.id) as session:
        rows = session.execute(select(MissedCall.call_id, MissedCall.state).order_by(MissedCall.call_id))
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("seed", range(4))
def test_calls_told_in_any_order_settle_what_a_look_at_all_of_them_would(
    services: Services, company: Company, seed: int
) -> None:
    dice = random.Random(seed)
    calls = [
        make_call(
            services, company, at=NOON + place * MINUTE, talk_seconds=20,
            outcome=dice.choice(("missed", "missed", "answered")),
        )
        for place in range(14)
    ]  # fmt: skip
    dice.shuffle(calls)
    for call in [*calls, *calls[:5]]:
        with services.db.tenant(company.id) as session:
            take_note(session, company.id, call.id, NOON)
    # An answered one turns out not to have been put through.
    turned = next(call for call in calls if call.is_bridged)
    with services.db.tenant(company.id) as session:
        row = session.get_one(Call, (company.id, turned.id))
        row.is_bridged, row.answered_at, row.outcome = False, None, "missed"
    with services.db.tenant(company.id) as session:
        take_note(session, company.id, turned.id, NOON)
    found = states(services, company)
    with services.db.tenant(company.id) as session:
        assert turned.caller_hash is not None
        settle_caller(session, company.id, turned.caller_hash)
    assert found == states(services, company)
    assert {state for _, state in found} >= {"came_back"}


def test_a_caller_who_rings_and_rings_holds_one_missed_call_at_a_time(
    services: Services, company: Company
) -> None:
    call = make_call(services, company, outcome="missed")
    with services.db.tenant(company.id) as session:
        take_note(session, company.id, call.id, NOON)
        copy_row(session, "call", MANY, "id", call_sid="'CA' || md5(CAST(n AS text))")
        copy_row(session, "missed_call", MANY, "call_id")
    with explained(services.db.engine) as found, services.db.tenant(company.id) as session:
        assert take_note(session, company.id, call.id, NOON)
    held = [plan["Actual Rows"] for words, plan in found.plans.items() if "FROM missed_call" in words]
    assert held
    assert max(held) <= 1
