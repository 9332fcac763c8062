"""Segments: saved filters over persons with a name and a colour."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit
from calltrack.dashboard import fact_form
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.fact_form import Row
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.ids import parse_id
from calltrack.stages import segments as saved
from calltrack.stages.segment_events import send_failed_again, told_of, webhooks
from calltrack.stages.segment_rules import read_segment, sentence
from calltrack.stages.segments import Given, Segment
from calltrack.wiring import Services


@page("/journeys/segments", "viewer")
def segments(services: Services, here: Here) -> ResponseReturnValue:
    """Show every segment with how many persons are in it now."""
    with services.db.tenant(here.company.id) as session:
        all_ = saved.segments(session, here.company.id)
        trees = [read_segment(one.condition) for one in all_]
        counts = saved.count_each(session, here.company.id, trees, here.now)
    return render_template("segments.html", rows=list(zip(all_, counts, strict=True)))


@page("/journeys/segments/new", "manager")
def new_segment(services: Services, here: Here) -> ResponseReturnValue:
    """Show the form of a new segment."""
    return _form(services, here, None, "all", ())


@page("/journeys/segments/new", "manager", ("POST",))
def add_segment(services: Services, here: Here) -> ResponseReturnValue:
    """Save a new segment, or show whom it would hold."""
    return _save(services, here, None)


@page("/journeys/segments/<id:segment_id>", "manager")
def segment(services: Services, here: Here, segment_id: UUID) -> ResponseReturnValue:
    """Show a segment as a form."""
    with services.db.tenant(here.company.id) as session:
        row = saved.segment(session, here.company.id, segment_id)
    drawn = fact_form.rows_of_segment(row.condition)
    return _form(services, here, row, *(drawn or ("all", ())))


@page("/journeys/segments/<id:segment_id>", "manager", ("POST",))
def change_segment(services: Services, here: Here, segment_id: UUID) -> ResponseReturnValue:
    """Store a segment, or show whom it would hold."""
    with services.db.tenant(here.company.id) as session:
        row = saved.segment(session, here.company.id, segment_id)
    return _save(services, here, row)


@page("/journeys/segments/<id:segment_id>/webhook-again", "manager", ("POST",))
def tell_webhook_again(services: Services, here: Here, segment_id: UUID) -> ResponseReturnValue:
    """Send the webhook again what was given up."""
    with services.db.tenant(here.company.id) as session:
        row = saved.segment(session, here.company.id, segment_id)
        again = send_failed_again(session, here.company.id, row.id, here.now)
        audit.note(session, here.company.id, here.who.email, "segment.told_again", row.name, here.now)
    services.nudges.wake("tell_webhooks", str(here.company.id))
    flash(f"{again} sent again." if again else "Nothing was given up.")
    return redirect(url_for("dashboard.segment", company_id=here.company.id, segment_id=segment_id), 303)


@page("/journeys/segments/<id:segment_id>/delete", "manager", ("POST",))
def delete_segment(services: Services, here: Here, segment_id: UUID) -> ResponseReturnValue:
    """Delete a segment, once that is ticked; the persons in it stay."""
    with services.db.tenant(here.company.id) as session:
        saved.segment(session, here.company.id, segment_id)
    if request.form.get("sure") != "yes":
        flash("Nothing was deleted: tick the box first.")
        return redirect(url_for("dashboard.segment", company_id=here.company.id, segment_id=segment_id), 303)
    with services.db.tenant(here.company.id) as session:
        saved.delete_segment(session, here.company.id, segment_id, here.now, by=here.who.email)
    flash("Deleted. The persons in it are still there.")
    return redirect(url_for("dashboard.segments", company_id=here.company.id), 303)


def _save(services: Services, here: Here, row: Segment | None) -> ResponseReturnValue:
    form, company_id = typed("segment"), here.company.id
    join, rows = form.text("join"), fact_form.typed_rows(form)
    try:
        with form.about(""), services.db.tenant(company_id) as session:
            alert = form.whole("alert_from") if form.text("alert_from").strip() else None
            given = Given(
                form.text("name"),
                form.text("color"),
                fact_form.segment_of(form),
                alert,
                form.text("tell_to") or "off",
                parse_id(form.text("webhook_id")) if form.text("webhook_id") else None,
            )
            if form.text("do") == "preview":
                tree = read_segment(given.condition)
                found = saved.count_persons(session, company_id, tree, here.now)
                return _form(services, here, row, join, rows, form, found=found, said=sentence(tree))
            if row is None:
                saved.make_segment(session, company_id, given, here.now, by=here.who.email)
            else:
                saved.change_segment(session, company_id, row.id, given, here.now, by=here.who.email)
    except WrongForm:
        return _form(services, here, row, join, rows, form), form.status
    flash("Saved.")
    return redirect(url_for("dashboard.segments", company_id=company_id), 303)


def _form(
    services: Services, here: Here, row: Segment | None, join: str, rows: tuple[Row, ...],
    form: Typed | None = None, *, found: int | None = None, said: str = "",
) -> str:  # fmt: skip
    with services.db.tenant(here.company.id) as session:
        hooks = webhooks(session, here.company.id)
        told = told_of(session, here.company.id, row.id) if row else None
    return render_template(
        "segment.html", segment=row, join=join, form=form, found=found, said=said, most=saved.COUNTED,
        tell_to=saved.TELL_TO, webhooks=hooks, told=told,
        rows=[*rows, *[Row()] * fact_form.SPARE][: fact_form.MOST_ROWS], how=fact_form.HOW,
        facts=fact_form.facts_offered(in_score=False), colors=fact_form.COLOR_WORDS,
        is_nested=bool(row and not rows and not form),
    )  # fmt: skip
