"""Persons: the list, also as a file, and one person with every touch, stage, score and why."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.person_line import moments_of
from calltrack.dashboard.show import phone
from calltrack.delivery.export import safe_cell
from calltrack.journeys.joining import Pair, join_by_hand, part, person_now
from calltrack.journeys.keys import Key, link_key
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.masking import masked_id
from calltrack.stages import segments
from calltrack.stages.score_rules import band_of
from calltrack.stages.segment_rules import Tree, read_segment
from calltrack.stages.segments import PersonRow, Segment
from calltrack.stages.stage_words import STAGES
from calltrack.stages.timeline import Touch, story_of
from calltrack.stages.versions import score_rules
from calltrack.wiring import Services

A_PAGE = 50
_COLUMNS = (
    "id", "first_at", "last_at", "source", "medium", "campaign", "stage", "score", "visits", "calls",
    "missed", "purchases", "value_minor",
)  # fmt: skip


@page("/journeys/persons", "viewer")
def persons(services: Services, here: Here) -> ResponseReturnValue:
    """List the persons of a segment, or all, who was there last first."""
    with services.db.tenant(here.company.id) as session:
        all_ = segments.segments(session, here.company.id)
        chosen, tree = _chosen(all_)
        rows, count = segments.newest_persons(session, here.company.id, tree, here.now, A_PAGE + 1)
        if before := _before():
            rows = segments.persons(session, here.company.id, tree, here.now, before=before, most=A_PAGE + 1)
        rules = score_rules(session, here.company.id)
    return render_template(
        "persons.html", segments=all_, chosen=chosen, rows=rows[:A_PAGE], count=count, stages=STAGES,
        most=segments.COUNTED, next=_after(rows[A_PAGE - 1]) if len(rows) > A_PAGE else "",
        band=lambda score: band_of(score, rules),
    )  # fmt: skip


@page("/journeys/persons.csv", "viewer")
def export_persons(services: Services, here: Here) -> ResponseReturnValue:
    """Stream the persons of a segment as CSV, without names or numbers; no cell is a formula."""
    with services.db.tenant(here.company.id) as session:
        chosen, tree = _chosen(segments.segments(session, here.company.id))
        words = chosen.name if chosen else "all"
        audit.note(session, here.company.id, here.who.email, "person.export", words, here.now)
    answer = Response(_lines(services, here, tree, words), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f"attachment; filename=persons-{here.now:%Y-%m-%d}.csv"
    return answer


@page("/journeys/persons/<id:person_id>", "viewer")
def person(services: Services, here: Here, person_id: UUID) -> ResponseReturnValue:
    """Show one person; an id that is part of another person leads there."""
    with services.db.tenant(here.company.id) as session:
        now_is = person_now(session, here.company.id, person_id)
        if now_is is not None and now_is != person_id:
            return redirect(url_for("dashboard.person", company_id=here.company.id, person_id=now_is))
        story = story_of(session, services.vault, here.company.id, person_id)
        rules = score_rules(session, here.company.id)
        inside = [
            one
            for one in segments.segments(session, here.company.id)
            if segments.is_in(session, here.company.id, read_segment(one.condition), person_id, here.now)
        ]
    shown = story.touches if here.sees_numbers else tuple(_nameless(one) for one in story.touches)
    return render_template(
        "person.html", story=story, stages=STAGES, rules=rules, inside=inside,
        numbers=[phone(one, here.sees_numbers) for one in story.numbers],
        crm_ids=[
            (one.system, one.id if here.sees_numbers else masked_id(one.id)) for one in story.keys
        ],
        moments=moments_of(shown, story.steps, here.company.currency),
    )  # fmt: skip


@page("/journeys/persons/<id:person_id>/join", "manager", ("POST",))
def join_person(services: Services, here: Here, person_id: UUID) -> ResponseReturnValue:
    """Make another person part of this one."""
    with services.db.tenant(here.company.id) as session:
        if person_now(session, here.company.id, person_id) is None:
            raise NotFound("There is no such person.")
    try:
        other = _id_in(request.form.get("other", ""))
        with services.db.tenant(here.company.id) as session:
            join_by_hand(session, here.company.id, Pair(person_id, other), here.now, by=here.who.email)
        flash(
            "Joined. Calls, leads and purchases of both are one person's now; you can take them apart again."
        )
    except (BadInput, NotFound) as problem:
        flash(str(problem))
    return _back(services, here, person_id)


@page("/journeys/joins/<id:join_id>/undo", "manager", ("POST",))
def part_person(services: Services, here: Here, join_id: UUID) -> ResponseReturnValue:
    """Take two joined persons apart."""
    try:
        with services.db.tenant(here.company.id) as session:
            again = part(session, here.company.id, join_id, here.now, by=here.who.email)
    except Conflict as problem:
        flash(str(problem))
        return redirect(url_for("dashboard.persons", company_id=here.company.id), 303)
    flash("Taken apart: this person is there again, with exactly what had been its own.")
    return _back(services, here, again)


@page("/journeys/persons/<id:person_id>/crm-id", "manager", ("POST",))
def link_person_key(services: Services, here: Here, person_id: UUID) -> ResponseReturnValue:
    """Say which id this person has in a CRM."""
    key = Key(request.form.get("system", "").strip().lower(), request.form.get("key", ""))
    try:
        with services.db.tenant(here.company.id) as session:
            now_is = link_key(
                session, services.vault, here.company.id, person_id, key, here.now, by=here.who.email
            )
    except BadInput as problem:
        flash(str(problem))
        return _back(services, here, person_id)
    flash("Saved." if now_is == person_id else "Another person had this id: this is that person's page now.")
    return _back(services, here, now_is)


def _chosen(all_: tuple[Segment, ...]) -> tuple[Segment | None, Tree | None]:
    wanted = request.args.get("segment", "")
    chosen = next((one for one in all_ if one.id.hex == wanted), None)
    return chosen, read_segment(chosen.condition) if chosen else None


def _before() -> tuple[datetime, UUID] | None:
    at, _, id_ = request.args.get("before", "").partition("_")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))
        return (moment, parse_id(id_)) if moment.tzinfo else None
    except (ValueError, BadInput):
        return None


def _after(row: PersonRow) -> str:
    return f"{row.last_at.isoformat()}_{row.id.hex}"


def _lines(services: Services, here: Here, tree: Tree | None, words: str) -> Iterator[str]:
    """Yield the file page by page, each read in a transaction of its own."""
    yield _line([f"Persons of {here.company.name}; segment: {words}; exported {here.now:%Y-%m-%d %H:%M} UTC"])
    yield _line(_COLUMNS)
    before: tuple[datetime, UUID] | None = None
    while True:
        with services.db.tenant(here.company.id) as session:
            rows = segments.persons(session, here.company.id, tree, here.now, before=before, most=1000)
        for row in rows:
            yield _line([STAGES[row.stage] if name == "stage" else getattr(row, name) for name in _COLUMNS])
        if len(rows) < 1000:
            return
        before = (rows[-1].last_at, rows[-1].id)


def _line(cells: Iterable[object]) -> str:
    to = io.StringIO()
    csv.writer(to).writerow([safe_cell(one) for one in cells])
    return to.getvalue()


def _nameless(touch: Touch) -> Touch:
    """Return a touch without its words, which may name somebody."""
    return replace(touch, text="")


def _id_in(text: str) -> UUID:
    """Read a person's id, or the address of a person's page."""
    return parse_id(text.strip().rstrip("/").rpartition("/")[2])


def _back(services: Services, here: Here, person_id: UUID) -> ResponseReturnValue:
    for job in ("handle_facts", "keep_journeys"):
        services.nudges.wake(job, str(here.company.id))
    return redirect(url_for("dashboard.person", company_id=here.company.id, person_id=person_id), 303)
