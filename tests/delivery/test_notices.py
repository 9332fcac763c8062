"""Nothing goes wrong in silence: raised once, ended by itself, mailed once, compared every day."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from calltrack.delivery import accounts, notices, tallies
from calltrack.delivery.mailing import mail_notice
from calltrack.delivery.model import Delivery, DeliveryTally, DestinationAccount, Notice
from calltrack.delivery.notices import KINDS, NoticeRow, is_short
from calltrack.delivery.our_counts import Ours
from calltrack.delivery.tallies import day_over, difference
from calltrack.destinations.base import Tally
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpAnswer
from calltrack.infra.mail import MailNotSent
from calltrack.infra.outbox import Fact
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.ids import new_id
from tests.accounts.people import make_user
from tests.delivery.mail_sink import MailSink, mail_sink
from tests.delivery.world import World
from workers.facts import drain
from workers.schedule import TASKS
from workers.subscriptions import SUBSCRIPTIONS


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with mail_sink() as found:
        yield found


def alter(world: World, table: Any, *which: Any, **values: Any) -> None:
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(table).where(*which).values(**values))


def review(world: World) -> tuple[NoticeRow, ...]:
    notices.review(world.services, world.company.id)
    with world.services.db.tenant(world.company.id) as session:
        return notices.open_notices(session, world.company.id)


def facts(world: World, kind: str) -> list[Any]:
    with world.services.db.tenant(world.company.id) as session:
        return list(session.scalars(select(Fact.subject_id).where(Fact.kind == kind)))


def mailing(world: World, server: str) -> None:
    settings = world.services.settings.model_copy(
        update={"smtp_url": SecretStr(server), "mail_from": "calltrack@example.test"}
    )
    world.services = replace(world.services, settings=settings)


def test_a_paused_destination_is_told_once_and_is_over_when_it_runs(world: World) -> None:
    google = world.google()
    world.conversions()
    world.faults("reason:NOT_ALLOWLISTED")
    world.deliver(google)
    assert facts(world, "destination.paused") == [google]
    (first,) = review(world)
    assert (first.kind, first.level, first.destination_id) == ("destination.paused", "action", google)
    assert world.account(google).status_reason in first.text
    (again,) = review(world)
    assert (again.id, again.since) == (first.id, first.since)
    assert again.seen_at >= first.seen_at
    assert facts(world, "notice.raised") == [first.id]
    with world.services.db.tenant(world.company.id) as session:
        accounts.resume(session, world.company.id, google, world.now())
    assert review(world) == ()
    with world.services.db.tenant(world.company.id) as session:
        (over,) = notices.notices(session, world.company.id)
    assert over.resolved_at is not None


def test_what_a_person_paused_is_no_news(world: World) -> None:
    google = world.google()
    with world.services.db.tenant(world.company.id) as session:
        accounts.pause(session, world.company.id, google, "Paused by Anna.", world.now())
    assert review(world) == ()


@pytest.mark.parametrize(
    ("kind", "column", "level", "part"),
    [
        ("webhook.disabled", {"status": "paused", "status_reason": "It is gone. Enter the new address."},
         "action", "Enter the new address"),
        ("sign_in.expiring", {"access_until": 5}, "action", "Sign in again"),
        ("sign_in.expiring", {"access_until": -1}, "action", "has ended"),
        ("platform.unwell", {"unwell": 9, "held_until": 1}, "info", "Nothing to do"),
    ],
)  # fmt: skip
def test_each_trouble_of_a_destination_has_its_notice(
    world: World, kind: str, column: dict[str, Any], level: str, part: str
) -> None:
    webhook = world.webhook()
    assert review(world) == ()
    values = {
        name: world.now() + timedelta(days=value) if name.endswith("until") else value
        for name, value in column.items()
    }
    alter(world, DestinationAccount, DestinationAccount.id == webhook, **values)
    (found,) = review(world)
    assert (found.kind, found.level) == (kind, level)
    assert part in found.text
    assert "webhook" in found.text
    assert kind in KINDS


def test_an_access_that_lasts_is_no_news(world: World) -> None:
    webhook = world.webhook()
    alter(world, DestinationAccount, DestinationAccount.id == webhook,
          access_until=world.now() + timedelta(days=40))  # fmt: skip
    assert review(world) == ()


def test_outcomes_only_a_person_can_tell_are_counted(world: World) -> None:
    world.google()
    world.conversions(3)
    first, second, _ = world.rows()
    for row in (first, second):
        alter(world, Delivery, Delivery.id == row.id, state="unknown", due_at=None)
    (found,) = review(world)
    assert (found.kind, found.level) == ("delivery.unknown", "action")
    assert "whether 2 conversions reached" in found.text
    alter(world, Delivery, Delivery.id == first.id, state="confirmed", settled_at=world.now())
    (changed,) = review(world)
    assert changed.id == found.id
    assert "whether 1 conversion reached" in changed.text


def test_what_has_waited_for_half_of_its_time_is_told(world: World) -> None:
    google = world.google()
    world.conversions(2)
    with world.services.db.tenant(world.company.id) as session:
        accounts.pause(session, world.company.id, google, "Paused by Anna.", world.now())
    world.later(days=44)
    assert review(world) == ()
    world.later(days=2)
    (found,) = review(world)
    assert (found.kind, found.level) == ("delivery.window", "action")
    assert "2 conversions have waited" in found.text


def test_only_what_is_for_information_can_be_dismissed(world: World) -> None:
    webhook = world.webhook()
    alter(world, DestinationAccount, DestinationAccount.id == webhook, unwell=9, held_until=world.now())
    (info,) = review(world)
    with world.services.db.tenant(world.company.id) as session:
        notices.dismiss(session, world.company.id, info.id, world.now(), by="anna@example.test")
    assert review(world) == ()
    alter(world, DestinationAccount, DestinationAccount.id == webhook, status="paused", status_reason="Gone.")
    (action,) = review(world)
    with world.services.db.tenant(world.company.id) as session:
        with pytest.raises(Conflict):
            notices.dismiss(session, world.company.id, action.id, world.now(), by="anna@example.test")
        with pytest.raises(NotFound):
            notices.dismiss(session, world.company.id, new_id(), world.now(), by="anna@example.test")


def test_owners_are_mailed_once_however_often_the_fact_is_handled(world: World, sink: MailSink) -> None:
    owner = make_user(world.services, world.company)
    make_user(world.services, world.company, "manager")
    mailing(world, sink.url)
    webhook = world.webhook()
    alter(world, DestinationAccount, DestinationAccount.id == webhook, status="paused",
          status_reason="Your server says this address is gone. Enter the new one.")  # fmt: skip
    (notice,) = review(world)
    stop = threading.Event()
    drain(world.services, SUBSCRIPTIONS, world.company.id, stop)
    for _ in range(3):
        mail_notice(world.services, world.company.id, notice.id)
    (mail,) = sink.mails
    assert mail.to == [owner.email]
    assert mail.message["Message-ID"] == f"<notice-{notice.id.hex}@example.test>"
    text = mail.message.get_content()
    assert "Enter the new one." in text
    assert f"/app/{world.company.id.hex}/notices" in text
    with world.services.db.tenant(world.company.id) as session:
        assert session.get_one(Notice, (world.company.id, notice.id)).mailed_at is not None


def test_a_mail_server_that_is_away_loses_no_mail(world: World, sink: MailSink) -> None:
    make_user(world.services, world.company)
    mailing(world, sink.url)
    webhook = world.webhook()
    alter(world, DestinationAccount, DestinationAccount.id == webhook, status="paused", status_reason="Gone.")
    (notice,) = review(world)
    sink.refuse = "451 try again later"
    stop = threading.Event()
    drain(world.services, SUBSCRIPTIONS, world.company.id, stop)
    assert sink.mails == []
    with pytest.raises(MailNotSent, match="451"):
        mail_notice(world.services, world.company.id, notice.id)
    sink.refuse = ""
    world.later(minutes=5)
    drain(world.services, SUBSCRIPTIONS, world.company.id, stop)
    assert len(sink.mails) == 1


def test_nothing_is_mailed_without_a_server_nor_for_information(world: World, sink: MailSink) -> None:
    make_user(world.services, world.company)
    webhook = world.webhook()
    alter(world, DestinationAccount, DestinationAccount.id == webhook, unwell=9, held_until=world.now())
    (info,) = review(world)
    mail_notice(world.services, world.company.id, info.id)
    mailing(world, sink.url)
    mail_notice(world.services, world.company.id, info.id)
    mail_notice(world.services, world.company.id, new_id())
    assert sink.mails == []


class FixedTally(Courier):
    """Answers as a platform with counters of its own would."""

    def __init__(self, told: Tally | Outcome | None) -> None:
        self.told = told
        self.asked: list[tuple[datetime, datetime]] = []

    def tally(
        self, destination: Any, settings: Any, since: Any, until: Any, now: Any, keep: Any = None
    ) -> Any:
        self.asked.append((since, until))
        return self.told


@pytest.fixture
def counting(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose webhook tells counters, as no real webhook does."""
    from calltrack.destinations import DESTINATIONS

    kind = type(DESTINATIONS["webhook"])
    monkeypatch.setattr(kind, "tally_request", lambda *_: None)
    return world


