"""What a company must know of its numbers: unfit ones, orders that stand still, numbers nobody answers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.delivery.notices import Problem, raise_and_resolve
from calltrack.kernel.phone import pretty
from calltrack.numbers.model import TrackingNumber
from calltrack.numbers.order_model import NumberCheck, NumberOrder, NumberOrphan
from calltrack.numbers.orphans import Orphan
from calltrack.numbers.printed import printed_numbers
from calltrack.numbers.wanted import WAITING
from calltrack.wiring import Services

KINDS: Final = (
    "number.unfit", "number.flawed", "number.account", "number.order", "number.orphan", "number.printed"
)  # fmt: skip
# An order usually takes seconds.
SLOW: Final = timedelta(minutes=10)
# Of many numbers with the same trouble (a suspended account) one notice says how many.
MANY: Final = 5


def review_numbers(services: Services, company_id: UUID, _subject: UUID) -> None:
    """Raise what is the matter with the company's numbers, and end what is over."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        problems = list(problems_of(session, company_id, now))
        changed = raise_and_resolve(session, company_id, problems, now, KINDS)
    if changed:
        services.nudges.wake("handle_facts", str(company_id))


def problems_of(session: Session, company_id: UUID, now: datetime) -> Iterator[Problem]:
    """Yield what is the matter at this moment, from what is stored."""
    yield from _of_numbers(session, company_id)
    yield from _of_orders(session, company_id, now)
    for row in session.scalars(select(NumberOrphan).where(NumberOrphan.company_id == company_id)):
        orphan = Orphan(row.e164, row.carrier_number_id, row.name, row.reason)  # type: ignore[arg-type]  # stored
        yield Problem("number.orphan", row.id.hex, "info", f"{pretty(row.e164)}: {orphan.words}")
    for one in printed_numbers(session, company_id, now):
        yield Problem("number.printed", one.number_id.hex, "action" if one.pages else "info", one.words)
    check = session.get(NumberCheck, company_id)
    if check is not None and check.is_refused:
        words = (
            "The carrier refuses us the list of your numbers, so nobody knows whether they ring. "
            f"{check.problem}"
        )
        yield Problem("number.account", check.id.hex, "action", words)


def _of_numbers(session: Session, company_id: UUID) -> Iterator[Problem]:
    rows = session.scalars(
        select(TrackingNumber)
        .where(
            TrackingNumber.company_id == company_id,
            TrackingNumber.released_at.is_(None),
            TrackingNumber.health.in_(("unfit", "flawed")),
        )
        .order_by(TrackingNumber.e164)
    ).all()
    ill = [row for row in rows if row.findings[0]["code"] != WAITING]
    unfit = [row for row in ill if row.health == "unfit"]
    for health, kind in (("unfit", "number.unfit"), ("flawed", "number.flawed")):
        mine = [row for row in ill if row.health == health]
        level = "action" if health == "unfit" else "info"
        if len(mine) > MANY:
            # The subject is the first of them: it stays the same while that one is ill.
            text = (
                f"{len(mine)} numbers, {pretty(mine[0].e164)} among them, are not as they should be at the "
                f"carrier. {mine[0].findings[0]['words']} The list of numbers says what is wrong with each."
            )
            yield Problem(kind, mine[0].id.hex, level, text)  # type: ignore[arg-type]  # one of two words
            continue
        for row in mine:
            shown = " Visitors are not shown it until it is right." if row in unfit else ""
            words = f"{pretty(row.e164)}: {row.findings[0]['words']}{shown}"
            yield Problem(kind, row.id.hex, level, words)  # type: ignore[arg-type]  # one of two words
    for row in session.scalars(
        select(TrackingNumber).where(
            TrackingNumber.company_id == company_id,
            TrackingNumber.released_at.is_(None),
            TrackingNumber.leave_said != "",
        )
    ):
        words = f"{pretty(row.e164)} could not be given back yet: {row.leave_said} It is tried again."
        yield Problem("number.account", row.id.hex, "info", words)


def _of_orders(session: Session, company_id: UUID, now: datetime) -> Iterator[Problem]:
    orders = session.scalars(
        select(NumberOrder).where(
            NumberOrder.company_id == company_id, NumberOrder.state.in_(("intended", "lost", "bought"))
        )
    )
    for order in orders:
        if order.state == "bought" and order.said:
            yield Problem("number.order", order.id.hex, "action", f"{pretty(order.e164)}: {order.said}")
        elif now - order.ordered_at > SLOW:
            words = (
                f"The order of {pretty(order.e164)} is not settled yet. {order.said} Nothing to do: it is "
                "tried again, and the number is not bought twice."
            )
            yield Problem("number.order", order.id.hex, "info", words)
