"""The nightly lesson through rows: a simulated world, stored as a company's visits, leases and calls."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from calltrack.attribution.calibrating import calibrate_now, how_sure, served_at
from calltrack.attribution.densities import DAY, Model
from calltrack.attribution.drift import Lesson
from calltrack.attribution.expectation import expect
from calltrack.attribution.history import History, prepare
from calltrack.attribution.history_rows import Size, choose_numbers, read_history
from calltrack.attribution.learning import learn
from calltrack.attribution.lessons import TURN, learn_due, learn_now
from calltrack.attribution.model_rows import AttributionCalibration, AttributionModel, AttributionTask
from calltrack.attribution.model_versions import Taught, keep_lesson
from calltrack.attribution.night_work import claim, due_night_work, plan
from calltrack.attribution.prior import shipped
from calltrack.attribution.revealed import reveal
from calltrack.attribution.serving import serving_model, serving_version
from calltrack.infra.turns import only_one
from calltrack.wiring import Services
from tests.attribution.world_rows import Stored, at, store_world
from tests.builders import Company, make_company
from tests.worlds.assumptions import Assumptions
from tests.worlds.events import live, with_pool

DAYS, TAUGHT = 14, 10
WORLD = Assumptions(seed=5, visits_per_day=200, campaigns=6, days=DAYS, linkable=0.3)


@dataclass(frozen=True)
class Lived:
    company: Company
    stored: Stored


@pytest.fixture(scope="module")
def lived(services: Services) -> Lived:
    company = make_company(services, numbers=8)
    world = with_pool(live(WORLD), 8)
    return Lived(company, store_world(services, company, world, DAYS))


def by(services: Services, now: datetime) -> Services:
    return replace(services, clock=lambda: now)


def test_rows_read_back_as_the_history_that_was_played(services: Services, lived: Lived) -> None:
    with services.db.tenant(lived.company.id) as session:
        read = read_history(session, lived.company.id, at(DAYS * DAY))
    whole = lived.stored.history
    assert read.history.holdings == whole.holdings
    assert list(read.history.holdings) == list(whole.holdings)
    assert (read.history.calls, read.history.told) == (whole.calls, whole.told)
    assert read.call_ids == tuple(lived.stored.call_ids)


def test_what_is_learnt_through_rows_is_what_is_learnt_in_memory_to_the_last_digit(
    services: Services, lived: Lived
) -> None:
    now = at(TAUGHT * DAY)
    said = learn_now(by(services, now), lived.company.id)
    assert said.startswith("learnt-2026-06-11: learnt from ")
    with services.db.tenant(lived.company.id) as session:
        served = serving_model(session, lived.company.id)
    assert served == learn(until(lived.stored.history, now), shipped(), "learnt-2026-06-11")
    # ... and it is worth something: the days that followed are less of a surprise to it.
    learnt, before = surprise(lived.stored, served), surprise(lived.stored, shipped())
    assert learnt < before


def until(history: History, now: datetime) -> History:
    """What had happened by then; what visits did later is told whole, as rows do."""
    end = now.timestamp()
    return replace(
        history,
        holdings={
            number: tuple(one for one in rows if one.shown_from < end)
            for number, rows in history.holdings.items()
        },
        calls=tuple(call for call in history.calls if call.at < end),
        told=tuple(one for one in history.told if one.at < end),
        began=min(rows[0].shown_from for rows in history.holdings.values() if rows),
        until=end,
    )


def surprise(stored: Stored, model: Model) -> float:
    """Return the mean log loss of the true visit over the calls after the lesson."""
    prepared = prepare(stored.history)
    places = {one.visit: place for place, one in enumerate(prepared.visits)}
    found = expect(prepared, model).calls
    losses = [
        -math.log(max(judged.whole.get(places[truth.hex], 0.0) if truth else judged.whole_nobody, 1e-4))
        for call, judged, truth in zip(stored.history.calls, found, stored.truths, strict=True)
        if call.at >= at(TAUGHT * DAY).timestamp()
    ]
    assert len(losses) > 20
    return sum(losses) / len(losses)


def test_a_killed_lesson_is_due_again_and_comes_to_the_same_end(services: Services, lived: Lived) -> None:
    company_id, night = lived.company.id, at(12 * DAY)
    with services.db.tenant(company_id) as session:
        plan(session, company_id, night)
        plan(session, company_id, night + timedelta(days=3))
    due = task(services, company_id).due_at
    assert night < due < night + timedelta(days=1)
    with services.db.system() as system:
        assert ("lesson", company_id) not in due_night_work(system, due - timedelta(seconds=1))
        assert ("lesson", company_id) in due_night_work(system, due)
    with services.db.tenant(company_id) as session:
        assert claim(session, company_id, "lesson", due)  # ... and its worker is killed.
        assert not claim(session, company_id, "lesson", due)
    again = due + timedelta(minutes=30)
    learn_due(by(services, again), company_id)
    with services.db.tenant(company_id) as session:
        assert serving_version(session, company_id) == "learnt-2026-06-13"
    assert task(services, company_id).said.startswith("learnt-2026-06-13: learnt from ")
    assert task(services, company_id).due_at > again + timedelta(hours=12)
    before = rows(services, company_id)
    learn_now(by(services, again), company_id)
    learn_due(by(services, again), company_id)
    assert rows(services, company_id) == before


def test_nobody_learns_while_another_company_does(services: Services, lived: Lived) -> None:
    company = make_company(services)
    with services.db.tenant(company.id) as session:
        plan(session, company.id, at(0))
    due = task(services, company.id).due_at
    with only_one(services.db.engine, TURN) as may:
        assert may
        learn_due(by(services, due), company.id)
        waiting = task(services, company.id)
        assert (waiting.tries, waiting.ended_at) == (0, None)
    learn_due(by(services, waiting.due_at), company.id)
    assert task(services, company.id).said == "Nothing was learnt: 0 calls in four weeks, 20 are needed."
    with services.db.tenant(company.id) as session:
        assert serving_model(session, company.id) == shipped()


def test_a_lesson_that_fails_every_time_is_given_up_until_the_next_night(services: Services) -> None:
    company = make_company(services)
    with services.db.tenant(company.id) as session:
        plan(session, company.id, at(0))
    for _ in range(4):
        due = task(services, company.id).due_at
        with services.db.tenant(company.id) as session:
            assert claim(session, company.id, "lesson", due)
    due = task(services, company.id).due_at
    with services.db.tenant(company.id) as session:
        assert not claim(session, company.id, "lesson", due)
    assert task(services, company.id).due_at > due + timedelta(hours=12)
    assert task(services, company.id).said.startswith("Given up after 4 tries")


def task(services: Services, company_id: UUID) -> AttributionTask:
    with services.db.tenant(company_id) as session:
        return session.scalars(select(AttributionTask).where(AttributionTask.kind == "lesson")).one()


def rows(services: Services, company_id: UUID) -> list[tuple[str, str, datetime]]:
    with services.db.tenant(company_id) as session:
        found = session.scalars(select(AttributionModel).order_by(AttributionModel.version))
        return [(one.version, one.state, one.learnt_at) for one in found]


sizes = st.dictionaries(
    st.uuids(), st.builds(Size, st.integers(0, 3000), st.integers(0, 400)), min_size=0, max_size=30
)


@given(sizes, st.integers(0, 20_000), st.integers(0, 1_000_000), st.text(max_size=4))
def test_as_many_numbers_are_heard_as_fit(found: dict[UUID, Size], visits: int, pairs: int, lot: str) -> None:
    chosen = choose_numbers(found, lot, visits, pairs)
    left_visits = visits - sum(found[one].visits for one in chosen)
    left_pairs = pairs - sum(found[one].pairs() for one in chosen)
    assert left_visits >= 0
    assert left_pairs >= 0
    assert list(chosen) == sorted(chosen)
    for one in set(found) - set(chosen):
        assert found[one].visits > left_visits or found[one].pairs() > left_pairs
    assert choose_numbers(found, lot, 10**9, 10**12) == tuple(sorted(found))


def test_a_week_is_calibrated_once_on_calls_that_forms_reveal(services: Services, lived: Lived) -> None:
    company_id, now = lived.company.id, at(14 * DAY + 3 * 3600)
    said = calibrate_now(by(services, now), company_id)
    with services.db.tenant(company_id) as session:
        (row,) = session.scalars(select(AttributionCalibration))
        model = served_at(session, company_id, at(7 * DAY))
        seen = how_sure(session, company_id)
    assert (row.week, row.model) == (at(7 * DAY).date(), "shipped-1")
    assert model == shipped()
    # Rome's week begins two hours before that of the world.
    begin, end = (at(days * DAY - 2 * 3600).timestamp() for days in (7, 14))
    found = reveal(until(lived.stored.history, at(14 * DAY - 2 * 3600)), model, begin, end)
    assert (row.calls, row.known, row.never_shown) == (found.calls, found.known, found.never_shown)
    assert row.known >= 3
    assert said == f"The week from 2026-06-08: {row.known} of {row.calls} calls became known."
    assert [right for _, right in row.outcomes["visitor"]] == [
        one.is_right for one in found.outcomes["visitor"]
    ]
    assert (seen.known, seen.is_enough) == (row.known, False)
    assert seen.levels["campaign"].calls == len(row.outcomes["campaign"])
    before = row.made_at
    calibrate_now(by(services, now + timedelta(hours=1)), company_id)
    with services.db.tenant(company_id) as session:
        assert [one.made_at for one in session.scalars(select(AttributionCalibration))] == [before]


def test_the_week_is_judged_by_the_model_that_served_when_it_began(services: Services) -> None:
    company = make_company(services)
    with services.db.tenant(company.id) as session:
        for day in (2, 9):
            lesson = Lesson(model=replace(shipped(), version=f"day-{day}"), is_new=True, calls=30)
            taught = Taught(since=at(0), until=at(day), visits=1, numbers=1, numbers_in_use=1)
            keep_lesson(session, company.id, lesson, taught, "shipped-1", at(day * DAY))
        versions = [served_at(session, company.id, at(day * DAY)).version for day in (1, 7, 14)]
    assert versions == ["shipped-1", "day-2", "day-9"]
