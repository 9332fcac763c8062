"""Outcomes without a call wait for a stated time and then go; nothing else goes with them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from calltrack.accounts.model import AuditEntry
from calltrack.accounts.model import Company as CompanyRow
from calltrack.conversions import inbox, intake
from calltrack.conversions.inbox_retention import forget_outcomes
from calltrack.conversions.intake import Sender
from calltrack.conversions.model import Conversion
from calltrack.conversions.sources_model import InboxKey, InboxRow, Subject
from calltrack.conversions.told import Clues, Told
from calltrack.wiring import Services
from tests.builders import Company, make_call, make_company
from workers.housekeeping import keep_house

NOW = datetime.now(UTC)
SENDER = Sender("CRM", "crm")


def tell(services: Services, company: Company, order: str, days_ago: float) -> UUID:
    """Tell a purchase that leads to no call, so many days ago; returns its place in the inbox."""
    at = NOW - timedelta(days=days_ago)
    told = Told(
        outcome="purchase", value_minor=500, currency="EUR", order_id=order, clues=Clues(phone="+3934")
    )
    with services.db.tenant(company.id) as session:
        (taken,) = intake.take(session, services.vault, company.id, [(told, at)], SENDER, at)
        subject = inbox.subject_of(services.vault, company.id, told)
        inbox.note_told(session, company.id, {subject: told.fingerprint}, at)
    assert taken.inbox_id is not None
    return taken.inbox_id


def waiting(services: Services, company: Company) -> set[UUID]:
    with services.db.tenant(company.id) as session:
        return set(session.scalars(select(InboxRow.id)))


def forget(services: Services, company: Company) -> int:
    with services.db.tenant(company.id) as session:
        return forget_outcomes(session, company.id, NOW)


def test_an_outcome_without_a_call_is_forgotten_after_the_companys_days(
    services: Services, company: Company
) -> None:
    tell(services, company, "A-1", 91)
    young = tell(services, company, "A-2", 89)
    assert (forget(services, company), forget(services, company)) == (1, 0)
    assert waiting(services, company) == {young}
    with services.db.tenant(company.id) as session:
        assert set(session.scalars(select(InboxKey.inbox_id))) == {young}
        session.get_one(CompanyRow, company.id).settings = {"inbox_days": 30}
    assert forget(services, company) == 1
    with services.db.tenant(company.id) as session:
        notes = session.scalars(select(AuditEntry).where(AuditEntry.action == "outcome.forget")).all()
        assert [(one.actor, one.detail["count"]) for one in notes] == [("housekeeping", 1)] * 2


def test_what_was_forgotten_is_taken_as_new_when_it_is_told_again(
    services: Services, company: Company
) -> None:
    tell(services, company, "A-1", 91)
    forget(services, company)
    with services.db.tenant(company.id) as session:
        assert session.scalar(select(func.count()).select_from(Subject)) == 0
    again = tell(services, company, "A-1", 0)
    assert waiting(services, company) == {again}


def test_what_was_settled_leaves_the_inbox_later_and_its_conversion_stays(
    services: Services, company: Company
) -> None:
    call = make_call(services, company, at=NOW - timedelta(days=99))
    old, new = tell(services, company, "A-1", 95), tell(services, company, "A-2", 95)
    aside = tell(services, company, "A-3", 95)
    with services.db.tenant(company.id) as session:
        for id_, days in ((old, 92), (new, 80)):
            at = NOW - timedelta(days=days)
            intake.match_by_hand(session, services.vault, company.id, id_, call.id, "anna", at)
        inbox.dismiss(session, company.id, aside, "By e-mail.", "anna", NOW - timedelta(days=91))
    assert forget(services, company) == 2
    assert waiting(services, company) == {new}
    with services.db.tenant(company.id) as session:
        assert set(session.scalars(select(Conversion.external_id))) == {"A-1", "A-2"}
        # Nothing was lost, so nothing is written down; what was set aside is still known of its file.
        assert not session.scalars(select(AuditEntry).where(AuditEntry.action == "outcome.forget")).all()
        assert session.scalar(select(func.count()).select_from(Subject)) == 3


def test_the_daily_clean_up_forgets_at_every_company_by_its_own_days(services: Services) -> None:
    patient, hasty = make_company(services), make_company(services)
    with services.db.tenant(hasty.id) as session:
        session.get_one(CompanyRow, hasty.id).settings = {"inbox_days": 7}
    kept = {tell(services, patient, "A-1", 10)}
    tell(services, hasty, "A-1", 10)
    keep_house(services)
    assert (waiting(services, patient), waiting(services, hasty)) == (kept, set())
