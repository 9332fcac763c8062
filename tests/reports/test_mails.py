"""Reports by e-mail: when they are due, one message per due time, and how they end."""

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from pypdf import PdfReader
from sqlalchemy import select, update

from calltrack.accounts.model import AuditEntry
from calltrack.accounts.model import Company as CompanyRow
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.reports.mail_model import ReportMail
from calltrack.reports.mail_rules import next_due, wait_before
from calltrack.reports.mailing import LEASE, MOST_TRIES, companies_to_mail, mail_next
from calltrack.reports.mails import MailRow, WantedMail, add_mail, mails, read_end, stop_mail
from calltrack.reports.marking import mark_days
from calltrack.stages.segments import Given, delete_segment, make_segment
from calltrack.wiring import Services
from tests.builders import Company, make_visit
from tests.delivery.mail_sink import MailSink, mail_sink
from tests.reports.world import NOW, ROMA, brought, count, spend

MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)  # 7 o'clock in Rome
WEEKLY = WantedMail("Anna@Example.test", "campaign", "week", "7", {"source": "google", "colour": "red"})


@dataclass
class Post:
    """A company with a report to send, and a clock to be moved."""

    services: Services
    company: Company
    sink: MailSink
    now: datetime = NOW

    def at(self, now: datetime) -> Services:
        server = {"smtp_url": SecretStr(self.sink.url), "mail_from": "calltrack@example.test"}
        changed = self.services.settings.model_copy(update=server)
        return replace(self.services, settings=changed, clock=lambda: now)

    def add(self, wanted: WantedMail = WEEKLY) -> UUID:
        with self.services.db.tenant(self.company.id) as session:
            return add_mail(
                session, self.services.vault, self.company.id, wanted, NOW, by="owner@example.test"
            )

    def rows(self) -> tuple[MailRow, ...]:
        with self.services.db.tenant(self.company.id) as session:
            return mails(session, self.services.vault, self.company.id)

    @property
    def got(self) -> list[EmailMessage]:
        return [mail.message for mail in self.sink.mails]

    def change(self, **values: Any) -> None:
        with self.services.db.tenant(self.company.id) as session:
            session.execute(update(ReportMail).values(**values))


@pytest.fixture
def post(services: Services, company: Company) -> Iterator[Post]:
    with mail_sink() as sink:
        yield Post(services, company, sink)


def test_a_due_report_is_sent_once_as_a_pdf_that_says_what_it_shows(post: Post) -> None:
    for back in (1, 2, 9):
        brought(
            post.services, post.company, MONDAY - timedelta(days=back), ROMA, "lead", "purchase", value=85_000
        )
    brought(post.services, post.company, MONDAY - timedelta(days=3), ("=x", "π", "Ελλάδα 🚚"), "lead")
    spend(post.services, post.company, "\x1f".join(ROMA), {(MONDAY - timedelta(days=2)).date(): 12_345})
    count(post.services, post.company, MONDAY)
    post.add(replace(WEEKLY, filters={}))
    assert not mail_next(post.at(MONDAY - timedelta(seconds=1)), post.company.id)
    with ThreadPoolExecutor(4) as workers:
        done = list(workers.map(lambda _: mail_next(post.at(MONDAY), post.company.id), range(4)))
    assert sum(done) == 1
    (mail,) = post.got
    assert mail["To"] == "anna@example.test"
    assert mail["Message-ID"].endswith("-202611230600@example.test>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    body, file = mail.iter_parts()
    assert "Calls: 3 (before: 1)" in body.get_content()
    assert "since=2026-11-16&until=2026-11-22" in body.get_content()
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(file.get_content())).pages)
    for part in ("2026-11-16 to 2026-11-22", "Google Ads · traslochi-roma", "€ 1,700", "€ 61.73*", "Ελλάδα □",
                 "before € 850", "Calls by day"):  # fmt: skip
        assert part in text, text
    (row,) = post.rows()
    assert (row.sent_at, row.due_at, row.said) == (MONDAY, MONDAY + timedelta(days=7), "")
    assert not mail_next(post.at(MONDAY + timedelta(days=6)), post.company.id)
    # What was missed is not sent in a row: the newest due time counts.
    assert mail_next(post.at(MONDAY + timedelta(days=22)), post.company.id)
    assert post.got[-1]["Message-ID"].endswith("-202612140600@example.test>")
    assert len(post.got) == 2


