"""Carrying out orders in a worker: bought once whatever fails in between, then taken into service.

Each step begins with a commit: the claim counts the try before the carrier is asked. From the second try on
the account's own list is looked at first, and once more when the carrier says that a number is taken: a
number exists only once, so one that is in the account was bought, by this order or by its lost first try.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.carrier import carrier_for, carrier_of
from calltrack.infra import outbox
from calltrack.infra.log import log
from calltrack.kernel.errors import CalltrackError, NotFound
from calltrack.numbers.application import keep_application
from calltrack.numbers.order_model import NumberOrder
from calltrack.numbers.ordering import give_up_claim
from calltrack.numbers.placing import place
from calltrack.numbers.use import Use
from calltrack.numbers.wanted import wanted_of
from calltrack.telephony.carrier import Carrier, OwnedNumber, Refused, Retry
from calltrack.telephony.carrier import NumberOrder as Purchase
from calltrack.wiring import Services

LEASE: Final = timedelta(seconds=60)
# Waiting after the n-th try without an answer; the last repeats.
STEPS: Final = (5, 15, 30, 60, 120, 300)
# So long it is tried to buy; afterwards it is only made sure that it was not bought.
GIVE_UP: Final = timedelta(hours=1)
# What the carrier says when somebody, perhaps we, has the number.
TAKEN: Final = (21422, 21421, 21452)
BLOCKED_WAIT: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Taken:
    """An order this worker carries out until its lease ends; `tries` counts this one."""

    company_id: UUID
    id: UUID
    e164: str
    number_id: UUID
    hooks: str
    address_sid: str | None
    bundle_sid: str | None
    state: str
    tries: int
    carrier_number_id: str
    ordered_at: datetime


def companies_with_due_orders(system: Session, now: datetime) -> list[UUID]:
    """Name the companies that have orders to carry out (system role)."""
    rows = text("SELECT DISTINCT company_id FROM number_order WHERE due_at <= :now ORDER BY company_id")
    return list(system.scalars(rows, {"now": now}))


def buy_due(services: Services, company_id: UUID) -> int:
    """Carry out the company's due orders, one after the other; returns how many were begun."""
    count = 0
    while (order := _claim(services, company_id)) is not None:
        count += 1
        try:
            _carry_out(services, order)
        except CalltrackError as problem:
            _postpone(services, order, str(problem), order.state)
        services.nudges.show(str(company_id))
    return count


def _carry_out(services: Services, order: Taken) -> None:
    """Go one order's way as far as it goes now."""
    with services.db.tenant(order.company_id) as session:
        carrier = carrier_for(session, services.vault, services.carriers, order.company_id)
    if order.state == "bought":
        _serve(services, order)
        return
    try:
        owned = _buy(services, carrier, order)
    except Retry as problem:
        is_lost = problem.maybe_done or order.state == "lost"
        _postpone(services, order, problem.words, "lost" if is_lost else "intended", problem.after_seconds)
        return
    except Refused as problem:
        _refuse(services, order, problem.words)
        return
    if owned is None:
        _refuse(
            services,
            order,
            "The carrier did not take the order within an hour; the number was not bought. Order it again.",
        )
        return
    _note_bought(services, order, owned)
    _serve(services, order)


def _buy(services: Services, carrier: Carrier, order: Taken) -> OwnedNumber | None:
    """Return the number once it is the account's; None when it is not and is tried no more."""
    if order.tries > 1:
        found = carrier.number_by_e164(order.e164)
        if found is not None:
            return found
        if services.clock() - order.ordered_at > GIVE_UP:
            return None
    try:
        return carrier.buy_number(_purchase(services, carrier, order))
    except Refused as problem:
        if problem.code not in TAKEN or order.tries == 1:
            raise
        found = carrier.number_by_e164(order.e164)
        if found is None:
            raise
        return found


def _purchase(services: Services, carrier: Carrier, order: Taken) -> Purchase:
    name = f"calltrack {order.id.hex}"
    papers: dict[str, Any] = {"address_sid": order.address_sid, "bundle_sid": order.bundle_sid}
    if order.hooks == "application":
        application = keep_application(carrier, order.company_id, services.settings.base_url)
        return Purchase(
            e164=order.e164,
            name=name,
            application_sid=application.sid,
            sms_application_sid=application.sid,
            **papers,
        )
    own = wanted_of(services.settings, order.number_id, order.e164, "own", carrier.account_sid)
    return Purchase(
        e164=order.e164,
        name=name,
        voice_url=own.voice_url,
        voice_fallback_url=own.voice_fallback_url,
        status_callback=own.status_callback,
        sms_url=own.sms_url,
        **papers,
    )


