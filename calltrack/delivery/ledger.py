"""The ledger's statements: claim under a lease, note the intention, settle, give back.

They run in the caller's transaction, and none is open while the network is waited for. Whoever holds a
row's lease token may settle it; once the lease has ended somebody else may, and the late one changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

from calltrack.delivery import statements as sql
from calltrack.delivery.rules import LEASE, Step

# What is kept of an answer in each attempt; an answer to a batch is stored once per row.
KEPT_ALONE: Final = 16_384
KEPT_IN_BATCH: Final = 1_024
INTERRUPTED: Final = (
    "The worker was interrupted, so it is not known whether this was sent. The same id is sent again."
)
NO_ORIGINAL: Final = (
    "The conversion itself was not sent to this destination, so no change to it is sent either."
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery this worker may send until its lease ends."""

    id: UUID
    conversion_id: UUID
    change_id: UUID
    sequence: int
    attempts: int
    planned_at: datetime
    payload: bytes
    last_class: str | None
    occurred_at: datetime
    number: int = 0
    """Number of the attempt that was noted for it."""

    @property
    def since(self) -> datetime:
        """When the platform's age limit begins: for a later change with the change, which is a new event."""
        return self.occurred_at if self.sequence == 0 else self.planned_at


@dataclass(frozen=True, slots=True)
class Asked:
    """The rows of one accepted request whose verdict is due, each at its place in the request."""

    request_id: str
    size: int
    accepted_at: datetime
    rows: dict[int, Claimed]


@dataclass(frozen=True, slots=True)
class Received:
    """What one request got back, as far as it is kept."""

    status: int | None
    answer: str

    @classmethod
    def of(cls, status: int | None, answer: bytes, rows: int) -> "Received":
        """Cut the answer to what is kept of one that was about so many rows."""
        kept = answer[: KEPT_ALONE if rows == 1 else KEPT_IN_BATCH]
        # PostgreSQL takes no NUL in text; an answer is other people's bytes.
        return cls(status, kept.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}"))


@dataclass(frozen=True, slots=True)
class Tried:
    """One noted attempt and what came of it: the class, its meaning in words, the answer."""

    row: Claimed
    class_: str
    message: str
    received: Received


def expire(session: Session, company_id: UUID, destination_id: UUID, now: datetime) -> int:
    """Take what a dead worker was sending: its outcome is unknown; returns how many rows."""
    place = {"company_id": company_id, "destination_id": destination_id, "now": now, "said": INTERRUPTED}
    ids = list(session.scalars(sql.EXPIRE, place))
    if ids:
        ended = {"company_id": company_id, "ids": ids, "now": now, "said": INTERRUPTED}
        session.execute(sql.END_ATTEMPTS, ended)
    return len(ids)


def strand(
    session: Session,
    company_id: UUID,
    destination_id: UUID,
    window: timedelta,
    now: datetime,
    counts_once: Callable[[bytes], bool],
) -> int:
    """Leave to a person what may no longer be sent again without counting twice; returns how many rows."""
    place = {"company_id": company_id, "destination_id": destination_id, "now": now}
    late = session.execute(sql.LATE_UNKNOWN, {**place, "first_tried_before": now - window})
    ids = [row.id for row in late if not counts_once(row.payload)]
    if not ids:
        return 0
    said = "It is not known whether this arrived, and by now the platform might count it twice. Look there."
    return _count(session.execute(sql.STRAND, {"company_id": company_id, "ids": ids, "said": said}))


def claim(
    session: Session, company_id: UUID, destination_id: UUID, token: UUID, now: datetime, most: int
) -> list[Claimed]:
    """Take up to `most` due deliveries whose turn has come, in the order they became due."""
    rows = session.execute(
        sql.CLAIM,
        {"company_id": company_id, "destination_id": destination_id, "token": token, "now": now,
         "lease_end": now + LEASE, "most": most},
    ).all()  # fmt: skip
    return sorted((Claimed(*row) for row in rows), key=lambda one: one.id)


def note(
    session: Session,
    company_id: UUID,
    rows: Sequence[Claimed],
    hashes: Sequence[bytes],
    now: datetime,
    step: str = "send",
) -> list[Claimed]:
    """Write down that these rows are about to be sent (or were asked about), each with its request's hash."""
    noted = session.execute(
        sql.NOTE,
        {"company_id": company_id, "ids": [row.id for row in rows], "step": step, "now": now,
         "hashes": list(hashes)},
    ).all()  # fmt: skip
    numbers = {row.delivery_id: row.number for row in noted}
    return [replace(row, number=numbers[row.id]) for row in rows]


def keep(
    session: Session, company_id: UUID, rows: Sequence[Claimed], token: UUID, now: datetime
) -> list[Claimed]:
    """Lengthen the lease of rows that go again at once, which burns no try; returns what is still ours."""
    kept = set(
        session.scalars(
            sql.AGAIN,
            {"company_id": company_id, "ids": [row.id for row in rows], "token": token,
             "lease_end": now + LEASE},
        )
    )  # fmt: skip
    return [row for row in rows if row.id in kept]


