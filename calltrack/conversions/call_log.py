"""The call log: calls with their origin and what they brought, filtered, newest first, page by page."""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, exists, func, or_, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from calltrack.accounts.model import Location
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.calls.queries import open_caller
from calltrack.conversions.model import Conversion
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput
from calltrack.numbers.model import TrackingNumber

MOST = 200
OUTCOMES = ("answered", "mailbox", "busy", "missed", "abandoned", "failed")
# Nobody talked to the caller: a chance that can still be called back.
LOST = ("mailbox", "busy", "missed", "abandoned", "failed")
LIVE_CALLS = 30

Lead = aliased(Conversion)
# What the orders of a call add up to: counted if one of them counts, a value where they share a currency.
Purchase = (
    select(
        func.min(Conversion.status).label("status"),
        case(
            (
                func.count(Conversion.currency.distinct()) == 1,
                func.coalesce(
                    func.sum(Conversion.value_minor).filter(Conversion.status == "counted"),
                    func.sum(Conversion.value_minor),
                ).cast(BigInteger),
            )
        ).label("value_minor"),
        case((func.count(Conversion.currency.distinct()) == 1, func.min(Conversion.currency))).label(
            "currency"
        ),
    )
    .where(
        Conversion.company_id == Call.company_id,
        Conversion.call_id == Call.id,
        Conversion.kind == "purchase",
    )
    .correlate(Call)
    .lateral("purchase")
)


@dataclass(frozen=True)
class CallSummary:
    """A call as lists show it. `caller` is the full number (None: withheld): mask it for viewers."""

    id: UUID
    started_at: datetime
    status: str
    outcome: str | None
    caller: str | None
    caller_city: str
    number_id: UUID
    number: str
    location_id: UUID
    location: str
    ring_seconds: int | None
    talk_seconds: int
    duration_seconds: int | None
    source: str | None
    medium: str | None
    campaign: str | None
    p_campaign: float | None
    visit_id: UUID | None
    probability: float | None
    lead: str | None
    purchase: str | None
    value_minor: int | None
    currency: str | None
    changed_at: datetime
    is_demo: bool

    @property
    def is_open(self) -> bool:
        """Whether the call still lasts."""
        return self.outcome is None and self.status in ("ringing", "in_progress")

    @property
    def is_lost(self) -> bool:
        """Whether nobody talked to the caller."""
        return self.outcome in LOST


@dataclass(frozen=True)
class CallFilter:
    """What calls are asked for; empty fields ask for nothing.

    outcome: one of OUTCOMES, `open` or `lost`; source: `google`, or `unknown`; brought: lead, purchase, none.
    """

    since: datetime | None = None
    until: datetime | None = None
    outcome: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    location_id: UUID | None = None
    number_id: UUID | None = None
    brought: str = ""
    caller: str = ""
    """A full number in E.164; it is compared by its keyed hash, parts of numbers cannot be searched."""


@dataclass(frozen=True)
class Place:
    """Where in the list the next page begins (after this call)."""

    started_at: datetime
    id: UUID

    def to_text(self) -> str:
        """Return it for an address or an API answer."""
        return (
            base64.urlsafe_b64encode(json.dumps([self.started_at.isoformat(), self.id.hex]).encode())
            .rstrip(b"=")
            .decode()
        )

    @classmethod
    def from_text(cls, text: str) -> "Place":
        """Read what `to_text` wrote; raises BadInput for anything else."""
        try:
            moment, id_ = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            place = cls(datetime.fromisoformat(moment), UUID(id_))
        except (ValueError, TypeError, AttributeError, binascii.Error):
            raise BadInput("This cursor is not valid; begin at the first page again.") from None
        if place.started_at.tzinfo is None:
            raise BadInput("This cursor is not valid; begin at the first page again.")
        return place


@dataclass(frozen=True)
class CallPage:
    """One page of calls; `next` is None on the last."""

    rows: tuple[CallSummary, ...]
    next: Place | None


def find_calls(
    session: Session,
    vault: Vault,
    company_id: UUID,
    wanted: CallFilter,
    after: Place | None = None,
    most: int = 50,
) -> CallPage:
    """Return the newest calls that fit the filter, at most `most`, after the given place."""
    most = min(max(most, 1), MOST)
    query = _summary(company_id).where(*_conditions(company_id, vault, wanted))
    if after:
        query = query.where(tuple_(Call.started_at, Call.id) < tuple_(after.started_at, after.id))
    query = query.order_by(Call.started_at.desc(), Call.id.desc()).limit(most + 1)
    rows = [_row(vault, company_id, row) for row in session.execute(query)]
    last = rows[most - 1] if len(rows) > most else None
    return CallPage(tuple(rows[:most]), Place(last.started_at, last.id) if last else None)


