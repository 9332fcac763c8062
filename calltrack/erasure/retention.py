"""Forgetting callers by age: what an erasure does to one person's calls, done to all old ones, day by day."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.accounts.rules import settings_of
from calltrack.attribution.erasing import erase_alone, forget_old_phones
from calltrack.calls.erasing import make_nameless
from calltrack.calls.model import Call
from calltrack.calls.recording_keeping import BY_AGE
from calltrack.conversions.erasing import forget_contacts
from calltrack.delivery.erasing import erase_deliveries
from calltrack.infra.log import log
from calltrack.journeys.erasing import forget_numbers_without_calls, forget_touchpoints, told_of_before
from calltrack.kernel.errors import Conflict
from calltrack.messages.erasing import forget_messages
from calltrack.spend.clicks import forget_clicks
from calltrack.stages.marks import mark
from calltrack.visits.erasing import forget_typed
from calltrack.wiring import Services

BATCH: Final = 200


def forget_history(services: Services, company_id: UUID) -> int:
    """Forget the callers of calls that are older than the company keeps them; returns how many calls.

    The calls stay, and so do their events, without a name: their rows still follow from them (I8). Reports of
    the carrier about messages and begun calls go with what they are about. A person who called since then
    keeps the newer calls.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        days = settings_of(session.get_one(Company, company_id).settings).history_days
    if not days:
        return 0
    before, gone = now - timedelta(days=days), 0
    try:
        while forgotten := _forget_some(services, company_id, before, now):
            gone += forgotten
    except Conflict as problem:
        log.warning("old calls of company %s are forgotten tomorrow: %s", company_id, problem)
    with services.db.tenant(company_id) as session:
        messages = forget_messages(session, company_id, before)
        forget_typed(session, company_id, before)
        forget_clicks(session, company_id, before.date())
        # Stages, reasons and figures that rest on what is forgotten go with it.
        mark(session, company_id, told_of_before(session, company_id, before), now)
        touchpoints = forget_touchpoints(session, company_id, before)
        if gone or touchpoints:
            forget_numbers_without_calls(session, company_id)
        if gone or messages:
            audit.note(
                session, company_id, BY_AGE, "callers.forget", f"before {before:%Y-%m-%d}", now,
                calls=gone, messages=messages,
            )  # fmt: skip
    return gone


def _forget_some(services: Services, company_id: UUID, before: datetime, now: datetime) -> int:
    with services.db.tenant(company_id) as session:
        erase_alone(session, company_id)
        calls = _old(session, company_id, before)
        vault, ids = services.vault, [call.id for call in calls]
        numbers = {vault.open(company_id, "call.caller", call.caller) for call in calls if call.caller}
        conversions = forget_contacts(session, company_id, numbers, ids)
        erase_deliveries(session, company_id, conversions, now)
        make_nameless(session, vault, company_id, ids, now, by=BY_AGE)
        forget_old_phones(session, company_id, [vault.look_up(company_id, number) for number in numbers])
        return len(calls)


def _old(session: Session, company_id: UUID, before: datetime) -> Sequence[Call]:
    return session.scalars(
        select(Call)
        .where(
            Call.company_id == company_id,
            Call.started_at < before,
            Call.erased_at.is_(None),
            ~Call.is_demo,
        )
        .order_by(Call.started_at, Call.id)
        .limit(BATCH)
        .with_for_update()
    ).all()
