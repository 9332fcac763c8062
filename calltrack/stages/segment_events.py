"""What webhooks are told of segments: frozen when somebody enters, counted, sent again when a person asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.delivery.model import DestinationAccount
from calltrack.destinations.webhook import event_body
from calltrack.kernel.ids import first_id_of, new_id
from calltrack.stages.event_model import SegmentEvent
from calltrack.stages.model import JourneyRow, SegmentRow
from calltrack.stages.stage_words import STAGES

KIND: Final = "segment.entered"
AT_ONCE: Final = 1_000
KEPT: Final = timedelta(days=90)
_COUNTS: Final = (
    "source", "medium", "campaign", "score", "visits", "calls", "missed", "purchases", "value_minor",
)  # fmt: skip
_WITHHOLD: Final = text(
    """
    UPDATE segment_event e SET state = 'withheld', due_at = NULL, settled_at = :now,
        said = 'The webhook was removed before this was sent.'
    FROM destination d
    WHERE e.company_id = :company_id AND e.due_at IS NOT NULL AND e.state = 'waiting'
      AND d.company_id = e.company_id AND d.id = e.destination_id AND d.status = 'removed'
    """
)


@dataclass(frozen=True)
class Told:
    """How far a segment's webhook was told; `said` is the newest answer about one that is not sent."""

    sent: int
    waiting: int
    failed: int
    said: str
    tried_at: datetime | None


@dataclass(frozen=True)
class WebhookRow:
    """A webhook that can be told."""

    id: UUID
    name: str
    status: str


def tell_webhook(session: Session, row: SegmentRow, persons: Sequence[UUID], now: datetime) -> None:
    """Write down for the segment's webhook who entered; a webhook that is not there is not told."""
    hook = session.get(DestinationAccount, (row.company_id, row.webhook_id)) if row.webhook_id else None
    if hook is None or hook.status == "removed":
        return
    currency = session.scalars(select(Company.currency).where(Company.id == row.company_id)).one()
    for start in range(0, len(persons), AT_ONCE):
        found = session.scalars(
            select(JourneyRow).where(
                JourneyRow.company_id == row.company_id,
                JourneyRow.id.in_(persons[start : start + AT_ONCE]),
            )
        )
        events = [_event(row, hook.id, journey, currency, now) for journey in found]
        if events:
            session.execute(insert(SegmentEvent), events)


def withhold_removed(session: Session, company_id: UUID, now: datetime) -> None:
    """End what waits for a webhook that was removed."""
    session.execute(_WITHHOLD, {"company_id": company_id, "now": now})


def told_of(session: Session, company_id: UUID, segment_id: UUID) -> Told:
    """Return how far the webhook was told who entered the segment."""
    mine = (SegmentEvent.company_id == company_id, SegmentEvent.segment_id == segment_id)
    counts = dict(
        session.execute(
            select(SegmentEvent.state, func.count()).where(*mine).group_by(SegmentEvent.state)
        ).all()
    )
    newest = session.execute(
        select(SegmentEvent.said, SegmentEvent.tried_at)
        .where(*mine, SegmentEvent.state != "sent", SegmentEvent.said != "")
        .order_by(SegmentEvent.tried_at.desc().nulls_last())
        .limit(1)
    ).first()
    waiting = counts.get("waiting", 0) + counts.get("sending", 0)
    failed = counts.get("failed", 0) + counts.get("withheld", 0)
    said, tried_at = newest or ("", None)
    return Told(counts.get("sent", 0), waiting, failed, said, tried_at)


def send_failed_again(session: Session, company_id: UUID, segment_id: UUID, now: datetime) -> int:
    """Let what was given up be sent again, the same bytes under the same id; returns how many."""
    again = (
        update(SegmentEvent)
        .where(
            SegmentEvent.company_id == company_id,
            SegmentEvent.segment_id == segment_id,
            SegmentEvent.state == "failed",
        )
        .values(state="waiting", due_at=now, attempts=0, settled_at=None)
        .returning(SegmentEvent.id)
    )
    return len(session.scalars(again).all())


def forget_events(session: Session, company_id: UUID, now: datetime) -> int:
    """Delete what ended more than 90 days ago; returns how many rows went."""
    before = now - KEPT
    old = delete(SegmentEvent).where(
        SegmentEvent.company_id == company_id, SegmentEvent.id < first_id_of(before),
        SegmentEvent.settled_at < before,
    ).returning(SegmentEvent.id)  # fmt: skip
    return len(session.scalars(old).all())


def webhooks(session: Session, company_id: UUID) -> tuple[WebhookRow, ...]:
    """Return the company's webhooks that are there, by name."""
    wanted = select(DestinationAccount.id, DestinationAccount.name, DestinationAccount.status).where(
        DestinationAccount.company_id == company_id,
        DestinationAccount.kind == "webhook",
        DestinationAccount.status != "removed",
    )
    return tuple(WebhookRow(*one) for one in session.execute(wanted.order_by(DestinationAccount.name)))


def _event(
    row: SegmentRow, destination_id: UUID, journey: JourneyRow, currency: str, now: datetime
) -> dict[str, Any]:
    id_ = new_id(now)
    data = {name: getattr(journey, name) for name in _COUNTS} | {
        "segment": {"id": str(row.id), "name": row.name},
        "person_id": str(journey.id),
        "first_at": journey.first_at.isoformat(),
        "stage": STAGES[journey.stage],
        "currency": currency,
    }
    return {
        "company_id": row.company_id, "id": id_, "segment_id": row.id, "person_id": journey.id,
        "destination_id": destination_id, "body": event_body(KIND, f"seg-{id_.hex}", now, data),
        "due_at": now, "entered_at": now,
    }  # fmt: skip
