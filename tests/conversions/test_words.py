"""What was said comes to the same purchases and lead in any order of arrival, however often."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from calltrack.conversions.model import Conversion
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.conversions.word_rules import Word, lead_word, standings
from calltrack.kernel.errors import BadInput
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_company

T0 = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(days=30)


def word(kind: str, minute: int, value: int | None = None, via: str = "crm", **more: Any) -> Word:
    said_at = T0 + timedelta(minutes=minute)
    given: dict[str, Any] = {"kind": kind, "said_at": said_at, "by": via, "via": via, "currency": "EUR"}
    return Word(**(given | {"value_minor": value} | more))


def ruled(value: int) -> Word:
    return word("purchase", 0, value, "rule")


A: dict[str, Any] = {"external_id": "A"}
B: dict[str, Any] = {"external_id": "B"}


@pytest.mark.parametrize(
    ("said", "rule", "expected"),
    [
        ([], None, {}),
        ([word("purchase", 1, 100)], None, {"": (True, "", 100)}),
        ([word("purchase", 1, 100), word("purchase", 2, 120)], None, {"": (True, "", 120)}),
        # A person's value stands above a system's, whoever spoke last; both above the rule's.
        ([word("purchase", 1, 100, "dashboard"), word("purchase", 2, 120)], None, {"": (True, "", 100)}),
        ([word("purchase", 1, 120), word("purchase", 2, 100, "api")], None, {"": (True, "", 100)}),
        ([word("purchase", 1, 100, "link"), word("purchase", 2, 7, "api")], None, {"": (True, "", 7)}),
        ([word("purchase", 1, 120, "import")], ruled(50), {"": (True, "", 120)}),
        ([], ruled(50), {"": (True, "", 50)}),
        ([word("purchase", 1, None)], ruled(50), {"": (True, "", 50)}),
        ([word("purchase", 1, None)], None, {}),
        ([word("purchase", 1, 90, **A), word("purchase", 2, None, **B)], ruled(50),
         {"A": (True, "", 90), "B": (True, "", 50)}),
        # Refunds: in total so far; a full one ends it; the latest said holds; it may come first.
        ([word("purchase", 1, 100), word("refund", 2, 30)], None, {"": (True, "", 70)}),
        ([word("purchase", 1, 100), word("refund", 2, 30), word("refund", 3, 50)], None,
         {"": (True, "", 50)}),
        ([word("purchase", 1, 100), word("refund", 2, 100)], None, {"": (False, "refund", 100)}),
        ([word("purchase", 1, 100), word("refund", 2)], None, {"": (False, "refund", 100)}),
        ([word("refund", 0, 30, **A), word("purchase", 1, 100, **A)], None, {"A": (True, "", 70)}),
        ([word("purchase", 1, 100), word("refund", 2, 30), word("purchase", 3, 200)], None,
         {"": (True, "", 170)}),
        # Cancelled, taken back, and it holds after all.
        ([word("purchase", 1, 100), word("cancelled", 2)], None, {"": (False, "cancel", 100)}),
        ([word("purchase", 1, 100), word("none", 2)], None, {"": (False, "none", 100)}),
        ([word("purchase", 1, 100), word("lead", 2)], None, {"": (False, "none", 100)}),
        ([word("purchase", 1, 100), word("cancelled", 2), word("purchase", 3, 100)], None,
         {"": (True, "", 100)}),
        ([word("none", 2, via="dashboard")], ruled(50), {"": (False, "none", 50)}),
        ([word("lead", 2, via="dashboard")], ruled(50), {"": (False, "none", 50)}),
        # Orders: the first one is the purchase somebody told of without a name.
        ([word("purchase", 1, 100, "dashboard"), word("purchase", 2, 120, **A)], None,
         {"A": (True, "", 100)}),
        ([word("purchase", 1, 120, **A), word("purchase", 2, 100, "dashboard")], None,
         {"A": (True, "", 100)}),
        ([word("purchase", 1, 1, **A), word("purchase", 2, 2, **B), word("cancelled", 3, **A)], None,
         {"A": (False, "cancel", 1), "B": (True, "", 2)}),
        ([word("purchase", 1, 1, **A), word("purchase", 2, 2, **B), word("none", 3)], None,
         {"A": (False, "none", 1), "B": (False, "none", 2)}),
        ([word("purchase", 1, 1, **A), word("refund", 2, 9, **B)], None, {"A": (True, "", 1)}),
    ],
)  # fmt: skip
def test_words_come_to_purchases(
    said: list[Word], rule: Word | None, expected: dict[str, tuple[bool, str, int]]
) -> None:
    for order in (said, list(reversed(said)), said + said):
        found = standings(order, rule)
        assert {name: (one.counts, one.ended_by, one.value_minor) for name, one in found.items()} == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], None),
        ([word("lead", 1)], "lead"),
        ([word("lead", 1), word("none", 2)], "none"),
        ([word("none", 1), word("lead", 2)], "lead"),
        ([word("none", 1), word("purchase", 2, 1)], None),
        ([word("lead", 1), word("purchase", 2, 1)], "lead"),
        ([word("none", 1, **A)], None),
        ([word("cancelled", 1), word("refund", 2)], None),
    ],
)
def test_words_decide_about_the_lead(said: list[Word], expected: str | None) -> None:
    for order in (said, list(reversed(said)), said + said):
        found = lead_word(order)
        assert (found.kind if found else None) == expected


KINDS = st.sampled_from(["purchase", "purchase", "refund", "cancelled", "none", "lead"])
VIAS = st.sampled_from(["crm", "import", "dashboard", "api", "link"])


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    """Dated words about two orders; each named, as systems that may deliver out of order name them."""
    kind = draw(KINDS)
    value = draw(st.integers(1, 40)) if kind in ("purchase", "refund") else None
    at = T0 + timedelta(minutes=draw(st.integers(0, 6)))
    name = draw(st.sampled_from(["A", "B"])) if kind not in ("none", "lead") else ""
    given: Any = {"kind": kind, "via": draw(VIAS)}
    return Outcome(by="x", value_minor=value, said_at=at, external_id=name, **given)


@settings(max_examples=120, deadline=None)
@given(st.lists(outcomes(), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_repetitions_do_not_matter(told: list[Outcome], chance: Any) -> None:
    said = [_word(one) for one in told]
    shuffled = said + [chance.choice(said) for _ in range(3)] if said else []
    chance.shuffle(shuffled)
    assert standings(said) == standings(shuffled)
    assert lead_word(said) == lead_word(shuffled)


def _word(outcome: Outcome) -> Word:
    assert outcome.said_at is not None
    return Word(
        kind=outcome.kind, said_at=outcome.said_at, by=outcome.by, via=outcome.via, currency="EUR",
        value_minor=outcome.value_minor, external_id=outcome.external_id,
    )  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(outcomes(), min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_stored_conversions_end_alike_in_any_order(
    services: Services, told: list[Outcome], chance: Any
) -> None:
    company = make_company(services)
    ends = []
    again = told + [chance.choice(told) for _ in range(2)]
    chance.shuffle(again)
    for order in (sorted(told, key=lambda one: str(one.said_at)), again):
        call = make_call(services, company, talk_seconds=5)
        names = {"A": f"A-{call.id}", "B": f"B-{call.id}"}
        for one in order:
            _say(services, company, call.id, one, names)
        ends.append(_counted(services, company, call.id))
    assert ends[0] == ends[1]


def _say(services: Services, company: Company, call_id: UUID, one: Outcome, names: dict[str, str]) -> None:
    told: Any = {"kind": one.kind, "via": one.via, "said_at": one.said_at}
    named = Outcome(by="x", value_minor=one.value_minor, external_id=names.get(one.external_id, ""), **told)
    with services.db.tenant(company.id) as session:
        set_outcome(session, company.id, call_id, named, LATER)


def _counted(services: Services, company: Company, call_id: UUID) -> list[tuple[Any, ...]]:
    with services.db.tenant(company.id) as session:
        rows = session.scalars(
            select(Conversion).where(Conversion.call_id == call_id, Conversion.status == "counted")
        ).all()
        every = session.scalars(select(Conversion).where(Conversion.call_id == call_id)).all()
    assert len({(row.kind, row.external_id) for row in every}) == len(every)
    return sorted((row.kind, row.external_id[:1], row.value_minor or 0, row.via) for row in rows)


def say(services: Services, company: Company, call_id: UUID, **more: Any) -> tuple[UUID, ...]:
    with services.db.tenant(company.id) as session:
        return set_outcome(session, company.id, call_id, Outcome(**({"by": "anna"} | more)), LATER)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({}, {"kind": "refund"}),
        ({}, {"kind": "cancelled"}),
        ({"kind": "purchase", "value_minor": 5}, {"kind": "refund", "value_minor": 1, "currency": "CHF"}),
        ({}, {"kind": "purchase", "value_from_rule": True}),
        ({}, {"kind": "lead", "called_back_at": NOON + timedelta(hours=1)}),
    ],
)
def test_words_that_cannot_be_meant_are_refused(
    services: Services, company: Company, first: dict[str, Any], then: dict[str, Any]
) -> None:
    call = make_call(services, company)
    if first:
        say(services, company, call.id, **first)
    with pytest.raises(BadInput):
        say(services, company, call.id, **then)


def test_a_file_that_is_read_again_does_not_undo_a_later_word(services: Services, company: Company) -> None:
    call = make_call(services, company)
    row = {"kind": "purchase", "value_minor": 100, "external_id": "A", "via": "import"}
    say(services, company, call.id, **row)
    say(services, company, call.id, kind="cancelled", external_id="A", via="crm")
    assert say(services, company, call.id, **row) == ()
    assert len(say(services, company, call.id, **(row | {"via": "crm"}))) == 1
