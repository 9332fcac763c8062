"""Owners hear of a changed forwarding number, and of caps: by notice and by mail, each once."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from calltrack.accounts.forwarding import note_forwarding
from calltrack.accounts.model import AuditEntry
from calltrack.accounts.protection import change_protection
from calltrack.automations.cap_alert import watch_caps
from calltrack.automations.forwarding_alert import tell_of_forwarding
from calltrack.callflows import service as callflows
from calltrack.calls.model import Leg
from calltrack.delivery.notices import NoticeRow, notices, open_notices
from calltrack.infra.mail import MailNotSent
from calltrack.infra.outbox import Fact
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company, make_call, make_company
from tests.delivery.mail_sink import MailSink, mail_sink


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with mail_sink() as found:
        yield found


def mailing(services: Services, server: str) -> Services:
    more = {"smtp_url": SecretStr(server), "mail_from": "calltrack@example.test"}
    settings = services.settings.model_copy(update=more)
    return Services(settings, services.db, services.vault, services.nudges, services.clock)


def changed(services: Services, company: Company, before: str, after: str) -> list[Fact]:
    """Note a change as the page does; return the facts it made."""
    with services.db.tenant(company.id) as session:
        note_forwarding(session, company.id, "eve@example.it", "Roma", before, after, services.clock())
    with services.db.tenant(company.id) as session:
        return list(session.scalars(select(Fact).where(Fact.kind == "forwarding.changed")))


def standing(services: Services, company: Company) -> tuple[NoticeRow, ...]:
    with services.db.tenant(company.id) as session:
        return open_notices(session, company.id)


def test_owners_are_told_of_a_new_forwarding_number(
    services: Services, company: Company, sink: MailSink
) -> None:
    owner = make_user(services, company, "owner")
    make_user(services, company, "manager")
    (fact,) = changed(services, company, company.target, "+390669940009")
    with_mail = mailing(services, sink.url)
    tell_of_forwarding(with_mail, company.id, fact.subject_id)
    (mail,) = sink.mails
    assert mail.to == [owner.email]
    text = mail.message.get_content()
    for word in ("Roma", "+39 06 6994 0009", "eve@example.it", "/settings/locations", "change it back"):
        assert word in text
    (notice,) = standing(services, company)
    assert (notice.kind, notice.level) == ("forwarding.changed", "info")
    tell_of_forwarding(with_mail, company.id, fact.subject_id)
    assert len(standing(services, company)) == 1
    assert sink.mails[0].message["Message-ID"] == sink.mails[1].message["Message-ID"]


def test_owners_are_told_of_the_phones_a_call_flow_adds(
    services: Services, company: Company, sink: MailSink
) -> None:
    make_user(services, company, "owner")
    now = services.clock()
    numbers = [{"number": company.target}, {"number": "+390669940009"}]
    targets = [{"own_line": True}, *numbers, {"sip": "sip:a@pbx.example"}]
    steps = {"phones": {"kind": "ring", "targets": targets}}
    plain = {"start": "phones", "steps": steps}
    with services.db.tenant(company.id) as session:
        flow_id = callflows.create(session, company.id, "Sera", plain, "eve@example.it", now)
        callflows.save(session, company.id, flow_id, plain | {"language": "en-GB"}, "eve@example.it", now)
    with services.db.tenant(company.id) as session:
        (fact,) = session.scalars(select(Fact).where(Fact.kind == "forwarding.changed"))
        subject_id = fact.subject_id
    tell_of_forwarding(mailing(services, sink.url), company.id, subject_id)
    (mail,) = sink.mails
    assert "call flow “Sera” rings new phones" in mail.message["Subject"]
    text = " ".join(mail.message.get_content().split())
    for word in ("“Sera” puts calls through to +39 06 6994 0009, sip:a@pbx.example, where none went before",
                 "eve@example.it", f"/flows/{flow_id.hex}", "bring an earlier version back"):  # fmt: skip
        assert word in text
    assert company.target not in text
    (notice,) = standing(services, company)
    assert "Sera" in notice.text


def test_a_change_of_anything_else_is_noted_and_told_to_nobody(services: Services, company: Company) -> None:
    assert changed(services, company, company.target, company.target) == []
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(AuditEntry.action)).all() == ["location.change"]


def test_a_mail_server_that_is_away_loses_no_word(
    services: Services, company: Company, sink: MailSink
) -> None:
    make_user(services, company, "owner")
    (fact,) = changed(services, company, company.target, "+390669940009")
    with pytest.raises(MailNotSent):
        tell_of_forwarding(mailing(services, "smtp://127.0.0.1:9"), company.id, fact.subject_id)
    assert len(standing(services, company)) == 1
    tell_of_forwarding(mailing(services, sink.url), company.id, fact.subject_id)
    assert len(sink.mails) == 1
    tell_of_forwarding(mailing(services, sink.url), company.id, new_id())
    assert len(sink.mails) == 1


def put_through(services: Services, company: Company, count: int) -> None:
    for _ in range(count):
        call = make_call(services, company, at=services.clock(), talk_seconds=50)
        leg = Leg(
            company_id=company.id, call_id=call.id, leg_sid="CA" + new_id().hex, to_number=company.target,
            status="completed", seconds=50,
        )  # fmt: skip
        with services.db.tenant(company.id) as session:
            session.add(leg)


@pytest.mark.usefixtures("empty_database")
def test_caps_are_told_once_when_near_and_when_reached_and_end_by_themselves(services: Services) -> None:
    company, other = make_company(services), make_company(services)
    cap(services, company, 5)
    put_through(services, company, 3)
    put_through(services, other, 6)
    assert watch_caps(services) == 0
    put_through(services, company, 1)
    assert watch_caps(services) == 1
    assert kinds(services, company) == {"caps.near"}
    put_through(services, company, 1)
    for _ in range(2):
        assert watch_caps(services) == 1
    (reached,) = standing(services, company)
    assert (reached.kind, reached.level) == ("caps.reached", "action")
    assert "5 calls" in reached.text
    assert "Settings, Protection" in reached.text
    cap(services, company, 50)
    assert watch_caps(services) == 0
    assert standing(services, company) == standing(services, other) == ()
    with services.db.tenant(company.id) as session:
        assert len(notices(session, company.id)) == 2


def cap(services: Services, company: Company, calls: int) -> None:
    with services.db.tenant(company.id) as session:
        change_protection(session, company.id, {"calls_per_number": calls})


def kinds(services: Services, company: Company) -> set[str]:
    return {one.kind for one in standing(services, company)}
