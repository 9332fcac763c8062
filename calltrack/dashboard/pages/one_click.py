"""The page behind a one-click link: a phone-sized form without a login. Looking changes nothing."""

from datetime import datetime
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from limits import RateLimitItem, parse
from sqlalchemy.orm import Session

from calltrack.accounts import audit, queries
from calltrack.accounts.queries import CompanyRow
from calltrack.calls.people.missed import reached_at
from calltrack.conversions import doors
from calltrack.conversions.call_log import CallSummary, calls_by_id
from calltrack.conversions.link_address import make_address
from calltrack.conversions.links import named_by, read_link
from calltrack.conversions.no_lead import said_nothing
from calltrack.conversions.queries import conversions_of
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.dashboard.access import Here, open_page, page, parts
from calltrack.dashboard.security import error_page
from calltrack.infra.limits import Counters
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.money import parse_money
from calltrack.wiring import Services

LOOKS = parse("60 per minute")
WORDS = parse("20 per minute")
BY = "the person who answered (link)"
SAID = {
    "lead": "Saved: a lead.",
    "purchase": "Saved: booked.",
    "none": "Saved: not a customer.",
    "wrong": "Saved: a wrong number.",
}
GONE = ("This link does not work any more", "Ask for a new one, or open the call in calltrack.")


@open_page("/o/<token>", "a signed link of one call; looking changes nothing")
def one_click(token: str) -> ResponseReturnValue:
    """Show the call of a link, what is set already, and the buttons."""
    services = parts()
    _limit(services, LOOKS, "look")
    try:
        named = named_by(token)
        with services.db.tenant(named.company_id) as session:
            company, call = _enter(services, session, token)
            return _page(session, token, company, call)
    except NotFound:
        return error_page(404, *GONE)


@open_page("/o/<token>", "a signed link of one call; limited per address", ("POST",))
def say_one_click(token: str) -> ResponseReturnValue:
    """Store what the person who answered says the call brought."""
    services, now = parts(), parts().clock()
    _limit(services, WORDS, "say")
    try:
        named = named_by(token)
        with services.db.tenant(named.company_id) as session:
            company, call = _enter(services, session, token)
            said = request.form.get("said", "")
            try:
                # What ringing back won belongs to the missed call.
                won_at = reached_at(session, company.id, call.id) if call.is_lost else None
                set_outcome(session, company.id, call.id, _outcome(said, company, won_at), now)
            except BadInput as problem:
                return _page(session, token, company, call, str(problem)), 400
    except NotFound:
        return error_page(404, *GONE)
    services.nudges.wake("handle_facts", str(company.id))
    services.nudges.show(str(company.id))
    flash(SAID[said])
    return redirect(url_for("dashboard.one_click", token=token), 303)


@page("/calls/<id:call_id>/link", "manager", ("POST",))
def make_link(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Make a one-click link of a call and show it."""
    with services.db.tenant(here.company.id) as session:
        address = make_address(services, session, here.company.id, call_id)
        audit.note(session, here.company.id, here.who.email, "outcome_link.make", call_id.hex, here.now)
    return render_template("one_click_link.html", address=address, call_id=call_id)


def _enter(services: Services, session: Session, token: str) -> tuple[CompanyRow, CallSummary]:
    """Return company and call of a proved link, inside the transaction of the company it names."""
    company_id = named_by(token).company_id
    company = queries.company(session, company_id)
    if company is None:
        raise NotFound("There is no such company.")
    now = services.clock()
    secret = doors.present_link_secret(session, services.vault, company_id)
    if secret is None:
        raise NotFound("No link was ever made.")
    key = services.settings.secret_key.get_secret_value()
    named = read_link(key, secret, token, now)
    found = calls_by_id(session, services.vault, company_id, [named.call_id])
    if not found:
        raise NotFound("There is no such call.")
    return company, found[0]


def _page(
    session: Session,
    token: str,
    company: CompanyRow,
    call: CallSummary,
    problem: str = "",
) -> str:
    brought = conversions_of(session, company.id, [call.id])
    return render_template(
        "one_click.html",
        token=token,
        company=company,
        call=call,
        began=call.started_at.astimezone(ZoneInfo(company.timezone)),
        lead=next((one for one in brought if one.kind == "lead"), None),
        purchases=[one for one in brought if one.kind == "purchase" and one.status == "counted"],
        said_nothing=said_nothing(session, company.id, call.id),
        problem=problem,
        typed=request.form.get("value", ""),
    )


def _outcome(said: str, company: CompanyRow, won_at: datetime | None) -> Outcome:
    if said == "purchase":
        money = parse_money(request.form.get("value", ""), company.currency)
        return Outcome(
            kind="purchase", by=BY, via="link", value_minor=money.minor, currency=money.currency,
            reason="Booked, said by one-click link.", called_back_at=won_at,
        )  # fmt: skip
    if said == "lead":
        reason = "A lead, said by one-click link."
        return Outcome(kind="lead", by=BY, via="link", reason=reason, called_back_at=won_at)
    if said == "none":
        return Outcome(kind="none", by=BY, via="link", reason="Not a customer, said by one-click link.")
    if said == "wrong":
        return Outcome(kind="none", by=BY, via="link", reason="A wrong number, said by one-click link.")
    raise BadInput("Choose one of the buttons.")


def _limit(services: Services, limit: RateLimitItem, what: str) -> None:
    found = current_app.extensions.setdefault("calltrack_link_limits", Counters(services.settings.redis_url))
    if not cast(Counters, found).may((limit, f"link-{what}-{request.remote_addr}")):
        abort(429)