def settle(
    session: Session,
    company_id: UUID,
    token: UUID,
    steps: Mapping[UUID, Step],
    places: Mapping[UUID, int],
    size: int,
    now: datetime,
) -> int:
    """Write what became of the rows whose lease is still ours; returns how many those were."""
    groups: dict[Step, list[UUID]] = defaultdict(list)
    for id_, step in steps.items():
        groups[step].append(id_)
    settled = 0
    for step, ids in groups.items():
        values: dict[str, Any] = {
            "company_id": company_id, "ids": ids, "token": token, "class": step.class_,
            "explanation": step.explanation, "due_at": None if step.wait is None else now + step.wait,
        }  # fmt: skip
        if step.request_id is not None:
            values |= {"request_id": step.request_id, "size": size, "places": [places[id_] for id_ in ids]}
            session.execute(sql.NO_NESTED_LOOPS)
            settled += _count(session.execute(sql.ACCEPT, values))
            session.execute(sql.NESTED_LOOPS)
        else:
            ends = step.state in ("confirmed", "rejected")
            values |= {"state": step.state, "settled_at": now if ends else None}
            values |= {"unburnt": int(not step.burns)}
            settled += _count(session.execute(sql.SETTLE, values))
    return settled


def finish(session: Session, company_id: UUID, tried: Sequence[Tried], now: datetime) -> None:
    """Complete these attempts: what came back, and its class and meaning; equal ones by one statement."""
    groups: dict[tuple[str, str, Received], list[Claimed]] = defaultdict(list)
    for one in tried:
        groups[(one.class_, one.message, one.received)].append(one.row)
    for (class_, message, received), rows in groups.items():
        session.execute(
            sql.FINISH,
            {"company_id": company_id, "ids": [row.id for row in rows],
             "numbers": [row.number for row in rows], "now": now, "status": received.status,
             "answer": received.answer, "class": class_, "message": message},
        )  # fmt: skip


def hold(session: Session, company_id: UUID, destination_id: UUID, until: datetime) -> None:
    """Send nothing to the destination before that moment; a longer hold stays."""
    place = {"company_id": company_id, "destination_id": destination_id}
    session.execute(sql.HOLD, {**place, "until": until})


def pull_forward(session: Session, company_id: UUID, destination_id: UUID, now: datetime) -> int:
    """Make due what failed while the receiver was away; returns how many deliveries."""
    place = {"company_id": company_id, "destination_id": destination_id, "now": now}
    return _count(session.execute(sql.PULL_FORWARD, place))


def give_back(
    session: Session, company_id: UUID, rows: Sequence[Claimed], token: UUID, now: datetime
) -> None:
    """End the lease of rows that were claimed and not sent: they are due, and the try never was."""
    if not rows:
        return
    place = {"company_id": company_id, "ids": [row.id for row in rows]}
    given = list(session.scalars(sql.GIVE_BACK, {**place, "token": token, "now": now}))
    session.execute(sql.UNNOTE, {**place, "ids": given})


def take_verdicts(
    session: Session, company_id: UUID, destination_id: UUID, token: UUID, now: datetime
) -> Asked | None:
    """Take the rows of the accepted request whose verdict is due longest; None: nothing is due."""
    rows = session.execute(
        sql.TAKE_VERDICTS,
        {"company_id": company_id, "destination_id": destination_id, "token": token, "now": now,
         "lease_end": now + LEASE},
    ).all()  # fmt: skip
    if not rows:
        return None
    found = {row.request_place or 0: Claimed(*row[:9]) for row in rows}
    size = max((rows[0].request_size or 1), *(place + 1 for place in found))
    return Asked(rows[0].request_id, size, rows[0].accepted_at or now, found)


def ask_later(
    session: Session, company_id: UUID, destination_id: UUID, due_at: datetime, now: datetime
) -> None:
    """Ask for no verdict of this destination before that moment."""
    place = {"company_id": company_id, "destination_id": destination_id, "now": now}
    session.execute(sql.ASK_LATER, {**place, "due_at": due_at})


def same_fault(session: Session, company_id: UUID, destination_id: UUID, said: str, most: int) -> int:
    """Count, among the newest `most` judged deliveries, those parked with these very words."""
    place = {"company_id": company_id, "destination_id": destination_id}
    return session.scalar(sql.SAME_FAULT, {**place, "said": said, "most": most}) or 0


def tidy(session: Session, company_id: UUID, destination_id: UUID, now: datetime) -> None:
    """Withhold changes to what was never taken, and let the others wait for the one before them."""
    place = {"company_id": company_id, "destination_id": destination_id, "now": now}
    session.execute(sql.WITHHOLD_ORPHANS, {**place, "said": NO_ORIGINAL})
    soonest, latest = now + timedelta(seconds=5), now + timedelta(minutes=10)
    session.execute(sql.POSTPONE_BLOCKED, {**place, "soonest": soonest, "latest": latest})


def reopen_later_changes(session: Session, company_id: UUID, ids: Sequence[UUID], now: datetime) -> None:
    """Let later changes of the same conversions follow once more what is being sent again."""
    if ids:
        said = "An earlier value had to be sent again, so this one follows it once more."
        session.execute(sql.REOPEN, {"company_id": company_id, "ids": list(ids), "now": now, "said": said})


def _count(result: Any) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0
