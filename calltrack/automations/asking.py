"""Asks who answered what a call brought: by a signed link (message, mail), or a call that wants a key."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.follow_up import follow_up_of
from calltrack.accounts.model import Company, Location, User
from calltrack.automations.lines import line_of
from calltrack.automations.mailing import can_mail, mail
from calltrack.automations.steps import Step, done, failed, skipped
from calltrack.automations.text_back_rules import MOBILE_KINDS, MOBILE_LINES
from calltrack.calls.model import Call
from calltrack.calls.outbound.model import OutboundCall
from calltrack.calls.outbound.service import Intention, intend, place
from calltrack.calls.people.work import work_of
from calltrack.conversions.link_address import make_address
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.kernel.phone import kind_of, masked
from calltrack.messages.queries import contacts
from calltrack.messages.service import Draft, queue
from calltrack.telephony.carrier import Refused, Retry
from calltrack.telephony.plans import E164
from calltrack.wiring import Services

BY: Final = "outcome question"
TEXTS: Final = {
    "it": "{company}: chiamata da {who} alle {at}. Com'è andata? {link}",
    "en": "{company}: call from {who} at {at}. What came of it? {link}",
    "de": "{company}: Anruf von {who} um {at}. Was kam dabei heraus? {link}",
    "fr": "{company}: appel de {who} à {at}. Comment cela s'est-il passé ? {link}",
    "es": "{company}: llamada de {who} a las {at}. ¿Qué tal fue? {link}",
}


@dataclass(frozen=True)
class _About:
    """What a question needs to know of its call."""

    company: str
    language: str
    who: str
    at: str
    phone: str
    number_id: UUID
    how: str
    mails: tuple[str, ...]
    link: str


def ask(services: Services, company_id: UUID, call_id: UUID) -> Step:
    """Ask who answered the call.

    Raises:
        MailNotSent, Refused, Retry: it could not be asked; nobody was asked twice.
    """
    about = _about(services, company_id, call_id)
    if about is None:
        return skipped("Nobody answered this call, or the question is switched off.")
    if about.how == "key":
        return _ask_key(services, company_id, call_id, about)
    if _is_mobile(services, company_id, about.phone):
        words = TEXTS.get(about.language[:2], TEXTS["en"])
        text = words.format(company=about.company[:40], who=about.who, at=about.at, link=about.link)
        draft = Draft(
            kind="outcome_link", to=about.phone, number_id=about.number_id, text=text, by=BY,
            call_id=call_id, once=f"outcome_link:{call_id.hex}",
        )  # fmt: skip
        with services.db.tenant(company_id) as session:
            queue(session, services.vault, company_id, draft, services.clock())
        services.nudges.wake("send_messages", str(company_id))
        return done("A link was sent to the mobile that answered.")
    return _mail_link(services, call_id, about)


def ask_back(services: Services, company_id: UUID, call_id: UUID) -> Step:
    """Mail a signed link to the member who rang a missed caller back.

    Raises:
        MailNotSent: the mail server did not take it; repeating it is the same message.
    """
    with services.db.tenant(company_id) as session:
        email = session.scalar(
            select(User.email)
            .join(OutboundCall, OutboundCall.user_id == User.id)
            .where(
                OutboundCall.company_id == company_id,
                OutboundCall.call_id == call_id,
                OutboundCall.kind == "back",
                OutboundCall.joined_at.is_not(None),
            )
            .order_by(OutboundCall.joined_at.desc())
            .limit(1)
        )
        company, call = session.get_one(Company, company_id), session.get_one(Call, (company_id, call_id))
        if email is None or follow_up_of(company.settings).ask_how == "off":
            return skipped("Nobody was reached, or the question is switched off.")
        about = _facts(services, session, company, call, (email,))
    return _mail_link(services, call_id, about, name="asked-back")


def _about(services: Services, company_id: UUID, call_id: UUID) -> _About | None:
    with services.db.tenant(company_id) as session:
        company, call = session.get_one(Company, company_id), session.get_one(Call, (company_id, call_id))
        if not call.is_bridged or follow_up_of(company.settings).ask_how == "off":
            return None
        contact = contacts(session, company_id).get(call.location_id)
        assignee = work_of(session, company_id, call_id).assignee_id
        member = session.scalar(select(User.email).where(User.id == assignee)) if assignee else None
        mails = tuple(one for one in (member, contact.email if contact else "") if one)
        return _facts(services, session, company, call, mails[:1])


def _facts(
    services: Services, session: Session, company: Company, call: Call, mails: tuple[str, ...]
) -> _About:
    location = session.get_one(Location, (company.id, call.location_id))
    caller = services.vault.open(company.id, "call.caller", call.caller) if call.caller else ""
    return _About(
        company=company.name,
        language=location.language,
        who=masked(caller) if caller else "?",
        at=f"{call.started_at.astimezone(ZoneInfo(company.timezone)):%H:%M}",
        phone=call.answered_by or location.forward_to,
        number_id=call.number_id,
        how=follow_up_of(company.settings).ask_how,
        mails=mails,
        link=make_address(services, session, company.id, call.id),
    )


def _mail_link(services: Services, call_id: UUID, about: _About, name: str = "asked") -> Step:
    if not about.mails:
        return skipped("Who answered has no mobile, and the location no e-mail address.")
    if not can_mail(services):
        return skipped("This installation has no mail server.")
    words = TEXTS.get(about.language[:2], TEXTS["en"])
    body = words.format(company=about.company, who=about.who, at=about.at, link=f"\n\n{about.link}\n")
    subject = f"{about.company}: what came of the call at {about.at}?"
    mail(services, about.mails, subject, body, f"{name}-{call_id.hex}")
    return done("A link was mailed.")


def _is_mobile(services: Services, company_id: UUID, phone: str) -> bool:
    """Ask the numbering plan first, which costs nothing, then the carrier."""
    if not E164.fullmatch(phone) or kind_of(phone) not in MOBILE_KINDS:
        return False
    return line_of(services, company_id, phone) in MOBILE_LINES


def _ask_key(services: Services, company_id: UUID, call_id: UUID, about: _About) -> Step:
    """Begin the call that asks for a key, unless it was begun before: it rings once at most."""
    if not E164.fullmatch(about.phone):
        return skipped("The phone that answered is no telephone number; it cannot be rung.")
    now = services.clock()
    with services.db.tenant(company_id) as session:
        known = session.scalar(
            select(OutboundCall.id).where(
                OutboundCall.company_id == company_id,
                OutboundCall.call_id == call_id,
                OutboundCall.kind == "score",
            )
        )
        if known is not None:
            return done("Who answered was rung for a key.")
        wish = Intention(kind="score", number_id=about.number_id, to=about.phone, by=BY, call_id=call_id)
        try:
            outbound_id = intend(session, services.vault, company_id, wish, now)
        except (BadInput, Conflict) as problem:
            return skipped(str(problem))
    try:
        state = place(services, company_id, outbound_id)
    except (Refused, Retry) as problem:
        return failed(problem.words)
    return done(
        "Who answered was rung for a key." if state == "placed" else "It is not known whether it rang."
    )
