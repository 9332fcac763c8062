"""The list of deliveries: verdicts kept apart, filters, counts that always add up, exports."""

import csv
import io
import itertools
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from calltrack.delivery import accounts, log
from calltrack.delivery.export import COLUMNS, csv_of, safe_cell
from calltrack.delivery.log import ACTIONS, KINDS, WANTED_STATES, Counts, DeliveryFilter
from calltrack.delivery.model import STATES, Delivery, DestinationAccount
from calltrack.delivery.queries import DeliveryRow
from calltrack.kernel.errors import BadInput
from calltrack.visits.model import Visit
from tests.delivery.world import World
from tests.examples import examples


def alter(world: World, table: Any, *which: Any, **values: Any) -> None:
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(table).where(*which).values(**values))


def find(world: World, **wanted: Any) -> tuple[DeliveryRow, ...]:
    with world.services.db.tenant(world.company.id) as session:
        return log.find(session, world.company.id, DeliveryFilter(**wanted), most=1000)


def count(world: World, **wanted: Any) -> Counts:
    with world.services.db.tenant(world.company.id) as session:
        return log.count(session, world.company.id, DeliveryFilter(**wanted))


@pytest.fixture
def mixed(world: World) -> World:
    """Deliveries of two destinations in every state, of both kinds and all three actions."""
    world.google(hold_after_click_hours=0)
    world.webhook()
    world.conversions(10)
    world.conversions(6, kind="lead", value=None)
    changes = world.conversions(4)
    for change in changes:
        world.change(change, "restate", 90_000)
    world.change(changes[0], "retract", 0)
    for row, state in zip(world.rows(), itertools.cycle(STATES), strict=False):
        ends = state in ("confirmed", "rejected", "withheld")
        alter(
            world, Delivery, Delivery.id == row.id, state=state, explanation=f"Said of {state}, 100%_",
            due_at=None if ends or state == "parked" else world.now(),
            settled_at=world.now() if ends else None,
        )  # fmt: skip
    return world


def test_the_verdict_before_sending_is_kept_whatever_happens_later(world: World) -> None:
    google = world.google(hold_after_click_hours=0)
    world.conversions()
    (row,) = world.rows()
    assert (row.preflight, row.preflight_code, row.preflight_until) == ("send", "OK", None)
    assert row.preflight_at == row.planned_at
    kept = (row.preflight_code, row.preflight_reason, row.preflight_at)
    world.faults("reason:EVENT_TIME_INVALID")
    world.deliver(google)
    (row,) = world.rows()
    assert row.state == "rejected"
    assert (row.preflight_code, row.preflight_reason, row.preflight_at) == kept


def test_a_verdict_to_wait_or_never_is_kept_with_its_code(world: World) -> None:
    world.google(hold_after_click_hours=24)
    world.conversions()
    first = world.conversions(planned=False)
    alter(world, Visit, consent={"ad": False})
    world.plan(first)
    waits, never = sorted(world.rows(), key=lambda row: row.preflight, reverse=True)
    assert (waits.preflight, waits.preflight_code, waits.due_at) == (
        "wait", "CLICK_TOO_RECENT", waits.preflight_until,
    )  # fmt: skip
    assert (never.preflight, never.preflight_code, never.state) == ("never", "CONSENT_DENIED", "withheld")
    assert never.explanation == never.preflight_reason


def test_new_settings_judge_anew_what_was_never_tried(world: World) -> None:
    google = world.google(hold_after_click_hours=0)
    world.conversions()
    settings = world.account(google).settings | {"purchase_action_id": ""}
    world.later(seconds=1)
    alter(world, DestinationAccount, DestinationAccount.id == google, settings=settings,
          settings_changed_at=world.now())  # fmt: skip
    world.later(seconds=1)
    world.deliver(google)
    (row,) = world.rows()
    assert (row.state, row.preflight, row.preflight_code) == ("withheld", "never", "NO_ACTION")


def test_what_was_held_back_after_planning_has_a_code_of_its_own(world: World) -> None:
    google = world.google(hold_after_click_hours=0)
    world.conversions(2)
    with world.services.db.tenant(world.company.id) as session:
        accounts.remove(session, world.services.vault, world.company.id, google, world.now())
    assert count(world) == Counts({"withheld": 2}, {"AFTERWARDS": 2})
    alter(world, Delivery, preflight="", preflight_code="")
    assert count(world).withheld == {"NOT_KEPT": 2}


