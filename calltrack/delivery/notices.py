"""What a company must know of its destinations: nothing goes wrong in silence.

Notices follow from what is stored, so looking again raises none twice and ends those whose cause is gone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from calltrack.accounts import audit
from calltrack.delivery.model import Delivery, DeliveryTally, DestinationAccount, Notice
from calltrack.delivery.windows import WindowAtRisk, windows_at_risk
from calltrack.infra import outbox
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services

KINDS: Final = (
    "destination.paused", "webhook.disabled", "sign_in.expiring", "delivery.window", "delivery.unknown",
    "tally.difference", "platform.unwell",
)  # fmt: skip
EXPIRES_SOON: Final = timedelta(days=14)
# So many requests in a row found the platform unwell: more than ten minutes.
LONG_UNWELL: Final = 7
BY_HAND: Final = "Paused by "
Level = Literal["action", "info"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is the matter now; `subject` tells two of a kind apart."""

    kind: str
    subject: str
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice as pages and the API show it."""

    id: UUID
    kind: str
    subject: str
    level: str
    text: str
    since: datetime
    seen_at: datetime
    resolved_at: datetime | None
    dismissed_at: datetime | None

    @property
    def destination_id(self) -> UUID:
        """Return the destination it is about."""
        return UUID(self.subject)


def review(services: Services, company_id: UUID, _subject: UUID | None = None) -> None:
    """Raise what is the matter at the company's destinations, and end what is over."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        problems = list(problems_of(session, company_id, now))
        changed = raise_and_resolve(session, company_id, problems, now)
    if changed:
        services.nudges.wake("handle_facts", str(company_id))


def companies_to_review(system: Session) -> list[UUID]:
    """Name the companies that have destinations (system role)."""
    return list(system.scalars(text("SELECT DISTINCT company_id FROM destination ORDER BY company_id")))


def problems_of(session: Session, company_id: UUID, now: datetime) -> Iterator[Problem]:
    """Yield what is the matter at this moment, from what is stored."""
    accounts = session.scalars(
        select(DestinationAccount).where(
            DestinationAccount.company_id == company_id,
            DestinationAccount.status != "removed",
            ~DestinationAccount.is_demo,
        )
    ).all()
    unknown = _stranded(session, company_id)
    for one in accounts:
        if one.status == "paused" and not one.status_reason.startswith(BY_HAND):
            yield _paused(one)
        if one.status == "active" and one.unwell >= LONG_UNWELL and one.held_until is not None:
            words = (
                f"{one.name} has not answered properly for a while. Nothing to do: calltrack asks again and "
                "sends everything once it is back."
            )
            yield Problem("platform.unwell", one.id.hex, "info", words)
        if one.access_until is not None and one.access_until - now < EXPIRES_SOON:
            yield _expiring(one, now)
        if count := unknown.get(one.id):
            what = "1 conversion" if count == 1 else f"{count} conversions"
            words = (
                f"Nobody knows whether {what} reached {one.name}. Look there, then say in the list of "
                "deliveries whether they arrived."
            )
            yield Problem("delivery.unknown", one.id.hex, "action", words)
    names = {one.id: one.name for one in accounts}
    for risk in windows_at_risk(session, company_id, now):
        if risk.destination_id in names:
            yield _late(names[risk.destination_id], risk)
    yield from _differences(session, company_id, names, now)


def raise_and_resolve(
    session: Session, company_id: UUID, problems: Sequence[Problem], now: datetime,
    kinds: Sequence[str] = KINDS,
) -> bool:  # fmt: skip
    """Bring the open notices of these kinds in line with the problems; a new one is a fact.

    Tells whether any is new.
    """
    is_new = False
    for one in problems:
        row = session.execute(
            _RAISE,
            {"company_id": company_id, "id": new_id(now), "kind": one.kind, "subject": one.subject,
             "level": one.level, "text": one.text, "now": now},
        ).one()  # fmt: skip
        if row.is_new:
            is_new = True
            outbox.record(session, company_id, "notice.raised", row.id, now)
    standing = [f"{one.kind} {one.subject}" for one in problems]
    values = {"company_id": company_id, "standing": standing, "kinds": list(kinds), "now": now}
    session.execute(_RESOLVE, values)
    return is_new


def open_notices(session: Session, company_id: UUID) -> tuple[NoticeRow, ...]:
    """Return what stands and was not dismissed: what needs somebody first, then the newest."""
    query = _select(company_id).where(Notice.resolved_at.is_(None), Notice.dismissed_at.is_(None))
    rows = session.execute(query.order_by(Notice.level, Notice.since.desc()))
    return tuple(NoticeRow(**row._mapping) for row in rows)


def notices(
    session: Session, company_id: UUID, before: UUID | None = None, most: int = 50
) -> tuple[NoticeRow, ...]:
    """Return the newest notices, those that are over included."""
    query = _select(company_id)
    if before:
        query = query.where(Notice.id < before)
    rows = session.execute(query.order_by(Notice.id.desc()).limit(most))
    return tuple(NoticeRow(**row._mapping) for row in rows)


