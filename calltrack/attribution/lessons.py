"""The nightly lesson of one company: read four weeks, learn, keep what the guard lets through."""

from typing import Final
from uuid import UUID

from calltrack.attribution.drift import FEWEST_CALLS, Lesson, nightly
from calltrack.attribution.history_rows import read_history
from calltrack.attribution.model_versions import baseline, keep_lesson
from calltrack.attribution.night_work import claim, settle, wait, zone_of
from calltrack.attribution.nights import night_of
from calltrack.attribution.serving import model_of
from calltrack.infra.turns import only_one
from calltrack.wiring import Services

# One lesson at a time on the whole server: each takes a core.
TURN: Final = "attribution lesson"


def learn_due(services: Services, company_id: UUID) -> None:
    """Learn the company's model where its lesson is due; a repetition in the same night changes nothing.

    A lesson that is killed is due again half an hour later and comes to the same end.
    """
    with services.db.tenant(company_id) as session:
        if not claim(session, company_id, "lesson", services.clock()):
            return
    with only_one(services.db.engine, TURN) as may:
        if may:
            learn_now(services, company_id)
            return
    with services.db.tenant(company_id) as session:
        wait(session, company_id, "lesson", services.clock())


def learn_now(services: Services, company_id: UUID) -> str:
    """Learn, store and serve; returns what came of it, in words. No transaction is open while it learns."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        read = read_history(session, company_id, now)
        before = baseline(session, company_id)
        current = model_of(session, company_id, before)
        version = f"learnt-{night_of(now, zone_of(session, company_id))}"
    lesson = nightly(read.history, current, version)
    with services.db.tenant(company_id) as session:
        said = _too_few(lesson)
        if lesson.is_new:
            row = keep_lesson(session, company_id, lesson, read.taught, before, services.clock())
            said = f"{row.version}: learnt from {row.calls} calls; it is {row.state}."
        settle(session, company_id, "lesson", said, services.clock())
    return said


def _too_few(lesson: Lesson) -> str:
    return f"Nothing was learnt: {lesson.calls} calls in four weeks, {FEWEST_CALLS} are needed."
