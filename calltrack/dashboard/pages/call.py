"""One call: the line, where it came from and why, the person, what it brought, where that was sent."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.attribution.queries import earlier_verdicts, verdict
from calltrack.callflows.queries import walked
from calltrack.calls.guard.judging import mark_of
from calltrack.calls.queries import call as call_of
from calltrack.calls.queries import line as line_of
from calltrack.calls.queries import transcripts_of
from calltrack.conversions.no_lead import said_nothing, verdict_of, why_no_lead
from calltrack.conversions.queries import conversions_of
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.call_care import people_of
from calltrack.dashboard.show import money
from calltrack.dashboard.timelines import line_moments, person_moments
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.delivery.answers import Receiver, answers_of
from calltrack.journeys.queries import journey_of
from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import parse_money
from calltrack.spend.clicks import click_behind
from calltrack.visits.queries import pages_of, visits_by_id
from calltrack.wiring import Services

# So many of the visits that may have made a call are looked up for its page.
SHOWN = 12


@page("/calls/<id:call_id>", "viewer")
def call(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Show everything that is known of a call."""
    return call_page(services, here, call_id)


def call_page(services: Services, here: Here, call_id: UUID, form: Typed | None = None) -> str:
    """Return the page of a call; with a form that was refused, what was typed and why it was not taken."""
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        row = call_of(session, services.vault, company_id, call_id)
        if row is None:
            abort(404)
        line = line_of(session, services.vault, company_id, row)
        flow = walked(session, company_id, row.flow_version)
        may_read = here.may("manager")
        spoken = transcripts_of(session, services.vault, company_id, call_id) if may_read else ()
        judged = verdict(session, company_id, call_id)
        considered = [one.visit_id for one in judged.candidates[:SHOWN] if one.visit_id] if judged else []
        thought_before = earlier_verdicts(session, company_id, call_id)
        named = [judged.visit_id] if judged and judged.visit_id else []
        visits = visits_by_id(session, company_id, considered + named)
        chosen = visits.get(judged.visit_id) if judged and judged.visit_id else None
        click = click_behind(session, company_id, chosen.id) if chosen else None
        journey = journey_of(session, company_id, row.caller_hash, chosen.visitor_id if chosen else None)
        brought = conversions_of(session, company_id, {call_id, *(one.id for one in journey.calls)})
        receivers = _answers(session, here, call_id)
        spam = mark_of(session, company_id, call_id)
        no_lead = why_no_lead(session, company_id, call_id)
        said = said_nothing(session, company_id, call_id)
        ruled = verdict_of(session, company_id, call_id)
        people = people_of(services, session, here, row, journey)
        looked_at = pages_of(session, company_id, {visit.id for visit in journey.visits} | set(considered))
    mine = [one for one in brought if one.call_id == call_id]
    purchases = [one for one in mine if one.kind == "purchase"]
    return render_template(
        "call.html",
        call=row,
        line=line,
        flow=flow,
        transcripts=spoken,
        moments=line_moments(row, line),
        verdict=judged,
        earlier_verdicts=thought_before,
        visits=visits,
        chosen=chosen,
        click=click,
        journey=journey,
        person=person_moments(journey, row, brought, looked_at, people.happened),
        brought=mine,
        lead=next((one for one in mine if one.kind == "lead"), None),
        purchases=purchases,
        no_lead=no_lead,
        said_nothing=said,
        spam=spam,
        judged=ruled,
        call_id=call_id,
        receivers=receivers,
        is_settled=all(one.is_final for one in receivers),
        form=form,
        **people.shown,
    )


@page("/calls/<id:call_id>/sent", "viewer")
def call_sent(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Return the part of the call's page that says where its conversions are: the page renews it."""
    with services.db.tenant(here.company.id) as session:
        receivers = _answers(session, here, call_id)
    is_settled = all(one.is_final for one in receivers)
    answer = make_response(render_template("_sent.html", call_id=call_id, receivers=receivers))
    answer.headers["X-Final"] = "yes" if is_settled else "no"
    return answer


def _answers(session: Session, here: Here, call_id: UUID) -> tuple[Receiver, ...]:
    zone = ZoneInfo(here.company.timezone)
    return answers_of(session, here.company.id, call_id, here.now, zone, money)


@page("/calls/<id:call_id>/outcome", "manager", ("POST",))
def outcome(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Store what a person says the call brought: a purchase with its value, a lead, or nothing."""
    form = typed("outcome")
    try:
        with form.about(""), services.db.tenant(here.company.id) as session:
            changed = set_outcome(session, here.company.id, call_id, _said(here), here.now)
    except WrongForm:
        return call_page(services, here, call_id, form), form.status
    services.nudges.wake("handle_facts", str(here.company.id))
    services.nudges.show(str(here.company.id))
    flash("Saved. The destinations are told now." if changed else "This was stored already.")
    return redirect(url_for("dashboard.call", company_id=here.company.id, call_id=call_id), 303)


def _said(here: Here) -> Outcome:
    """Read the form: what came of the call, of which order, and whether the company rang back."""
    kind, value = request.form.get("kind", ""), request.form.get("value", "").strip()
    if kind not in ("purchase", "lead", "none", "refund", "cancelled"):
        raise BadInput("The outcome of a call is purchase, lead, none, refund or cancelled.")
    is_paid = kind == "purchase" or (kind == "refund" and value)
    money = parse_money(value, request.form.get("currency") or here.company.currency) if is_paid else None
    said: dict[str, Any] = {"kind": kind, "external_id": request.form.get("external_id", "")}
    return Outcome(
        **said,
        by=f"{here.who.name} <{here.who.email}>",
        value_minor=money.minor if money else None,
        currency=money.currency if money else None,
        reason=request.form.get("reason", "").strip(),
        called_back_at=_called_back(here) if request.form.get("called_back") else None,
    )


def _called_back(here: Here) -> datetime:
    """Return when the company rang back, as typed in its time zone; nothing typed: now."""
    typed = request.form.get("called_back_at", "").strip()
    if not typed:
        return here.now
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise BadInput("Write when you rang back like 2026-11-20 17:30.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(here.company.timezone))