def test_a_killed_worker_and_an_unwell_server_lose_nothing(post: Post) -> None:
    post.add()
    post.change(tries=1, wakes_at=MONDAY + LEASE)  # claimed, and then the worker died
    assert not mail_next(post.at(MONDAY + timedelta(minutes=1)), post.company.id)
    with post.services.db.system() as system:
        assert post.company.id in companies_to_mail(system, MONDAY + LEASE)
    nobody = replace(post.at(MONDAY + LEASE))
    refusing = nobody.settings.model_copy(update={"smtp_url": SecretStr("smtp://127.0.0.1:1")})
    assert mail_next(replace(nobody, settings=refusing), post.company.id)
    (row,) = post.rows()
    assert row.said.startswith("Not sent yet")
    assert row.due_at == MONDAY
    assert mail_next(post.at(MONDAY + LEASE + timedelta(minutes=5)), post.company.id)
    assert [one["Message-ID"][-26:] for one in post.got] == ["202611230600@example.test>"]
    post.change(tries=5, wakes_at=MONDAY + timedelta(days=7))
    assert mail_next(replace(post.at(MONDAY + timedelta(days=7)), settings=refusing), post.company.id)
    (row,) = post.rows()
    assert row.said.startswith("Given up after 6 tries")
    assert row.due_at == MONDAY + timedelta(days=14)
    unset = refusing.model_copy(update={"smtp_url": SecretStr("")})
    assert mail_next(replace(nobody, clock=lambda: row.due_at, settings=unset), post.company.id)
    assert post.rows()[0].said == "Not sent: no mail server is set (SMTP_URL)."


def test_days_that_are_being_counted_are_waited_for(post: Post) -> None:
    post.add()
    with post.services.db.tenant(post.company.id) as session:
        mark_days(session, post.company.id, [(MONDAY - timedelta(days=1)).date()], MONDAY)
    assert mail_next(post.at(MONDAY), post.company.id)
    assert post.got == []
    assert mail_next(post.at(MONDAY + timedelta(hours=2)), post.company.id)
    assert len(post.got) == 1


def test_the_last_visits_before_midnight_are_waited_for(post: Post) -> None:
    midnight = MONDAY - timedelta(hours=7)
    count(post.services, post.company, midnight - timedelta(minutes=2))
    make_visit(post.services, post.company, at=midnight - timedelta(minutes=1))
    post.add(replace(WEEKLY, hour="0", filters={}))
    assert mail_next(post.at(midnight), post.company.id)
    assert post.got == []
    count(post.services, post.company, midnight + timedelta(minutes=2))
    assert mail_next(post.at(midnight + timedelta(minutes=3)), post.company.id)
    (mail,) = post.got
    file = list(mail.iter_parts())[1]
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(file.get_content())).pages)
    assert re.search(r"All campaigns\s+1\b", text), text


def test_a_report_that_cannot_be_made_holds_up_no_other_one_and_is_given_up(post: Post) -> None:
    broken = post.add()
    post.change(dimension="colour")
    post.add(replace(WEEKLY, email="ben@example.test"))
    now, failed = MONDAY, 0
    while any(row.due_at == MONDAY for row in post.rows()):
        try:
            assert mail_next(post.at(now), post.company.id)
        except BadInput:
            failed, now = failed + 1, now + LEASE
    assert failed == MOST_TRIES
    (row,) = (row for row in post.rows() if row.id == broken)
    assert row.said == "Given up after 6 tries: it could not be made."
    assert row.due_at == MONDAY + timedelta(days=7)
    assert [mail["To"] for mail in post.got] == ["ben@example.test"]


def test_a_report_of_a_deleted_segment_says_so_at_once(post: Post) -> None:
    given, by = Given("Callers", "blue", {"fact": "calls", "at_least": 1}), "owner@example.test"
    with post.services.db.tenant(post.company.id) as session:
        segment = make_segment(session, post.company.id, given, NOW, by=by)
    post.add(replace(WEEKLY, filters={"segment": segment.hex}))
    with post.services.db.tenant(post.company.id) as session:
        delete_segment(session, post.company.id, segment, NOW, by=by)
    assert mail_next(post.at(MONDAY), post.company.id)
    (row,) = post.rows()
    assert (row.said.startswith("Not sent: its segment was deleted."), post.got) == (True, [])
    assert row.due_at == MONDAY + timedelta(days=7)