def calls_by_id(
    session: Session, vault: Vault, company_id: UUID, ids: Collection[UUID]
) -> tuple[CallSummary, ...]:
    """Return those of the calls that exist in this company, newest first."""
    query = _summary(company_id).where(Call.id.in_(list(ids))).order_by(Call.started_at.desc())
    return tuple(_row(vault, company_id, row) for row in session.execute(query)) if ids else ()


def live_calls(session: Session, vault: Vault, company_id: UUID, now: datetime) -> tuple[CallSummary, ...]:
    """Return the newest calls and those that changed in the last minute, newest first (the live view)."""
    newest = (
        select(Call.id)
        .where(Call.company_id == company_id)
        .order_by(Call.started_at.desc())
        .limit(LIVE_CALLS)
    )
    changed = (
        select(Call.id)
        .where(Call.company_id == company_id, Call.changed_at > now - timedelta(seconds=60))
        .order_by(Call.changed_at.desc())
        .limit(LIVE_CALLS)
    )
    ids = set(session.scalars(newest)) | set(session.scalars(changed))
    return calls_by_id(session, vault, company_id, ids)


def _summary(company_id: UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Call.id, Call.started_at, Call.status, Call.outcome, Call.caller, Call.caller_city,
            Call.number_id, TrackingNumber.e164.label("number"), Call.location_id,
            Location.name.label("location"), Call.ring_seconds, Call.talk_seconds, Call.duration_seconds,
            Attribution.source, Attribution.medium, Attribution.campaign, Attribution.p_campaign,
            Attribution.visit_id, Attribution.probability, Lead.status.label("lead"),
            Purchase.c.status.label("purchase"), Purchase.c.value_minor, Purchase.c.currency, Call.changed_at,
            Call.is_demo,
        )
        .join(
            TrackingNumber,
            and_(TrackingNumber.company_id == Call.company_id, TrackingNumber.id == Call.number_id),
        )
        .join(Location, and_(Location.company_id == Call.company_id, Location.id == Call.location_id))
        .outerjoin(Attribution, _judged())
        .outerjoin(Lead, _has_lead())
        .outerjoin(Purchase, true())
        .where(Call.company_id == company_id)
    )  # fmt: skip


def _judged() -> ColumnElement[bool]:
    return and_(
        Attribution.company_id == Call.company_id, Attribution.call_id == Call.id, Attribution.is_current
    )


def _has_lead() -> ColumnElement[bool]:
    return and_(
        Lead.company_id == Call.company_id,
        Lead.call_id == Call.id,
        Lead.kind == "lead",
        Lead.external_id == "",
    )


def _conditions(company_id: UUID, vault: Vault, wanted: CallFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.since:
        found.append(Call.started_at >= wanted.since)
    if wanted.until:
        found.append(Call.started_at < wanted.until)
    if wanted.outcome:
        found.append(_outcome(wanted.outcome))
    if wanted.source:
        found.append(_origin(wanted))
    if wanted.location_id:
        found.append(Call.location_id == wanted.location_id)
    if wanted.number_id:
        found.append(Call.number_id == wanted.number_id)
    if wanted.caller:
        found.append(Call.caller_hash == vault.look_up(company_id, wanted.caller))
    if wanted.brought:
        found.append(_kind(wanted.brought))
    return found


def _outcome(name: str) -> ColumnElement[bool]:
    if name == "open":
        return and_(Call.outcome.is_(None), Call.status.in_(("ringing", "in_progress")))
    if name == "lost":
        return Call.outcome.in_(LOST)
    if name not in OUTCOMES:
        raise BadInput(f"outcome is one of {', '.join(OUTCOMES)}, open, lost.")
    return Call.outcome == name


def _origin(wanted: CallFilter) -> ColumnElement[bool]:
    if wanted.source == "unknown":
        return or_(Attribution.source.is_(None), Attribution.source == "")
    words = [Attribution.source == wanted.source]
    if wanted.medium:
        words.append(Attribution.medium == wanted.medium)
    if wanted.campaign:
        words.append(Attribution.campaign == wanted.campaign)
    return and_(*words)


def _kind(brought: str) -> ColumnElement[bool]:
    of_call = and_(
        Conversion.company_id == Call.company_id,
        Conversion.call_id == Call.id,
        Conversion.status == "counted",
    )
    if brought == "none":
        return ~exists().where(of_call)
    if brought not in ("lead", "purchase"):
        raise BadInput("brought is one of lead, purchase, none.")
    return Lead.status == "counted" if brought == "lead" else Purchase.c.status == "counted"


def _row(vault: Vault, company_id: UUID, row: Any) -> CallSummary:
    return CallSummary(**{**row._mapping, "caller": open_caller(vault, company_id, row.caller)})
