"""Seeds the demo company's past and takes it away again; every row of it is marked as demo data.

The verdicts are those of the product's own rules. Deliveries of the past went nowhere: their receipts say so.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, union, union_all
from sqlalchemy.orm import Session

from calltrack.accounts.model import Location, Site
from calltrack.attribution.erasing import forget_old_phones
from calltrack.attribution.link_model import PhoneLink
from calltrack.audiences.service import look_again
from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion
from calltrack.delivery.model import Delivery, DestinationAccount
from calltrack.journeys.model import Person
from calltrack.numbers.model import Lease, TrackingNumber
from calltrack.reports.credit.marking import count_all_anew, plan_look
from calltrack.reports.keeping import mark_all
from calltrack.sandbox.demo_company import find_demo_company
from calltrack.sandbox.history_lessons import learn_past, remove_lessons
from calltrack.sandbox.history_rows import SEED, Seeder, Writer, write_past
from calltrack.sandbox.history_spend import remove_spend, tell_past, write_spend
from calltrack.sandbox.history_world import imagine
from calltrack.visits.model import PageView, Visit, VisitorPhone
from calltrack.wiring import Services


def seed_history(services: Services, months: int) -> int:
    """Seed the demo company's past, unless it has one; returns the number of calls made."""
    company_id, now = find_demo_company(services), services.clock()
    if company_id is None:
        return 0
    with services.db.tenant(company_id) as session:
        if session.scalar(select(Call.id).where(Call.company_id == company_id, Call.is_demo).limit(1)):
            return 0
        seeder = _prepare(services, session, company_id)
        size = min(len(numbers) for numbers in seeder.pools.values())
        began = now - timedelta(days=30 * months)
        past = imagine(SEED, began, now - timedelta(hours=2), size)
        write_past(seeder, past)
        seeder.write.flush()
        write_spend(session, services.vault, company_id, past.visits, now)
        look_again(session, company_id, now)
        plan_look(session, company_id, now)
        count_all_anew(session, company_id, now)
    learn_past(services, company_id, began)
    tell_past(services, company_id)
    return len(past.calls)


def remove_history(services: Services) -> int:
    """Delete every row of the seeded past; returns how many rows went."""
    company_id, removed = find_demo_company(services), 0
    if company_id is None:
        return 0
    with services.db.tenant(company_id) as session:
        visits = select(Visit.id).where(Visit.company_id == company_id, Visit.is_demo)
        for table in (PageView, Lease):
            gone = delete(table).where(table.company_id == company_id, table.visit_id.in_(visits))
            removed += _count(session, gone)
        calls = (Call.company_id == company_id, Call.is_demo)
        typed = (VisitorPhone.company_id == company_id, VisitorPhone.visit_id.in_(visits))
        told_by = union_all(select(Call.id).where(*calls), select(VisitorPhone.id).where(*typed))
        links = delete(PhoneLink).where(PhoneLink.company_id == company_id, PhoneLink.told_by.in_(told_by))
        removed += _count(session, links)
        phones = session.scalars(
            union(select(Call.caller_hash).where(*calls), select(VisitorPhone.phone_hash).where(*typed))
        )
        hashes = [one for one in phones if one is not None]
        removed += _count(session, delete(VisitorPhone).where(*typed))
        # Attributions, changes and attempts go with their call, conversion and delivery.
        for marked in (Delivery, Conversion, Call, Person, Visit):
            removed += _count(session, delete(marked).where(marked.company_id == company_id, marked.is_demo))
        forget_old_phones(session, company_id, hashes)
        count_all_anew(session, company_id, services.clock())
        removed += remove_spend(session, company_id)
        removed += remove_lessons(session, company_id)
        mark_all(session, company_id, services.clock())
    return removed


def _count(session: Session, statement: Any) -> int:
    return int(getattr(session.execute(statement), "rowcount", 0))


def _prepare(services: Services, session: Session, company_id: UUID) -> Seeder:
    numbers = session.scalars(
        select(TrackingNumber).where(TrackingNumber.company_id == company_id).order_by(TrackingNumber.e164)
    ).all()
    locations = {
        row.name: row.id for row in session.scalars(select(Location).where(Location.company_id == company_id))
    }
    destinations = select(DestinationAccount).where(DestinationAccount.company_id == company_id)
    return Seeder(
        services=services,
        company_id=company_id,
        site_id=session.scalars(select(Site.id).where(Site.company_id == company_id)).first() or company_id,
        locations=locations,
        pools={
            town: [row.id for row in numbers if row.kind == "pool" and row.location_id == id_]
            for town, id_ in locations.items()
        },
        statics=[row for row in numbers if row.kind == "static"],
        destinations={
            row.id: row.kind for row in session.scalars(destinations.order_by(DestinationAccount.id))
        },
        write=Writer(session),
    )