def dismiss(session: Session, company_id: UUID, notice_id: UUID, now: datetime, *, by: str) -> None:
    """Take an informative notice off the pages; it stays in the list.

    Raises:
        NotFound: the company has no such notice.
        Conflict: it asks for something to be done, so it goes when that is done.
    """
    row = session.get(Notice, (company_id, notice_id))
    if row is None:
        raise NotFound("There is no such notice.")
    if row.level != "info":
        raise Conflict("This notice goes by itself once its cause is gone.")
    session.execute(
        update(Notice)
        .where(Notice.company_id == company_id, Notice.id == notice_id)
        .values(dismissed_at=func.coalesce(Notice.dismissed_at, now))
    )
    audit.note(session, company_id, by, "notice.dismissed", str(notice_id), now, kind=row.kind)


def _paused(one: DestinationAccount) -> Problem:
    kind = "webhook.disabled" if one.kind == "webhook" else "destination.paused"
    words = f"{one.name} is paused, so nothing is sent there. {one.status_reason}"
    return Problem(kind, one.id.hex, "action", f"{words} Everything waits and is sent once it runs again.")


def _expiring(one: DestinationAccount, now: datetime) -> Problem:
    ends = one.access_until or now
    day = f"{ends.day} {ends:%B}"
    words = (
        f"The access to {one.name} ends on {day}." if ends > now else f"The access to {one.name} has ended."
    )
    text_ = f"{words} Sign in again under its settings; nothing is lost meanwhile."
    return Problem("sign_in.expiring", one.id.hex, "action", text_)


def _late(name: str, risk: WindowAtRisk) -> Problem:
    what = "1 conversion has" if risk.count == 1 else f"{risk.count} conversions have"
    ends = risk.first_ends_at
    words = (
        f"{what} waited for {name} for more than half of the time it takes them; the first is taken no more "
        f"from {ends.day} {ends:%B}. See in the list of deliveries what they wait for."
    )
    return Problem("delivery.window", risk.destination_id.hex, "action", words)


def _stranded(session: Session, company_id: UUID) -> dict[UUID, int]:
    """Count what nobody knows about and nothing happens to by itself, by destination."""
    rows = session.execute(
        select(Delivery.destination_id, func.count())
        .where(
            Delivery.company_id == company_id,
            Delivery.state == "unknown",
            text("state IN ('rejected', 'unknown', 'parked', 'withheld')"),
            Delivery.due_at.is_(None),
            ~Delivery.is_demo,
        )
        .group_by(Delivery.destination_id)
    )
    return {destination_id: count for destination_id, count in rows}  # noqa: C416 - rows are no pairs to mypy


def _differences(
    session: Session, company_id: UUID, names: dict[UUID, str], now: datetime
) -> Iterator[Problem]:
    """Yield the newest comparison of each destination where the platform has clearly less than we sent."""
    rows = session.scalars(
        select(DeliveryTally)
        .where(DeliveryTally.company_id == company_id, DeliveryTally.day >= (now - timedelta(days=3)).date())
        .order_by(DeliveryTally.day.desc())
    )
    seen: set[UUID] = set()
    for row in rows:
        name = names.get(row.destination_id)
        if name is None or row.destination_id in seen or row.difference is None:
            continue
        seen.add(row.destination_id)
        if is_short(row.sent, row.difference):
            words = (
                f"{name} says it has {-row.difference} fewer conversions than were sent on "
                f"{row.day.day} {row.day:%B}. Compare the two on the page of the destination."
            )
            yield Problem("tally.difference", row.destination_id.hex, "info", words)


def is_short(sent: int, difference: int) -> bool:
    """Tell whether a platform has clearly less than was sent: more than 2 and more than 5 % missing."""
    return -difference > max(2, sent * 0.05)


def _select(company_id: UUID) -> Select[*tuple[Any, ...]]:
    return select(
        Notice.id, Notice.kind, Notice.subject, Notice.level, Notice.text, Notice.since, Notice.seen_at,
        Notice.resolved_at, Notice.dismissed_at,
    ).where(Notice.company_id == company_id)  # fmt: skip


_RAISE = text(
    """
    INSERT INTO notice (company_id, id, kind, subject, level, text, since, seen_at)
    VALUES (:company_id, :id, :kind, :subject, :level, :text, :now, :now)
    ON CONFLICT (company_id, kind, subject) WHERE resolved_at IS NULL
    DO UPDATE SET text = EXCLUDED.text, level = EXCLUDED.level, seen_at = EXCLUDED.seen_at
    RETURNING id, xmax = 0 AS is_new
    """
)
_RESOLVE = text(
    """
    UPDATE notice SET resolved_at = :now
    WHERE company_id = :company_id AND resolved_at IS NULL AND kind = ANY(:kinds)
      AND NOT kind || ' ' || subject = ANY(:standing)
    """
).bindparams(bindparam("standing", type_=ARRAY(Text())), bindparam("kinds", type_=ARRAY(Text())))