def test_a_company_with_a_long_name_has_a_title_and_a_foot_that_fit(post: Post) -> None:
    with post.services.db.tenant(post.company.id) as session:
        session.execute(update(CompanyRow).values(name="Wäscherei " * 12))
    post.add()
    assert mail_next(post.at(MONDAY), post.company.id)
    text = PdfReader(io.BytesIO(list(post.got[0].iter_parts())[1].get_content())).pages[0].extract_text()
    assert "…: campaigns" in text
    assert sum("Wäscherei" in line and "…" in line for line in text.splitlines()) >= 2


def test_a_report_ends_by_its_reader_and_its_address_is_forgotten(post: Post) -> None:
    mail_id = post.add()
    key, vault = post.services.settings.secret_key.get_secret_value(), post.services.vault
    assert mail_next(post.at(MONDAY), post.company.id)
    link = post.got[0]["List-Unsubscribe"].strip("<>")
    assert read_end(key, link.rpartition("/")[2]) == (post.company.id, mail_id)
    with pytest.raises(NotFound):
        read_end(key, link.rpartition("/")[2] + "x")
    for _ in range(2):
        with post.services.db.tenant(post.company.id) as session:
            stop_mail(session, vault, post.company.id, mail_id, MONDAY, by="the person who got it")
    (row,) = post.rows()
    assert (row.email, row.stopped_by) == ("", "the person who got it")
    assert not mail_next(post.at(MONDAY + timedelta(days=30)), post.company.id)
    with post.services.db.tenant(post.company.id) as session:
        told = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == mail_id.hex)).all()
    assert sorted(told) == ["report_mail.add", "report_mail.end"]


def test_what_is_asked_for_wrongly_is_refused_and_nothing_twice(post: Post) -> None:
    wrong = {"email": "anna", "dimension": "colour", "every": "year", "hour": "24"}
    for name, value in wrong.items():
        with pytest.raises(BadInput):
            post.add(replace(WEEKLY, **{name: value}))  # type: ignore[arg-type]  # all of them are text
    with pytest.raises(BadInput):
        post.add(replace(WEEKLY, dimension="keyword", filters={"location": "ab"}))
    post.add()
    with pytest.raises(Conflict):
        post.add(replace(WEEKLY, email="anna@example.test"))
    other = replace(WEEKLY, filters={})
    with ThreadPoolExecutor(1) as pressed:
        with post.services.db.tenant(post.company.id) as session:
            add_mail(session, post.services.vault, post.company.id, other, NOW, by="owner@example.test")
            twice = pressed.submit(post.add, other)
            wait([twice], 0.5)
        assert isinstance(twice.exception(), Conflict)
    assert sorted(len(row.filters) for row in post.rows()) == [0, 1]
    with post.services.db.tenant(post.company.id) as session:
        row = session.scalars(select(ReportMail)).first()
    assert row
    assert b"anna" not in row.email
    assert isinstance(post.services.vault, Vault)


@settings(max_examples=150, deadline=None)
@given(
    every=st.sampled_from(("day", "week", "month")),
    hour=st.integers(0, 23),
    zone=st.sampled_from(("Europe/Rome", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
)
def test_due_times_follow_the_companys_clock(every: str, hour: int, zone: str, after: datetime) -> None:
    start = after.replace(tzinfo=UTC)
    due = next_due(every, hour, zone, start)
    local = due.astimezone(ZoneInfo(zone))
    assert due > start
    assert due - start <= timedelta(days={"day": 1, "week": 7, "month": 31}[every], hours=1, minutes=1)
    assert local.hour in (hour, (hour + 1) % 24)  # the later one in a night that leaves the hour out
    assert {"day": True, "week": local.weekday() == 0, "month": local.day == 1}[every]
    assert next_due(every, hour, zone, due) - due > timedelta(hours=22)
    assert wait_before(6) is None
