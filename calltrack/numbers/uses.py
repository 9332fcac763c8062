"""What a number was for at a moment: calls are judged by the use they were made in, however old they are."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.accounts.model import Location
from calltrack.kernel.origin import campaign_key
from calltrack.numbers.model import Pool, TrackingNumber
from calltrack.numbers.order_model import NumberUse


@dataclass(frozen=True)
class PastUse:
    """An earlier use as pages show it."""

    used_from: datetime
    used_until: datetime
    kind: str
    pool: str | None
    location: str
    source: str
    medium: str
    campaign: str
    ended_by: str


_AT = text(
    """
    SELECT kind, source, medium, campaign FROM (
        SELECT used_from, kind, source, medium, campaign FROM number_use
        WHERE company_id = :company_id AND number_id = :number_id AND used_from <= :at AND used_until > :at
        UNION ALL
        SELECT NULL, kind, source, medium, campaign FROM tracking_number
        WHERE company_id = :company_id AND id = :number_id
    ) uses
    ORDER BY used_from DESC NULLS LAST LIMIT 1
    """
)


@dataclass(frozen=True)
class Use:
    """What a number was for: `static` has an origin of its own."""

    kind: str
    source: str
    medium: str
    campaign: str

    @property
    def origin(self) -> str:
        """Return the campaign it stood for, as visits spell theirs."""
        return origin_of(self.source, self.medium, self.campaign)


def origin_of(source: str, medium: str, campaign: str) -> str:
    """Return a static number's campaign as visits spell theirs: `Google`, typed by somebody, is `google`."""
    return campaign_key(source.lower(), medium.lower(), campaign)


def static_origins(session: Session, company_id: UUID) -> dict[str, tuple[UUID, ...]]:
    """Return the campaigns that static numbers stand for, each with its numbers."""
    rows = session.execute(
        select(TrackingNumber.id, TrackingNumber.source, TrackingNumber.medium, TrackingNumber.campaign)
        .where(TrackingNumber.company_id == company_id, TrackingNumber.kind == "static")
        .order_by(TrackingNumber.id)
    )
    found: dict[str, tuple[UUID, ...]] = {}
    for row in rows:
        key = origin_of(row.source, row.medium, row.campaign)
        found[key] = (*found.get(key, ()), row.id)
    return found


def use_at(session: Session, company_id: UUID, number_id: UUID, at: datetime) -> Use:
    """Return what the number was for then; today's use if it never changed."""
    asked = {"company_id": company_id, "number_id": number_id, "at": at}
    return Use(*session.execute(_AT, asked).one())


def past_uses(session: Session, company_id: UUID, number_id: UUID) -> tuple[PastUse, ...]:
    """Return the earlier uses of a number, newest first."""
    rows = session.execute(
        select(
            NumberUse.used_from, NumberUse.used_until, NumberUse.kind, Pool.name.label("pool"),
            Location.name.label("location"), NumberUse.source, NumberUse.medium, NumberUse.campaign,
            NumberUse.ended_by,
        )
        .join(
            Location, (Location.company_id == NumberUse.company_id) & (Location.id == NumberUse.location_id)
        )
        .outerjoin(Pool, (Pool.company_id == NumberUse.company_id) & (Pool.id == NumberUse.pool_id))
        .where(NumberUse.company_id == company_id, NumberUse.number_id == number_id)
        .order_by(NumberUse.used_from.desc())
    )  # fmt: skip
    return tuple(PastUse(**row._mapping) for row in rows)
