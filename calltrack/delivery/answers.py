"""Gathers the facts of one call and answers for each destination why its conversions are where they are."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.attribution.queries import verdict
from calltrack.calls.model import Call
from calltrack.conversions.no_lead import why_no_lead
from calltrack.conversions.queries import ConversionRow, conversions_of
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.queries import Parcel, parcels_of
from calltrack.delivery.why import Answer, Facts, Place, Told, telling, why
from calltrack.destinations import DESTINATIONS
from calltrack.kernel.errors import NotFound
from calltrack.kernel.touch import only_clicks
from calltrack.visits.queries import visits_by_id

# Which click ids and cookies a platform counts by: where one is there, it could learn from the call.
CLICKS: Final[Mapping[str, frozenset[str]]] = {
    "google_data_manager": frozenset(("gclid", "gbraid", "wbraid")),
    "meta": frozenset(("fbclid",)),
    "microsoft": frozenset(("msclkid",)),
    "tiktok": frozenset(("ttclid",)),
    "linkedin": frozenset(("li_fat_id",)),
}
# The same click counts at either of these: who has one needs no advice about the other.
TWIN_KINDS: Final = {"google_data_manager": "google_ads"}

Written = Callable[[int | None, str], str]
"""Writes a value as people read it; nothing where there is none."""


@dataclass(frozen=True)
class Line:
    """One answer, the conversion it is about, and the deliveries behind it."""

    answer: Answer
    conversion: ConversionRow | None = None
    parcels: tuple[Parcel, ...] = ()
    telling: UUID | None = None
    """The delivery the answer speaks of."""


@dataclass(frozen=True)
class Receiver:
    """A destination with its answers, one for each conversion of the call."""

    id: UUID | None
    kind: str
    name: str
    status: str
    lines: tuple[Line, ...]
    has_click: bool = False
    """Whether it is not connected although the caller came by a click of it."""

    @property
    def is_final(self) -> bool:
        """Whether nothing here changes by itself any more."""
        return all(line.answer.is_final for line in self.lines)


def answers_of(
    session: Session, company_id: UUID, call_id: UUID, now: datetime, zone: ZoneInfo, written: Written
) -> tuple[Receiver, ...]:
    """Return the answers of a call: destinations by name, then the platforms that are not connected.

    Raises:
        NotFound: the company has no such call.
    """
    call = session.get(Call, (company_id, call_id))
    if call is None:
        raise NotFound("There is no such call.")
    brought = conversions_of(session, company_id, [call_id])
    parcels: dict[tuple[UUID, UUID], list[Parcel]] = defaultdict(list)
    for parcel in parcels_of(session, company_id, [one.id for one in brought]):
        parcels[parcel.delivery.destination_id, parcel.delivery.conversion_id].append(parcel)
    reason = "" if brought else why_no_lead(session, company_id, call_id)
    told_to = {destination_id for destination_id, _ in parcels}
    accounts = session.scalars(
        select(DestinationAccount)
        .where(DestinationAccount.company_id == company_id)
        .order_by(DestinationAccount.name, DestinationAccount.id)
    ).all()
    answering = _Answering(call.outcome is not None, reason, now, zone, written)
    found = [
        answering.receiver(account, brought, parcels)
        for account in accounts
        if account.status != "removed" or account.id in told_to
    ]
    has = {account.kind for account in accounts if account.status != "removed"}
    clicked = _clicks(session, company_id, call_id)
    return (*found, *_missing(has, clicked, now, zone))


@dataclass(frozen=True)
class _Answering:
    call_is_over: bool
    no_conversion: str
    now: datetime
    zone: ZoneInfo
    written: Written

    def receiver(
        self,
        account: DestinationAccount,
        brought: tuple[ConversionRow, ...],
        parcels: Mapping[tuple[UUID, UUID], list[Parcel]],
    ) -> Receiver:
        status = account.status if account.status in ("paused", "removed") else "active"
        place = Place(
            account.name,
            status,  # type: ignore[arg-type]  # the table checks it
            account.status_reason,
            account.held_until,
            account.unwell > 0,
            account.created_at,
        )
        lines = tuple(self._line(place, one, tuple(parcels.get((account.id, one.id), ()))) for one in brought)
        if not lines:
            facts = Facts(
                place, self.now, self.zone, call_is_over=self.call_is_over, no_conversion=self.no_conversion
            )
            lines = (Line(why(facts)),)
        return Receiver(account.id, account.kind, account.name, status, lines)

    def _line(self, place: Place, one: ConversionRow, found: tuple[Parcel, ...]) -> Line:
        # Changes planned within one millisecond have ids in any order; people read them as they were made.
        parcels = tuple(sorted(found, key=lambda parcel: parcel.delivery.sequence))
        by_sequence = {parcel.delivery.sequence: parcel for parcel in parcels}
        told = telling([self._told(parcel) for parcel in parcels])
        facts = Facts(
            place,
            self.now,
            self.zone,
            what="lead" if one.kind == "lead" else "purchase",
            decided_at=one.changed_at,
            is_counted=one.status == "counted",
            call_is_over=self.call_is_over,
            no_conversion=one.reason if one.status == "retracted" else "",
            told=told,
        )
        return Line(why(facts), one, parcels, by_sequence[told.sequence].delivery.id if told else None)

    def _told(self, parcel: Parcel) -> Told:
        row = parcel.delivery
        return Told(
            state=row.state,
            planned_at=row.planned_at,
            sequence=row.sequence,
            action=row.action,
            worth=self.written(row.value_minor, row.currency) if row.value_minor is not None else "",
            due_at=row.due_at,
            settled_at=row.settled_at,
            attempts=row.attempts,
            last_class=row.last_class,
            explanation=row.explanation,
            preflight=row.preflight,
            code=row.preflight_code,
            reason=row.preflight_reason,
            until=row.preflight_until,
        )


def _missing(has: set[str], clicked: set[str], now: datetime, zone: ZoneInfo) -> tuple[Receiver, ...]:
    """Return the ad platforms that are not connected, those whose click brought the call first."""
    found = []
    for kind, names in CLICKS.items():
        if kind in DESTINATIONS and kind not in has and TWIN_KINDS.get(kind) not in has:
            place = Place(DESTINATIONS[kind].label, "none", has_click=bool(names & clicked))
            line = Line(why(Facts(place, now, zone)))
            found.append(Receiver(None, kind, place.name, "none", (line,), place.has_click))
    return tuple(sorted(found, key=lambda one: not one.has_click))


def _clicks(session: Session, company_id: UUID, call_id: UUID) -> set[str]:
    """Return the names of the click ids of the visit that is credited with the call."""
    judged = verdict(session, company_id, call_id)
    if judged is None or judged.visit_id is None:
        return set()
    visit = visits_by_id(session, company_id, [judged.visit_id]).get(judged.visit_id)
    return {name for name, value in only_clicks(visit.click_ids).items() if value} if visit else set()