def test_the_counts_of_any_filter_add_up_to_its_rows(mixed: World) -> None:
    everything = find(mixed)
    assert len(everything) == count(mixed).total == len(mixed.rows()) == 50
    assert set(count(mixed).by_state) == set(STATES)
    destinations = {row.destination_id for row in everything}
    filters = [
        DeliveryFilter(destination_id=destination, kind=kind, action=action, state=state, text=text)
        for destination, kind, action, state, text in itertools.product(
            (None, *destinations),
            ("", *KINDS),
            ("", *ACTIONS),
            ("", *WANTED_STATES),
            ("", "100%_", "of parked"),
        )
    ]
    chosen = random.Random(35).sample(filters, min(len(filters), examples(250)))
    seen = set()
    with mixed.services.db.tenant(mixed.company.id) as session:
        for wanted in chosen:
            rows = log.find(session, mixed.company.id, wanted, most=1000)
            counted = log.count(session, mixed.company.id, wanted)
            assert counted.total == len(rows) == len({row.id for row in rows}), wanted
            assert sum(counted.withheld.values()) == counted.by_state.get("withheld", 0)
            assert counted.failed == sum(row.state in log.FAILED for row in rows)
            seen.add(len(rows))
    assert len(seen) > 10


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({"state": "rejected"}, lambda row: row.state == "rejected"),
        ({"state": "failed"}, lambda row: row.state in ("rejected", "parked", "unknown")),
        ({"kind": "lead"}, lambda row: row.conversion_kind == "lead"),
        ({"action": "restate"}, lambda row: row.action == "restate"),
        ({"action": "retract", "kind": "purchase"}, lambda row: row.action == "retract"),
        ({"code": "AFTERWARDS"}, lambda row: row.state == "withheld"),
        ({"code": "OK"}, lambda row: False),
        ({"text": "OF UNKNOWN"}, lambda row: row.state == "unknown"),
        ({"text": "%"}, lambda row: True),
        ({"text": "100x"}, lambda row: False),
    ],
)
def test_a_filter_finds_what_it_names(mixed: World, wanted: dict[str, str], fits: Any) -> None:
    expected = {row.id for row in find(mixed) if fits(row)}
    assert {row.id for row in find(mixed, **wanted)} == expected
    assert expected or wanted in ({"code": "OK"}, {"text": "100x"})


def test_a_span_of_time_goes_by_when_a_delivery_was_planned(world: World) -> None:
    world.google()
    world.conversions()
    world.later(days=3)
    world.conversions()
    old, new = world.rows()
    middle = world.now() - timedelta(days=1)
    assert [row.id for row in find(world, since=middle)] == [new.id]
    assert [row.id for row in find(world, until=middle)] == [old.id]
    assert (count(world, since=middle).total, count(world, until=middle).total) == (1, 1)


def test_pages_follow_each_other_without_gap_or_repeat(mixed: World) -> None:
    seen, before = [], None
    while True:
        with mixed.services.db.tenant(mixed.company.id) as session:
            rows = log.find(session, mixed.company.id, DeliveryFilter(), before, 7)
        seen += [row.id for row in rows]
        if len(rows) < 7:
            break
        before = rows[-1].id
    assert seen == [row.id for row in find(mixed)]


@pytest.mark.parametrize(
    "wrong", [{"state": "lost"}, {"kind": "sale"}, {"action": "x"}, {"text": "x" * 201}, {"text": "a\0b"}]
)
def test_a_filter_that_is_none_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        DeliveryFilter(**wrong)  # type: ignore[arg-type]


def test_an_export_holds_every_row_and_states_its_filters(mixed: World) -> None:
    wanted = DeliveryFilter(state="failed", text="Said")
    text = "".join(csv_of(mixed.services.db, mixed.company.id, wanted, "Deliveries", mixed.now(), most=4))
    told, names, *rows = csv.reader(io.StringIO(text))
    assert len(told) == 1
    assert "state failed, text Said" in told[0]
    assert tuple(names) == COLUMNS
    assert [row[0] for row in rows] == [str(row.id) for row in find(mixed, state="failed", text="Said")]
    assert len(rows) > 4
    assert {row[names.index("value")] for row in rows} & {"850.00", "900.00"}


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("+39347", "'+39347"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"), ("\rx", "'\rx"), ("\n=1", "'\n=1"), ("plain", "plain"), ("a=b", "a=b"), (None, ""),
        (0, "0"), (-5, "'-5"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def test_a_strangers_formula_is_text_in_the_export(mixed: World) -> None:
    alter(mixed, Delivery, explanation="=cmd|' /C calc'!A0")
    text = "".join(csv_of(mixed.services.db, mixed.company.id, DeliveryFilter(), "=1", mixed.now()))
    for row in csv.reader(io.StringIO(text)):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    assert "'=cmd|" in text


def test_what_failed_is_counted_to_the_last_one_and_the_rest_among_the_newest(
    mixed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = count(mixed)
    monkeypatch.setattr(log, "MOST_COUNTED", 20)
    monkeypatch.setattr(log, "MOST_JOINED", 10)
    for wanted, looked in (({}, 20), ({"kind": "lead"}, 10), ({"text": "of"}, 10)):
        newest = sorted((row for row in mixed.rows()), key=lambda row: row.id, reverse=True)[:looked]
        fits = {row.id for row in find(mixed, **wanted)}
        counted = count(mixed, **wanted)
        assert counted.is_cut
        for state in STATES:
            seen = newest if state in ("confirmed", "withheld") else mixed.rows()
            expected = sum(row.state == state and row.id in fits for row in seen)
            assert counted.by_state.get(state, 0) == expected, (wanted, state)
    failed = count(mixed, state="failed")
    assert (failed.failed, failed.is_cut) == (whole.failed, False)
