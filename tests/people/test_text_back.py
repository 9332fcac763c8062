"""The text-back over real rows and the carrier's twin: once, in time, and silent where it must be."""

import threading
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from calltrack.accounts.follow_up import change_follow_up
from calltrack.automations.doing import do_due
from calltrack.calls.model import Call
from calltrack.calls.people.missed import close_missed
from calltrack.calls.replay import Replayed, replay
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.messages.model import MessageThread
from calltrack.messages.sending import send_due
from calltrack.messages.service import write_to_caller
from calltrack.sandbox.carrier import CallScript, play
from tests.calls.twins import number_of
from tests.people.world import CALLER, World
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

ON = {"text_back": True, "text_back_consent": True, "text_back_minutes": 5}


# A Friday to come: what the carrier's twin tells happens now, and is known by then.
FRIDAY = next(
    day
    for day in (datetime.now(UTC).date() + timedelta(days=7 + more) for more in range(7))
    if day.isoweekday() == 5
)


def rome(clock: str, day: int = 20) -> datetime:
    """A moment in Rome; day 20 is the Friday."""
    on = FRIDAY + timedelta(days=day - 20)
    local = datetime(
        on.year, on.month, on.day, int(clock[:2]), int(clock[3:]), tzinfo=ZoneInfo("Europe/Rome")
    )
    return local.astimezone(UTC)


def texts(world: World) -> list[tuple[str, str]]:
    return [(one.kind, one.state) for one in world.messages()]


def test_a_missed_mobile_is_answered_once_after_the_delay(world: World) -> None:
    noon = world.at(rome("12:00"))
    noon.set(**ON)
    noon.missed(caller=CALLER)
    noon.missed(caller=CALLER, at=rome("11:58"))
    noon.work()
    assert noon.messages() == []
    later = world.at(rome("12:06"))
    later.until(lambda: texts(later) == [("text_back", "delivered")])
    assert "STOP" in later.words(later.messages()[0])
    later.missed(caller=CALLER, at=rome("12:05"))
    world.at(rome("13:00")).work()
    assert len(world.messages()) == 1
    next_day = world.at(rome("12:30", 21))
    next_day.missed(caller=CALLER)
    after = world.at(rome("12:45", 21))
    after.until(lambda: len(after.messages()) == 2)


