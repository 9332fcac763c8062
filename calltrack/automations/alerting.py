"""Mails of a missed call: where it came from, and a page from which to ring back."""

from uuid import UUID
from zoneinfo import ZoneInfo

from calltrack.accounts.follow_up import follow_up_of
from calltrack.accounts.model import Company
from calltrack.automations.mailing import can_mail, mail, members_of
from calltrack.automations.steps import Step, done, later, skipped
from calltrack.automations.text_back import quiet_of
from calltrack.calls.people.model import MissedCall
from calltrack.conversions.call_log import CallSummary, calls_by_id
from calltrack.kernel.phone import masked
from calltrack.messages.queries import contacts
from calltrack.wiring import Services

WHO = {"owners": ("owner",), "managers": ("owner", "manager")}


def alert(services: Services, company_id: UUID, call_id: UUID) -> Step:
    """Mail a missed call to whom the company chose, unless it was returned meanwhile.

    Raises:
        MailNotSent: the mail server did not take it; repeating it is the same message.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        company = session.get_one(Company, company_id)
        wish, quiet = follow_up_of(company.settings), quiet_of(company)
        row = session.get(MissedCall, (company_id, call_id))
        if row is None or row.state != "open":
            return skipped("The call was returned, or dealt with, before the mail was due.")
        if wish.alert_to == "off":
            return skipped("Mails of missed calls are switched off.")
        if quiet.covers(now):
            return later(quiet.over(now), "It waits for the end of the quiet hours.")
        if not can_mail(services):
            return skipped("This installation has no mail server.")
        (call,) = calls_by_id(session, services.vault, company_id, [call_id])
        if wish.alert_to == "location":
            contact = contacts(session, company_id).get(call.location_id)
            to = [contact.email] if contact and contact.email else []
        else:
            to = members_of(session, company_id, WHO[wish.alert_to])
        name, zone = company.name, company.timezone
    if not to:
        return skipped("There is nobody to mail: give the location an e-mail address.")
    page = f"{services.settings.base_url}/app/{company_id.hex}/calls/{call_id.hex}"
    body = f"{sentence(call, zone)}\n\nRing back from the page of the call:\n{page}\n"
    mail(services, to, f"{name}: missed call, {call.location}", body, f"missed-{call_id.hex}")
    return done(f"Mailed to {len(to)} address{'' if len(to) == 1 else 'es'}.")


def sentence(call: CallSummary, zone: str) -> str:
    """Return what is told of a missed call; the number is masked, because mail is read by many machines."""
    at = call.started_at.astimezone(ZoneInfo(zone))
    who = masked(call.caller) if call.caller else "a withheld number"
    origin = " / ".join(part for part in (call.source, call.medium, call.campaign) if part)
    return f"Nobody talked to {who}, who called {call.location} at {at:%H:%M} on {at.day} {at:%B}." + (
        f" The call came from {origin}." if origin else ""
    )
