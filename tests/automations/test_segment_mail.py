"""Who enters a watched segment is mailed of once, comes back after leaving, and is never lost."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from calltrack.automations.segment_mail import tell_entered
from calltrack.delivery.mailing import mail_notice
from calltrack.infra.mail import MailNotSent
from calltrack.infra.outbox import Fact
from calltrack.stages.alerts import watch
from calltrack.stages.entering import watch_entering
from calltrack.stages.model import SegmentMember
from calltrack.stages.segments import Given, change_segment, make_segment
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.automations.test_alerts import mailing
from tests.builders import NOON, Company, fresh_e164
from tests.delivery.mail_sink import MailSink, mail_sink
from tests.stages.people import Town
from workers.subscriptions import SUBSCRIPTIONS

WAITS = {"fact": "waits"}
CROWD = (
    "SET LOCAL statement_timeout = 0",
    """
    WITH crowd AS (
        INSERT INTO person (company_id, id, created_at)
        SELECT :company, gen_random_uuid(), :at FROM generate_series(1, 65536) RETURNING company_id, id)
    INSERT INTO segment_member (company_id, segment_id, person_id, entered_at)
    SELECT company_id, :segment, id, :at FROM crowd
    """,
)


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with mail_sink() as found:
        yield found


class Watched:
    """A company with a segment of people nobody rang back, and one who is in it already."""

    def __init__(self, services: Services, company: Company) -> None:
        self.town = Town(services, company)
        self.owner = make_user(services, company, "owner")
        self.missed(fresh_e164())
        with services.db.tenant(company.id) as session:
            given = Given("Ring back", "red", WAITS, tell_to="owners")
            self.segment = make_segment(session, company.id, given, NOON, by="Ada")
        watch_entering(services)

    def missed(self, phone: str) -> UUID:
        id_ = self.town.person(phone)
        self.town.call(phone, NOON, talk=0)
        self.town.make(id_)
        return id_

    def facts(self) -> list[Fact]:
        with self.town.services.db.tenant(self.town.company.id) as session:
            return list(session.scalars(select(Fact).where(Fact.kind == "segment.entered")))

    def untold(self) -> list[UUID]:
        with self.town.services.db.tenant(self.town.company.id) as session:
            wanted = select(SegmentMember.person_id).where(SegmentMember.told_at.is_(None))
            return list(session.scalars(wanted))


@pytest.fixture
def watched(services: Services, company: Company) -> Watched:
    return Watched(services, company)


def test_whoever_enters_is_mailed_of_once_until_they_come_back(
    watched: Watched, services: Services, company: Company, sink: MailSink
) -> None:
    assert watched.facts() == []  # who was in it at the first look did not enter
    phone = fresh_e164()
    anna = watched.missed(phone)
    with_mail = mailing(services, sink.url)
    for _ in range(2):
        watch_entering(services)
    (fact,) = watched.facts()
    assert fact.subject_id == watched.segment
    for _ in range(2):
        tell_entered(with_mail, company.id, watched.segment)
    (mail,) = sink.mails
    assert mail.to == [watched.owner.email]
    text = mail.message.get_content()
    assert "1 person entered the segment “Ring back”" in text
    assert f"/journeys/persons/{anna.hex}" in text
    assert phone not in text
    watched.town.call(phone, NOON + timedelta(hours=1))
    watched.town.make(anna)
    watch_entering(services)
    watched.town.call(phone, NOON + timedelta(hours=2), talk=0)
    watched.town.make(anna)
    watch_entering(services)
    tell_entered(with_mail, company.id, watched.segment)
    assert len(sink.mails) == 2
    assert tell_entered in SUBSCRIPTIONS["segment.entered"]


def test_more_than_a_statement_takes_parameters_are_told_of_by_one_mail(
    watched: Watched, services: Services, company: Company, sink: MailSink
) -> None:
    values = {"company": company.id, "segment": watched.segment, "at": NOON}
    with services.db.tenant(company.id) as session:
        for statement in CROWD:
            session.execute(text(statement), values if ":company" in statement else {})
    with_mail = mailing(services, sink.url)
    for _ in range(2):
        tell_entered(with_mail, company.id, watched.segment)
    (mail,) = sink.mails
    assert "65536 persons entered" in mail.message.get_content()
    assert watched.untold() == []


def test_a_mail_server_that_is_away_loses_nobody(
    watched: Watched, services: Services, company: Company, sink: MailSink
) -> None:
    anna = watched.missed(fresh_e164())
    watch_entering(services)
    with pytest.raises(MailNotSent):
        tell_entered(mailing(services, "smtp://127.0.0.1:9"), company.id, watched.segment)
    assert watched.untold() == [anna]
    tell_entered(mailing(services, sink.url), company.id, watched.segment)
    assert (len(sink.mails), watched.untold()) == (1, [])


def test_another_condition_begins_anew(watched: Watched, services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session:
        given = Given("Callers", "red", {"fact": "calls", "at_least": 1}, tell_to="managers")
        change_segment(session, company.id, watched.segment, given, NOON, by="Ada")
    watch_entering(services)
    assert (watched.facts(), watched.untold()) == ([], [])


def test_a_segment_that_fills_is_mailed(
    watched: Watched, services: Services, company: Company, sink: MailSink
) -> None:
    with services.db.tenant(company.id) as session:
        change_segment(session, company.id, watched.segment, Given("Ring", "red", WAITS, 1), NOON, by="Ada")
    assert watch(services, company.id)
    with services.db.tenant(company.id) as session:
        fact = session.scalars(select(Fact).where(Fact.kind == "notice.raised")).one()
    for _ in range(2):
        mail_notice(mailing(services, sink.url), company.id, fact.subject_id)
    assert ["1 person is in the segment" in one.message["Subject"] for one in sink.mails] == [True]