def test_yesterday_is_compared_and_a_shortfall_is_told(counting: World) -> None:
    world = counting
    webhook = world.webhook()
    world.conversions(10)
    world.deliver(webhook)
    sent_on = world.now().astimezone(UTC).date()
    world.later(days=1, hours=4 - world.now().astimezone(UTC).hour)
    assert day_over(world.now()) == sent_on
    courier = FixedTally(Tally(received=4, note="Of the dataset."))
    for _ in range(2):
        tallies.compare(world.services, world.company.id, webhook, courier=courier)
    assert courier.asked[0][0].date() == sent_on
    assert courier.asked[0][1] - courier.asked[0][0] == timedelta(days=1)
    with world.services.db.tenant(world.company.id) as session:
        (row,) = tallies.tallies(session, world.company.id, webhook)
    assert (row.day, row.sent, row.confirmed, row.rejected) == (sent_on, 10, 10, 0)
    assert (row.received, row.difference, row.note) == (4, -6, "Of the dataset.")
    (found,) = review(world)
    assert (found.kind, found.level) == ("tally.difference", "info")
    assert "6 fewer" in found.text
    tallies.compare(world.services, world.company.id, webhook, courier=FixedTally(Tally(received=10)))
    assert review(world) == ()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, "could not be read"),
        (Outcome(Class.LATER, "UNREACHABLE", "The platform could not be reached."), "could not be reached"),
    ],
)
def test_a_platform_that_does_not_tell_says_so(counting: World, told: Outcome | None, said: str) -> None:
    webhook = counting.webhook()
    tallies.compare(counting.services, counting.company.id, webhook, courier=FixedTally(told))
    with counting.services.db.tenant(counting.company.id) as session:
        (row,) = tallies.tallies(session, counting.company.id, webhook)
    assert row.difference is None
    assert said in row.note


