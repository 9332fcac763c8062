"""What workers do for the rules that join persons: the past is joined, or taken apart, in portions."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from calltrack.infra.turns import take_turn
from calltrack.journeys.joining import part
from calltrack.journeys.joins_model import PersonJoin
from calltrack.journeys.person_rules import Sign, read_person_rules
from calltrack.journeys.rule_joining import Held, find_signs, follow
from calltrack.journeys.rule_model import PersonRulesRow
from calltrack.wiring import Services

# Persons joined, or taken apart, in one transaction.
PORTION: Final = 200
# A worker that dies is followed by another one after this.
LEASE: Final = timedelta(minutes=2)


@dataclass(frozen=True)
class _Task:
    id: UUID
    number: int
    doing: str
    by: str


def companies_to_join(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with rules that a worker is asked to apply, or to take back (system role)."""
    return list(
        system.scalars(select(PersonRulesRow.company_id).where(PersonRulesRow.due_at <= now).distinct())
    )


def join_by_rules(services: Services, company_id: UUID, stop: threading.Event) -> bool:
    """Do the next portions of what is asked; True: there is more. Twice is harmless.

    Each portion is one transaction: what a killed worker did stays, and the next one goes on.
    """
    task = _claim(services, company_id)
    if task is None:
        return False
    done = _part_all(services, company_id, task, stop) if task.doing == "part" else (
        _join_all(services, company_id, task, stop)
    )  # fmt: skip
    if done:
        with services.db.tenant(company_id) as session:
            this = (PersonRulesRow.company_id == company_id, PersonRulesRow.id == task.id)
            session.execute(
                update(PersonRulesRow).where(*this, PersonRulesRow.doing == task.doing)
                .values(doing="", due_at=None)
            )  # fmt: skip
    for job in ("handle_facts", "keep_journeys"):
        services.nudges.wake(job, str(company_id))
    return not stop.is_set()


def _claim(services: Services, company_id: UUID) -> _Task | None:
    now = services.clock()
    with services.db.tenant(company_id) as session:
        row = session.scalars(
            select(PersonRulesRow)
            .where(PersonRulesRow.company_id == company_id, PersonRulesRow.due_at <= now)
            .order_by(PersonRulesRow.number)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).one_or_none()
        if row is None:
            return None
        row.due_at = now + LEASE
        return _Task(row.id, row.number, row.doing, row.asked_by)


def _join_all(services: Services, company_id: UUID, task: _Task, stop: threading.Event) -> bool:
    """Join whom the version joins, until no pair changes anything; False: it is not done."""
    while True:
        with services.db.tenant(company_id) as session:
            row = session.get_one(PersonRulesRow, (company_id, task.id))
            held = Held(row.number, read_person_rules(row.rules))
            # A page's limit is none for the whole past; the lease is.
            session.execute(text("SET LOCAL statement_timeout = '100s'"))
            signs = find_signs(session, company_id, held.rules)
        is_changed = False
        for start in range(0, len(signs), PORTION):
            if stop.is_set() or not _holds(services, company_id, task):
                return False
            is_changed |= _join_portion(services, company_id, held, signs[start : start + PORTION])
        if not is_changed:
            return True
        # Whoever was joined may share signs under the new id.


def _join_portion(services: Services, company_id: UUID, held: Held, signs: Sequence[Sign]) -> bool:
    with services.db.tenant(company_id) as session:
        take_turn(session, "persons", company_id)
        now = services.clock()
        # Each of them, whatever the others did.
        return sum(follow(session, company_id, sign, held, now) is not None for sign in signs) > 0


def _part_all(services: Services, company_id: UUID, task: _Task, stop: threading.Event) -> bool:
    while not stop.is_set() and _holds(services, company_id, task):
        with services.db.tenant(company_id) as session:
            joins = session.scalars(
                select(PersonJoin.id)
                .where(
                    PersonJoin.company_id == company_id,
                    PersonJoin.rules_number == task.number,
                    PersonJoin.undone_at.is_(None),
                )
                .order_by(PersonJoin.id.desc())
                .limit(PORTION)
            ).all()
            for join_id in joins:
                part(session, company_id, join_id, services.clock(), by=task.by)
        if not joins:
            return True
    return False


def _holds(services: Services, company_id: UUID, task: _Task) -> bool:
    """Take the lease for another portion; False: the task is another one now."""
    with services.db.tenant(company_id) as session:
        this = (PersonRulesRow.company_id == company_id, PersonRulesRow.id == task.id)
        kept = session.execute(
            update(PersonRulesRow)
            .where(*this, PersonRulesRow.doing == task.doing)
            .values(due_at=services.clock() + LEASE)
            .returning(PersonRulesRow.id)
        )
        return kept.first() is not None
