"""One person: numbers, browsers, CRM ids, stage and score with reasons, every touch in order of time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.conversions.model import OutcomeWord
from calltrack.delivery.model import Delivery, DestinationAccount
from calltrack.infra.crypto import Vault
from calltrack.journeys.joining import JoinRow, joins_of
from calltrack.journeys.joins_model import Touchpoint
from calltrack.journeys.keys import KeyRow, keys_of
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.kernel.errors import NotFound
from calltrack.messages.model import Message, MessageThread
from calltrack.stages.events import Event, in_order
from calltrack.stages.journey_rules import facts_of
from calltrack.stages.model import JourneyRow
from calltrack.stages.reading import Found, read_events
from calltrack.stages.score_rules import Line, band_of, lines_of
from calltrack.stages.stage_rules import Step, step_of
from calltrack.stages.touchpoints import PLACE
from calltrack.stages.versions import score_rules, stage_rules

# The newest ones are shown.
MOST: Final = 300
_TOLD: Final = ("crm", "import", "api", "link")


@dataclass(frozen=True)
class Touch:
    """One moment. kind: those of `events.KINDS`, and message, outcome, delivery.

    `name`: of a touchpoint its kind, of a message received or sent, of an outcome what was told, of a
    delivery the destination. `state`: of a delivery or message. `text` holds a touchpoint's own words.
    """

    at: datetime
    kind: str
    id: UUID
    name: str = ""
    state: str = ""
    text: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    landing: str = ""
    pages: int = 0
    seconds: int = 0
    talked: bool = False
    ring_seconds: int = 0
    value_minor: int | None = None


@dataclass(frozen=True)
class BrowserRow:
    """A browser of the person, and how sure that is."""

    visitor_id: UUID
    probability: float


@dataclass(frozen=True)
class PersonStory:
    """Everything that is known of one person; `journey` is None until it was made."""

    id: UUID
    since: datetime
    is_demo: bool
    numbers: tuple[str, ...]
    browsers: tuple[BrowserRow, ...]
    keys: tuple[KeyRow, ...]
    joins: tuple[JoinRow, ...]
    journey: JourneyRow | None
    steps: tuple[Step, ...]
    band: str
    lines: tuple[Line, ...]
    touches: tuple[Touch, ...]
    is_cut: bool


def story_of(session: Session, vault: Vault, company_id: UUID, person_id: UUID) -> PersonStory:
    """Return one person; raises NotFound where the company has no such one."""
    person = session.get(Person, (company_id, person_id))
    if person is None:
        raise NotFound("There is no such person; it may be part of another one by now.")
    currency = session.scalars(select(Company.currency).where(Company.id == company_id)).one()
    words = stage_rules(session, company_id).price_words
    found = read_events(session, company_id, [person_id], words, currency)
    events = in_order(found.events.get(person_id, ()))
    # What follows from an event stands behind it, at one moment as well.
    touches = sorted(
        (*map(_touch, events), *_more(session, company_id, found, events)), key=lambda one: one.at
    )
    row = session.get(JourneyRow, (company_id, person_id))
    rules = score_rules(session, company_id)
    return PersonStory(
        person_id, person.created_at, person.is_demo, _numbers(session, vault, company_id, person_id),
        _browsers(session, company_id, person_id), keys_of(session, vault, company_id, person_id),
        joins_of(session, company_id, person_id), row, tuple(map(step_of, row.history)) if row else (),
        band_of(row.score, rules) if row else "", lines_of(facts_of(row), rules) if row else (),
        _with_text(session, vault, company_id, touches[-MOST:]), len(touches) > MOST,
    )  # fmt: skip


def _touch(event: Event) -> Touch:
    value = event.value_minor if event.kind == "purchase" else None
    return Touch(
        event.at, event.kind, event.id, event.name, event.work, "", event.source, event.medium,
        event.campaign, event.landing, event.pages, event.talk_seconds or event.seconds, event.talked,
        event.ring_seconds, value,
    )  # fmt: skip


def _more(session: Session, company_id: UUID, found: Found, events: Iterable[Event]) -> Iterable[Touch]:
    """Yield what is no event of the rules: messages, outcomes as they were told, deliveries."""
    messages = (
        select(Message.at, Message.id, Message.kind, Message.state)
        .join(
            MessageThread,
            (MessageThread.company_id == Message.company_id) & (MessageThread.id == Message.thread_id),
        )
        .where(Message.company_id == company_id, MessageThread.party_hash.in_(list(found.numbers)))
    )
    for row in session.execute(messages.order_by(Message.at.desc()).limit(MOST)):
        yield Touch(row.at, "message", row.id, "received" if row.kind == "received" else "sent", row.state)
    words = select(OutcomeWord).where(
        OutcomeWord.company_id == company_id,
        OutcomeWord.call_id.in_(list(found.calls)),
        OutcomeWord.via.in_(_TOLD),
    )
    for word in session.scalars(words.limit(MOST)):
        yield Touch(word.said_at, "outcome", word.id, word.kind, word.via, value_minor=word.value_minor)
    brought = [event.id for event in events if event.kind in ("lead", "purchase")]
    sent = (
        select(Delivery.id, Delivery.planned_at, Delivery.state, DestinationAccount.name)
        .join(
            DestinationAccount,
            (DestinationAccount.company_id == Delivery.company_id)
            & (DestinationAccount.id == Delivery.destination_id),
        )
        .where(Delivery.company_id == company_id, Delivery.conversion_id.in_(brought))
    )
    for planned in session.execute(sent.limit(MOST)):
        yield Touch(planned.planned_at, "delivery", planned.id, planned.name, planned.state)


def _with_text(
    session: Session, vault: Vault, company_id: UUID, touches: Iterable[Touch]
) -> tuple[Touch, ...]:
    shown = list(touches)
    ids = [one.id for one in shown if one.kind == "touchpoint"]
    rows = select(Touchpoint.id, Touchpoint.text).where(
        Touchpoint.company_id == company_id, Touchpoint.id.in_(ids), Touchpoint.text.is_not(None)
    )
    texts = {row.id: vault.open(company_id, PLACE, row.text) for row in session.execute(rows)}
    return tuple(Touch(**{**vars(one), "text": texts[one.id]}) if one.id in texts else one for one in shown)


def _numbers(session: Session, vault: Vault, company_id: UUID, person_id: UUID) -> tuple[str, ...]:
    phones = session.scalars(
        select(PersonCaller.phone)
        .where(PersonCaller.company_id == company_id, PersonCaller.person_id == person_id)
        .limit(50)
    )
    return tuple(sorted(vault.open(company_id, "person_caller.phone", phone) for phone in phones))


def _browsers(session: Session, company_id: UUID, person_id: UUID) -> tuple[BrowserRow, ...]:
    rows = session.execute(
        select(PersonVisitor.visitor_id, PersonVisitor.probability)
        .where(PersonVisitor.company_id == company_id, PersonVisitor.person_id == person_id)
        .order_by(PersonVisitor.visitor_id)
        .limit(50)
    )
    return tuple(BrowserRow(row.visitor_id, row.probability) for row in rows)