def test_two_workers_at_once_send_one(world: World) -> None:
    noon = world.at(rome("12:00"))
    noon.set(**ON | {"text_back_minutes": 0})
    for minute in range(6):
        noon.missed(caller=CALLER, at=rome(f"11:{40 + minute}"))
    drain(noon.services, SUBSCRIPTIONS, world.company.id, threading.Event())
    threads = [
        threading.Thread(target=step, args=(noon.services, world.company.id))
        for step in (do_due, do_due, do_due, do_due)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    senders = [threading.Thread(target=send_due, args=(noon.services, world.company.id)) for _ in range(3)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()
    noon.work()
    assert len(noon.messages()) == 1
    assert len(world.twin.desk.records.all("message")) == 1


@pytest.mark.parametrize(
    ("caller", "words"),
    [("+390669949999", "no mobile"), ("+491711234567", "another country"), (CALLER, "is no mobile")],
)
def test_landlines_foreigners_and_ported_lines_get_none(world: World, caller: str, words: str) -> None:
    world.behaviour.landlines.add(CALLER)
    noon = world.at(rome("12:00"))
    noon.set(**ON | {"text_back_minutes": 0})
    noon.missed(caller=caller)
    noon.work()
    assert noon.messages() == []
    assert noon.steps()["text_back"][0] == "skipped"
    assert words in noon.steps()["text_back"][1]


def test_the_line_is_asked_once_and_stands_in_the_story_of_the_call(world: World) -> None:
    """Nothing is asked while the text-back is off; asked once, the answer is an event of the call (I8)."""
    services, company = world.services, world.company

    def call_in(caller: str = CALLER) -> Call:
        number = number_of(services, company)
        with httpx.Client(transport=httpx.WSGITransport(world.voice)) as http:
            script = CallScript(from_=caller, to=number.e164, outcome="no-answer")
            sid = play(script, number, company.auth_token, http).call_sid
        # A played call ends as long after its beginning as a real one.
        world.at(services.clock() + timedelta(minutes=2)).work()
        calls: list[Call] = world.rows(Call)
        return next(call for call in calls if call.call_sid == sid)

    assert call_in().line_type == ""
    assert world.rows(MessageThread) == []
    always = {"quiet_from": "00:00", "quiet_until": "00:00", "quiet_sundays": False}
    world.set(**ON | always | {"text_back_minutes": 0})
    asked = call_in()
    assert (asked.line_type, asked.outcome) == ("mobile", "missed")
    world.fault(*["500"] * 9, target="lookups")
    assert call_in().outcome == "missed"
    assert len(world.messages()) == 1
    counts = Replayed()
    given = (services.db, services.vault, company.id, None)
    assert list(replay(*given, write=False, now=services.clock(), counts=counts)) == []
    world.twin.desk.faults.reset()
    world.behaviour.landlines.add("+393479876543")
    ported = call_in("+393479876543")
    assert (ported.line_type, len(world.messages())) == ("landline", 1)
    with services.db.tenant(company.id) as session, pytest.raises(Conflict, match="landline"):
        write_to_caller(
            session, services.vault, company.id, ported.id, "Buongiorno", services.clock(), by="Anna"
        )


def test_it_waits_for_the_morning_and_for_monday(world: World) -> None:
    night = world.at(rome("22:30", 21))  # A Saturday.
    night.set(**ON)
    night.missed(caller=CALLER)
    night.work()
    for moment in (rome("23:00", 21), rome("12:00", 22), rome("07:59", 23)):
        world.at(moment).work()
        assert world.messages() == []
    monday = world.at(rome("08:00", 23))
    monday.until(lambda: texts(monday) == [("text_back", "delivered")])


def test_stop_and_a_call_back_meanwhile_are_heard(world: World) -> None:
    noon = world.at(rome("12:00"))
    noon.set(**ON)
    world.twin.receive(CALLER, world.company.numbers[1], "Stop!")
    noon.until(noon.messages)
    noon.missed(caller=CALLER)
    other = noon.missed(caller="+393479876543")
    noon.work()
    with noon.services.db.tenant(world.company.id) as session:
        close_missed(session, world.company.id, other.id, rome("12:01"), by="Anna")
    world.at(rome("12:10")).work()
    assert texts(world) == [("received", "received")]


def test_a_message_that_waits_for_the_carrier_is_dropped_rather_than_sent_late(world: World) -> None:
    late = world.at(rome("21:55"))
    late.set(**ON | {"text_back_minutes": 0})
    late.missed(caller=CALLER)
    world.fault(*["429"] * 20)
    late.work()
    assert texts(late) == [("text_back", "due")]
    world.twin.desk.faults.reset()
    night = world.at(rome("22:01"))
    night.work()
    (one,) = night.messages()
    assert (one.state, one.problem) == ("dropped", "The quiet hours began before it could be sent.")


def test_stop_between_writing_and_sending_wins(world: World) -> None:
    noon = world.at(rome("12:00"))
    noon.set(**ON | {"text_back_minutes": 0})
    noon.missed(caller=CALLER)
    world.fault(*["429"] * 20)
    noon.work()
    world.twin.desk.faults.reset()
    noon.sql("UPDATE message_thread SET stopped_at = now()")
    world.at(rome("12:05")).work()
    (one,) = noon.messages()
    assert one.state == "dropped"
    assert "STOP" in one.problem
    assert world.twin.desk.records.all("message") == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"text_back": True}, "confirm first"),
        ({"text_back": True, "text_back_consent": True, "text_back_text": "We missed your call."}, "STOP"),
        ({"quiet_from": "25:00"}, "Quiet hours begin: write a time"),
        ({"text_back_minutes": -1}, "Minutes to wait"),
        ({"alert_to": "everybody"}, "Mail of a missed call"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    world: World, wanted: dict[str, object], words: str
) -> None:
    with world.services.db.tenant(world.company.id) as session, pytest.raises(BadInput, match=words):
        change_follow_up(session, world.company.id, wanted)


def test_times_of_this_file_are_what_they_say() -> None:
    assert rome("12:00").astimezone(ZoneInfo("Europe/Rome")).time() == time(12)
    assert rome("12:00", 22).astimezone(ZoneInfo("Europe/Rome")).isoweekday() == 7
    assert rome("12:00") + timedelta(hours=1) == rome("13:00")
