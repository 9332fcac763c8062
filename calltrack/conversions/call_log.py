"""The call log: calls with their origin and what they brought, filtered, newest first, page by page."""

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from calltrack.accounts.model import Location, User
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.calls.people.missed import NOT_TALKED as LOST
from calltrack.calls.people.model import CallTag, CallTagged, CallWork, MissedCall
from calltrack.calls.people.work import STATUSES
from calltrack.calls.queries import open_caller
from calltrack.conversions.call_origin import by_hour, by_visit, by_words
from calltrack.conversions.model import Conversion
from calltrack.conversions.newest import MOST_LOOKED, Reach, has_to_look, reach_of
from calltrack.infra.crypto import Vault
from calltrack.infra.rows import by_index
from calltrack.kernel.errors import BadInput
from calltrack.numbers.model import TrackingNumber

MOST = 200
OUTCOMES = ("answered", "mailbox", "busy", "missed", "abandoned", "failed", "blocked", "over_limit")
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


# The names of a call's tags, in order.
Tags = (
    select(func.coalesce(func.array_agg(aggregate_order_by(CallTag.name, CallTag.key)), text("'{}'")))
    .join(CallTagged, and_(CallTagged.company_id == CallTag.company_id, CallTagged.tag_id == CallTag.id))
    .where(CallTagged.company_id == Call.company_id, CallTagged.call_id == Call.id)
    .correlate(Call)
    .scalar_subquery()
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
    level: str | None
    """What reports credit: visit, campaign, source or unknown; None: nobody judged it yet."""
    visit_id: UUID | None
    probability: float | None
    lead: str | None
    purchase: str | None
    value_minor: int | None
    currency: str | None
    changed_at: datetime
    is_demo: bool
    tags: tuple[str, ...]
    work: str
    """How far its lead is: one of `calls.people.work.STATUSES`."""
    assignee: str
    missed: str | None
    """What became of a missed call: open, reached, came_back, closed; None: it is none."""
    missed_at: datetime | None
    tried_at: datetime | None
    reached_at: datetime | None

    @property
    def waits(self) -> bool:
        """Whether its caller waits to be rung back."""
        return self.missed == "open" and self.caller is not None

    @property
    def is_open(self) -> bool:
        """Whether the call still lasts."""
        return self.outcome is None and self.status in ("ringing", "in_progress")

    @property
    def is_lost(self) -> bool:
        """Whether nobody talked to the caller."""
        return self.outcome in LOST


@dataclass(frozen=True)
class Among:
    """What a room above asks of calls: SQL over the table `call`, and its values (a segment's persons)."""

    sql: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class CallFilter:
    """What calls are asked for; empty fields ask for nothing.

    outcome: one of OUTCOMES, `open` or `lost`, or `waiting` (missed, not rung back yet); source: `google`, or
    `unknown`; medium, campaign, keyword, ad_group, landing_page (host and path): `(none)` for an empty one,
    the last three `(not known)` where no visit is credited; hour: of the week, 0 is Monday from midnight;
    brought: lead, purchase, none; tag: a tag's id; work: a status of the lead; assignee: a member's id.
    """

    since: datetime | None = None
    until: datetime | None = None
    outcome: str = ""
    source: str = ""
    medium: str = ""
    campaign: str = ""
    keyword: str = ""
    ad_group: str = ""
    ad_group_words: tuple[str, ...] = ()
    """Other words of the same ad group, such as a campaign and its utm_content."""
    landing_page: str = ""
    hour: int | None = None
    location_id: UUID | None = None
    number_id: UUID | None = None
    brought: str = ""
    tag: UUID | None = None
    work: str = ""
    assignee: UUID | None = None
    caller: str = ""
    """A full number in E.164; it is compared by its keyed hash, parts of numbers cannot be searched."""
    among: Among | None = None


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
    """Return the newest calls that fit the filter, at most `most`, after the given place.

    A page whose filter fits few calls may hold fewer, even none, and have one that goes on after it: at most
    `newest.MOST_LOOKED` calls are looked at for each.
    """
    most = min(max(most, 1), MOST)
    older: list[ColumnElement[bool]] = []
    if after:
        older.append(Call.started_at <= after.started_at)
        older.append(tuple_(Call.started_at, Call.id) < tuple_(after.started_at, after.id))
    query = _summary(company_id).where(*conditions(company_id, vault, wanted), *older)
    query = query.order_by(Call.started_at.desc(), Call.id.desc()).limit(most + 1)
    if not has_to_look(wanted):
        return _page(vault, company_id, session.execute(query).all(), most, None)
    reach = reach_of(session, company_id, [*by_call(company_id, vault, wanted), *older], MOST_LOOKED)
    with by_index(session):
        found = session.execute(query.where(reach.holds()) if reach else query).all()
    return _page(vault, company_id, found, most, reach)


def _page(vault: Vault, company_id: UUID, found: Sequence[Any], most: int, reach: Reach | None) -> CallPage:
    """Return a page of what was found; the next one goes on after its last row, or where looking ended."""
    rows = [_row(vault, company_id, row) for row in found]
    last = rows[most - 1] if len(rows) > most else reach
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
    return joined(
        company_id,
        select(
            Call.id, Call.started_at, Call.status, Call.outcome, Call.caller, Call.caller_city,
            Call.number_id, TrackingNumber.e164.label("number"), Call.location_id,
            Location.name.label("location"), Call.ring_seconds, Call.talk_seconds, Call.duration_seconds,
            Attribution.source, Attribution.medium, Attribution.campaign, Attribution.p_campaign,
            Attribution.level, Attribution.visit_id, Attribution.probability, Lead.status.label("lead"),
            Purchase.c.status.label("purchase"), Purchase.c.value_minor, Purchase.c.currency, Call.changed_at,
            Call.is_demo, Tags.label("tags"), func.coalesce(CallWork.status, "open").label("work"),
            func.coalesce(User.name, "").label("assignee"), MissedCall.state.label("missed"),
            MissedCall.missed_at, MissedCall.tried_at, MissedCall.reached_at,
        ),
    )  # fmt: skip


def judged(company_id: UUID, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Return the query over calls with their present verdicts beside them."""
    return query.outerjoin(Attribution, _judged()).where(Call.company_id == company_id)


def joined(company_id: UUID, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Return the query over calls with all that filters may ask for beside them."""
    return (
        judged(company_id, query)
        .join(
            TrackingNumber,
            and_(TrackingNumber.company_id == Call.company_id, TrackingNumber.id == Call.number_id),
        )
        .join(Location, and_(Location.company_id == Call.company_id, Location.id == Call.location_id))
        .outerjoin(Lead, _has_lead())
        .outerjoin(Purchase, true())
        .outerjoin(CallWork, and_(CallWork.company_id == Call.company_id, CallWork.call_id == Call.id))
        .outerjoin(User, User.id == CallWork.assignee_id)
        .outerjoin(MissedCall, and_(MissedCall.company_id == Call.company_id, MissedCall.call_id == Call.id))
    )


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


def conditions(company_id: UUID, vault: Vault, wanted: CallFilter) -> list[ColumnElement[bool]]:
    """Return what the filter asks of a `joined` query; raises BadInput for words it does not know."""
    found = by_call(company_id, vault, wanted)
    if wanted.outcome:
        found.append(_outcome(wanted.outcome))
    found += by_words(wanted.source, wanted.medium, wanted.campaign)
    found += by_visit(
        {
            "keyword": (wanted.keyword,), "ad_group": (wanted.ad_group, *wanted.ad_group_words),
            "landing_page": (wanted.landing_page,),
        }
    )  # fmt: skip
    if wanted.hour is not None:
        found.append(by_hour(wanted.hour))
    if wanted.brought:
        found.append(_kind(wanted.brought))
    if wanted.among:
        found.append(among(wanted.among))
    return found + _by_people(wanted)


def by_call(company_id: UUID, vault: Vault, wanted: CallFilter) -> list[ColumnElement[bool]]:
    """Return those conditions of the filter that stand in the call itself."""
    found: list[ColumnElement[bool]] = []
    if wanted.since:
        found.append(Call.started_at >= wanted.since)
    if wanted.until:
        found.append(Call.started_at < wanted.until)
    if wanted.location_id:
        found.append(Call.location_id == wanted.location_id)
    if wanted.number_id:
        found.append(Call.number_id == wanted.number_id)
    if wanted.caller:
        found.append(Call.caller_hash == vault.look_up(company_id, wanted.caller))
    return found


def among(asked: Among) -> ColumnElement[bool]:
    """Return what a room above asks of a query over calls, as one of its conditions."""
    values: list[BindParameter[Any]] = [bindparam(name, value) for name, value in asked.values.items()]
    return cast(ColumnElement[bool], text(asked.sql).bindparams(*values))


def _by_people(wanted: CallFilter) -> list[ColumnElement[bool]]:
    """Return the conditions about what people did with calls."""
    found: list[ColumnElement[bool]] = []
    if wanted.tag:
        found.append(
            exists().where(
                CallTagged.company_id == Call.company_id,
                CallTagged.call_id == Call.id,
                CallTagged.tag_id == wanted.tag,
            )
        )
    if wanted.work:
        if wanted.work not in STATUSES:
            raise BadInput(f"work is one of {', '.join(STATUSES)}.")
        found.append(func.coalesce(CallWork.status, "open") == wanted.work)
    if wanted.assignee:
        found.append(CallWork.assignee_id == wanted.assignee)
    return found


def _outcome(name: str) -> ColumnElement[bool]:
    if name == "open":
        return and_(Call.outcome.is_(None), Call.status.in_(("ringing", "in_progress")))
    if name == "waiting":
        return and_(MissedCall.state == "open", MissedCall.caller_hash.is_not(None))
    if name == "lost":
        return Call.outcome.in_(LOST)
    if name not in OUTCOMES:
        raise BadInput(f"outcome is one of {', '.join(OUTCOMES)}, open, lost, waiting.")
    return Call.outcome == name


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
    # As in `call_origin.by_words`: calls come first.
    return func.coalesce(Lead.status if brought == "lead" else Purchase.c.status, "") == "counted"


def _row(vault: Vault, company_id: UUID, row: Any) -> CallSummary:
    caller = open_caller(vault, company_id, row.caller)
    return CallSummary(**{**row._mapping, "caller": caller, "tags": tuple(row.tags)})
