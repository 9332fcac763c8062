"""The list of deliveries by any filter: pages of rows, counts that add up, and ids to act on."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, literal_column, select
from sqlalchemy.orm import Session

from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.delivery.model import STATES, Delivery, DestinationAccount
from calltrack.delivery.preflight import AFTERWARDS, NOT_KEPT
from calltrack.delivery.queries import DeliveryRow, joined, select_rows
from calltrack.infra.rows import by_index
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import first_id_of

KINDS: Final = ("lead", "purchase")
ACTIONS: Final = ("create", "restate", "retract")
# Refused, given up, stopped or of unknown outcome: what "all failed" means.
FAILED: Final = ("rejected", "parked", "unknown")
WANTED_STATES: Final = (*STATES, "failed")
LONGEST_TEXT: Final = 200
MOST: Final = 1_000
# Spelled out as in the index's own condition, so that the planner knows that it holds them all.
_IN_TROUBLE: Final[ColumnElement[bool]] = literal_column(
    "delivery.state IN ('rejected', 'unknown', 'parked', 'withheld')"
)
_MOVING: Final = ("pending", "sending", "accepted")
_SETTLED: Final = ("confirmed", "withheld")
# Counted while somebody waits; fewer where each has to be looked up beside its conversion.
MOST_COUNTED: Final = 200_000
MOST_JOINED: Final = 50_000


@dataclass(frozen=True)
class DeliveryFilter:
    """Which deliveries; everything left out fits all. `since` and `until` go by when they were planned.

    `code` is a pre-flight code, `text` a part of what was said of the delivery, in any case of letters.

    Raises:
        BadInput: a word is none of the known ones, or the text is too long.
    """

    destination_id: UUID | None = None
    conversion_id: UUID | None = None
    kind: str = ""
    action: str = ""
    state: str = ""
    code: str = ""
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    def __post_init__(self) -> None:
        for name, known in (("kind", KINDS), ("action", ACTIONS), ("state", WANTED_STATES)):
            if getattr(self, name) and getattr(self, name) not in known:
                raise BadInput(f"{name} is one of {', '.join(known)}.")
        if len(self.text) > LONGEST_TEXT or "\0" in self.text + self.code:
            raise BadInput(f"The text to look for has at most {LONGEST_TEXT} characters.")

    @property
    def has_failed(self) -> bool:
        """Whether only such are asked for that move or failed, of which there are few."""
        return bool(self.state) and self.state not in _SETTLED and not self.code

    def in_words(self, destination: str = "") -> str:
        """Return the filter as a line for people: what an export states."""
        parts = {
            "destination": destination or (str(self.destination_id) if self.destination_id else ""),
            "conversion": str(self.conversion_id) if self.conversion_id else "",
            "kind": self.kind, "action": self.action, "state": self.state, "code": self.code,
            "planned from": self.since.isoformat(timespec="minutes") if self.since else "",
            "planned before": self.until.isoformat(timespec="minutes") if self.until else "",
            "text": self.text,
        }  # fmt: skip
        return ", ".join(f"{name} {value}" for name, value in parts.items() if value) or "none"


@dataclass(frozen=True)
class Counts:
    """How many deliveries are in each state; every delivery is in exactly one, so they add up to `total`."""

    by_state: dict[str, int] = field(default_factory=dict)
    withheld: dict[str, int] = field(default_factory=dict)
    """The withheld ones by the code of the verdict that kept them back."""
    is_cut: bool = False
    """There may be older ones that went well or were kept back; see `count`."""

    @property
    def total(self) -> int:
        """Return the number of deliveries: the sum of the states."""
        return sum(self.by_state.values())

    @property
    def failed(self) -> int:
        """Return how many were refused, stopped, or are of unknown outcome."""
        return sum(self.by_state.get(state, 0) for state in FAILED)


def find(
    session: Session, company_id: UUID, wanted: DeliveryFilter, before: UUID | None = None, most: int = 50
) -> tuple[DeliveryRow, ...]:
    """Return the newest deliveries that fit, at most `most` (1,000), older than the delivery `before`."""
    query = _narrowed(select_rows(), company_id, wanted)
    if before:
        query = query.where(Delivery.id < before)
    with by_index(session):
        rows = session.execute(query.order_by(Delivery.id.desc()).limit(min(max(most, 1), MOST))).all()
    return tuple(DeliveryRow(**row._mapping) for row in rows)


def raw_page(
    session: Session, company_id: UUID, wanted: DeliveryFilter, columns: Sequence[Any], before: UUID | None,
    most: int,
) -> Sequence[Sequence[Any]]:  # fmt: skip
    """Return these columns of the newest deliveries that fit and are older than `before`, as bare tuples."""
    query = _narrowed(joined(select(*columns).select_from(Delivery)), company_id, wanted)
    if before:
        query = query.where(Delivery.id < before)
    with by_index(session):
        rows = session.connection().execute(query.order_by(Delivery.id.desc()).limit(most)).all()
    return [tuple(row) for row in rows]


def count(session: Session, company_id: UUID, wanted: DeliveryFilter) -> Counts:
    """Count the deliveries that fit by state, and the withheld ones by code.

    What moves or failed is counted to the last one; of what went well or was kept back, those among the
    newest 200,000 of the time asked for (50,000 where a kind, an action or a text is asked for).
    """
    by_state: Counter[str] = Counter()
    withheld: Counter[str] = Counter()
    reach = None if wanted.has_failed else _reach(session, company_id, wanted)
    settled = [Delivery.state.in_(_SETTLED)]
    parts = (
        [Delivery.state.in_(FAILED), _IN_TROUBLE],
        [Delivery.state.in_(_MOVING), Delivery.due_at.is_not(None)],
        settled if reach is None else [*settled, Delivery.id >= reach],
    )
    for part in parts:
        query = _narrowed(_joined(select(Delivery.state, _CODE, func.count()), wanted), company_id, wanted)
        with by_index(session):
            rows = session.execute(query.where(*part).group_by(Delivery.state, _CODE)).all()
        for state, code, number in rows:
            by_state[state] += number
            if state == "withheld":
                withheld[code] += number
    told = {state: by_state[state] for state in STATES if by_state[state]}
    return Counts(told, dict(withheld), is_cut=reach is not None)


def _reach(session: Session, company_id: UUID, wanted: DeliveryFilter) -> UUID | None:
    """Return the oldest of the newest deliveries of the time that are counted one by one; None: all are."""
    most = MOST_JOINED if wanted.kind or wanted.action or wanted.text else MOST_COUNTED
    times = DeliveryFilter(since=wanted.since, until=wanted.until)
    query = _narrowed(select(Delivery.id), company_id, times).order_by(Delivery.id.desc())
    ids = session.scalars(query.offset(most - 1).limit(2)).all()
    return ids[0] if len(ids) > 1 else None


def count_of(
    session: Session, company_id: UUID, wanted: DeliveryFilter, ids: Collection[UUID] = ()
) -> Counts:
    """Count these deliveries by state; without ids, all that fit the filter."""
    if not ids:
        return count(session, company_id, wanted)
    query = select(Delivery.state, func.count().label("number")).where(
        Delivery.company_id == company_id, Delivery.id.in_(list(ids))
    )
    rows = session.execute(query.group_by(Delivery.state)).all()
    return Counts({row.state: row.number for row in rows})


@dataclass(frozen=True)
class Stuck:
    """How many sending again would leave: demo data, and those of a destination that stands still."""

    demo: int
    paused: int


def stuck_of(session: Session, company_id: UUID, wanted: DeliveryFilter, ids: Collection[UUID] = ()) -> Stuck:
    """Count what would be left if these deliveries (without ids: all that fit) were sent again now."""
    stopped = select(DestinationAccount.id).where(
        DestinationAccount.company_id == company_id, DestinationAccount.status != "active"
    )
    is_paused = ~Delivery.is_demo & Delivery.destination_id.in_(stopped)
    query = select(func.count().filter(Delivery.is_demo), func.count().filter(is_paused))
    if ids:
        query = query.where(Delivery.company_id == company_id, Delivery.id.in_(list(ids)))
    else:
        query = _narrowed(_joined(query, wanted), company_id, wanted)
    demo, paused = session.execute(query.where(Delivery.state.in_((*FAILED, "withheld")))).one()
    return Stuck(demo, paused)


def ids_of(
    session: Session, company_id: UUID, wanted: DeliveryFilter, before: UUID | None, most: int
) -> list[UUID]:
    """Return the ids of the newest deliveries that fit and are older than `before`."""
    query = _narrowed(_joined(select(Delivery.id), wanted), company_id, wanted)
    if before:
        query = query.where(Delivery.id < before)
    return list(session.scalars(query.order_by(Delivery.id.desc()).limit(most)))


# Why a delivery was kept back; nothing for all others.
_CODE: Final[ColumnElement[str]] = case(
    (Delivery.state != "withheld", literal_column("''")),
    (Delivery.preflight.in_(("send", "wait")), literal_column(f"'{AFTERWARDS}'")),
    (Delivery.preflight_code == "", literal_column(f"'{NOT_KEPT}'")),
    else_=Delivery.preflight_code,
)


def _joined(query: Any, wanted: DeliveryFilter) -> Any:
    """Join what the filter asks about, and nothing else: counting a whole ledger must stay cheap."""
    if wanted.kind:
        query = query.join(
            Conversion,
            (Conversion.company_id == Delivery.company_id) & (Conversion.id == Delivery.conversion_id),
        )
    if wanted.action:
        query = query.join(
            ConversionChange,
            (ConversionChange.company_id == Delivery.company_id)
            & (ConversionChange.id == Delivery.change_id),
        )
    return query


def _narrowed(query: Any, company_id: UUID, wanted: DeliveryFilter) -> Any:
    return query.where(Delivery.company_id == company_id, *_conditions(wanted))


def _conditions(wanted: DeliveryFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.destination_id:
        yield Delivery.destination_id == wanted.destination_id
    if wanted.conversion_id:
        yield Delivery.conversion_id == wanted.conversion_id
    if wanted.kind:
        yield Conversion.kind == wanted.kind
    if wanted.action:
        yield ConversionChange.action == wanted.action
    states = FAILED if wanted.state == "failed" else (wanted.state,) if wanted.state else ()
    if states:
        yield Delivery.state.in_(states)
        if not set(states) & {"pending", "sending", "accepted", "confirmed"}:
            yield _IN_TROUBLE
        elif states[0] in _MOVING:
            yield Delivery.due_at.is_not(None)
    if wanted.code:
        yield Delivery.state == "withheld"
        yield _IN_TROUBLE
        yield _CODE.is_not_distinct_from(wanted.code)
    # An id carries the moment it was planned, so the primary key finds a span of days.
    if wanted.since:
        yield Delivery.id >= first_id_of(wanted.since)
    if wanted.until:
        yield Delivery.id < first_id_of(wanted.until)
    if wanted.text:
        yield Delivery.explanation.icontains(wanted.text, autoescape=True)