def test_a_missing_comparison_is_asked_for_once(counting: World) -> None:
    world = counting
    webhook = world.webhook()
    tallies.ask_for_tallies(world.services)
    tallies.ask_for_tallies(world.services)
    assert facts(world, "tally.due") == [webhook]
    tallies.compare(world.services, world.company.id, webhook, courier=FixedTally(Tally(received=0)))
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Fact).values(done_at=world.now()))
    tallies.ask_for_tallies(world.services)
    assert facts(world, "tally.due") == [webhook]
    alter(world, DeliveryTally, received=None)
    world.later(hours=7)
    tallies.ask_for_tallies(world.services)
    assert len(facts(world, "tally.due")) == 2


def test_who_has_no_counters_is_never_asked(world: World) -> None:
    webhook = world.webhook()
    assert not tallies.tells_counts("webhook")
    assert not tallies.tells_counts("nothing")
    assert tallies.tells_counts("meta")
    tallies.ask_for_tallies(world.services)
    tallies.compare(world.services, world.company.id, webhook, courier=FixedTally(Tally()))
    with world.services.db.tenant(world.company.id) as session:
        assert tallies.tallies(session, world.company.id, webhook) == ()
    assert facts(world, "tally.due") == []


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (Ours(10, 9, 1), Tally(), None),
        (Ours(10, 9, 1), Tally(received=10), 0),
        (Ours(10, 9, 1), Tally(received=14), 4),
        (Ours(10, 9, 1), Tally(received=14, counted=9), 0),
        (Ours(10, 9, 1), Tally(counted=5), -4),
    ],
)
def test_like_is_compared_with_like(ours: Ours, theirs: Tally, expected: int | None) -> None:
    assert difference(ours, theirs) == expected


@pytest.mark.parametrize(
    ("sent", "less", "told"),
    [(10, 0, False), (10, -2, False), (10, -3, True), (1000, -50, False), (1000, -51, True), (5, 20, False)],
)
def test_a_few_missing_are_no_news(sent: int, less: int, told: bool) -> None:
    assert is_short(sent, less) is told


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 11, 20, 12, tzinfo=UTC), date(2026, 11, 19)),
        (datetime(2026, 11, 20, 2, 59, tzinfo=UTC), date(2026, 11, 18)),
        (datetime(2026, 11, 20, 3, 0, tzinfo=UTC), date(2026, 11, 19)),
    ],
)
def test_a_day_settles_before_it_is_asked_about(now: datetime, day: date) -> None:
    assert day_over(now) == day


def test_the_clock_looks_every_minute_and_compares_every_hour() -> None:
    every = {task.name: task.every for task in TASKS}
    assert every["review destinations"] == timedelta(minutes=1)
    assert every["compare with platforms"] == timedelta(hours=1)


def test_a_platform_without_counters_makes_no_request(world: World) -> None:
    from calltrack.destinations import DESTINATIONS

    webhook = DESTINATIONS["webhook"]
    with pytest.raises(RuntimeError, match="no counters"):
        world.courier.tally(webhook, None, world.now(), world.now(), world.now())
    assert webhook.tally_request(None, world.now(), world.now()) is None
    with pytest.raises(NotImplementedError):
        webhook.read_tally(HttpAnswer(200), None, world.now(), world.now())