def _claim(services: Services, company_id: UUID) -> Taken | None:
    now = services.clock()
    with services.db.tenant(company_id) as session:
        row = session.execute(
            _CLAIM, {"company_id": company_id, "now": now, "lease_end": now + LEASE}
        ).one_or_none()
    return Taken(**row._mapping) if row else None


def _note_bought(services: Services, order: Taken, owned: OwnedNumber) -> None:
    """Write down that it is ours, before anything else can fail."""
    now = services.clock()
    with services.db.tenant(order.company_id) as session:
        row = _lock(session, order)
        if row.state in ("intended", "lost"):
            row.state, row.carrier_number_id, row.changed_at = "bought", owned.sid, now
            audit.note(session, order.company_id, row.ordered_by, "number.bought", order.e164, now)
            log.info("numbers: order %s of company %s is bought", order.id, order.company_id)


def _serve(services: Services, order: Taken) -> None:
    """Take a bought number into service; calls are answered within 15 seconds."""
    now = services.clock()
    try:
        with services.db.tenant(order.company_id) as session:
            row = _lock(session, order)
            if row.state != "bought":
                return
            account = carrier_of(session, order.company_id)
            if account is None:
                raise NotFound("The carrier account was taken away meanwhile; connect it again.")
            number = place(
                session, order.company_id, order.e164, Use.from_json(row.use), account.id, now,
                number_id=row.number_id,
            )  # fmt: skip
            number.hooks, number.type, number.carrier_number_id = row.hooks, row.type, row.carrier_number_id
            number.rent_minor, number.rent_currency = row.rent_minor, row.rent_currency
            number.health, number.checked_at = "well", now
            row.state, row.said, row.due_at, row.changed_at = "in_service", "", None, now
            outbox.record(session, order.company_id, "numbers.checked", order.id, now)
    except CalltrackError as problem:
        # It is paid for, so it is tried again for ever, and the owner is told.
        words = f"It is bought, and cannot be taken into service: {problem}"
        _settle(services, order, "bought", words, now + BLOCKED_WAIT)
    services.nudges.wake("handle_facts", str(order.company_id))


def _postpone(services: Services, order: Taken, words: str, state: str, after: float | None = None) -> None:
    wait = max(float(STEPS[min(order.tries, len(STEPS)) - 1]), after or 0.0)
    _settle(services, order, state, words, services.clock() + timedelta(seconds=wait))


def _refuse(services: Services, order: Taken, words: str) -> None:
    with services.db.tenant(order.company_id) as session:
        give_up_claim(session, order.company_id, order.e164)
        row = _lock(session, order)
        row.state, row.said, row.due_at, row.changed_at = "refused", words, None, services.clock()
        outbox.record(session, order.company_id, "numbers.checked", order.id, services.clock())
    services.nudges.wake("handle_facts", str(order.company_id))


def _settle(services: Services, order: Taken, state: str, words: str, due_at: datetime) -> None:
    now = services.clock()
    with services.db.tenant(order.company_id) as session:
        row = _lock(session, order)
        if row.state in ("in_service", "refused"):
            return
        row.state, row.said, row.due_at, row.changed_at = state, words, due_at, now
        outbox.record(session, order.company_id, "numbers.checked", order.id, now)
    services.nudges.wake("handle_facts", str(order.company_id))


def _lock(session: Session, order: Taken) -> NumberOrder:
    return session.get_one(NumberOrder, (order.company_id, order.id), with_for_update=True)


_CLAIM = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT id FROM number_order
        WHERE company_id = :company_id AND due_at <= :now AND state IN ('intended', 'lost', 'bought')
        ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE number_order o SET due_at = :lease_end, tries = o.tries + 1 FROM taken
    WHERE o.company_id = :company_id AND o.id = taken.id
    RETURNING o.company_id, o.id, o.e164, o.number_id, o.hooks, o.address_sid, o.bundle_sid, o.state, o.tries,
              o.carrier_number_id, o.ordered_at
    """
).bindparams(bindparam("now"), bindparam("lease_end"))
