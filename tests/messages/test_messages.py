"""Text messages: received once, answered, reported in any order, sent at most once, stopped when asked."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import text

from calltrack.calls.intake import deliver, report_line
from calltrack.calls.outbound.reports import Report
from calltrack.infra.bounded import connect
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.messages.contacts import set_contact
from calltrack.messages.model import Message, MessageThread
from calltrack.messages.queries import messages_of, threads, unread
from calltrack.messages.rules import RANK, REPORTED, after_report, segments, wish
from calltrack.messages.service import answer, read_thread, write_to_caller
from calltrack.sandbox.carrier.signing import sign
from calltrack.wiring import Services
from tests.builders import Company, make_company, make_lease, make_visit
from tests.delivery.mail_sink import mail_sink
from tests.people.world import AGENT, CALLER, World, people_world


@pytest.fixture
def world(services: Services, company: Company, tmp_path: Path) -> Iterator[World]:
    with people_world(services, company, tmp_path) as world:
        yield world


def thread(world: World) -> MessageThread:
    (found,) = world.rows(MessageThread)
    return found  # type: ignore[no-any-return]  # rows of one table


def reply(world: World, words: str = "Grazie, la richiamiamo.") -> None:
    with world.services.db.tenant(world.company.id) as session:
        answer(
            session,
            world.services.vault,
            world.company.id,
            thread(world).id,
            words,
            world.services.clock(),
            by="Anna",
        )


def test_a_message_is_received_once_with_its_source_and_answered(world: World) -> None:
    visit = make_visit(world.services, world.company, at=world.services.clock() - timedelta(minutes=3))
    make_lease(world.services, world.company, visit, world.company.number_ids[0])
    world.twin.receive(CALLER, world.company.numbers[0], "Quanto costa?\nGrazie")
    got = world.until(world.messages)[0]
    assert (got.kind, got.state, world.words(got)) == ("received", "received", "Quanto costa?\nGrazie")
    assert (got.visit_id, got.source, got.campaign) == (visit.id, "google", "traslochi-roma")
    assert b"Quanto" not in got.body
    assert thread(world).unread == 1
    reply(world)
    world.until(lambda: [one.state for one in world.messages()] == ["received", "delivered"])
    record = next(one for one in world.twin.desk.records.all("message") if one["direction"] == "outbound-api")
    assert (record["from"], record["to"], record["body"]) == (
        world.company.numbers[0],
        CALLER,
        "Grazie, la richiamiamo.",
    )
    with world.services.db.tenant(world.company.id) as session:
        (row,) = threads(session, world.services.vault, world.company.id)
        assert (row.party, row.unread, unread(session, world.company.id)) == (CALLER, 1, 1)
        assert [one.kind for one in messages_of(session, world.services.vault, world.company.id, row.id)] == [
            "received",
            "answer",
        ]
        read_thread(session, world.company.id, row.id)
    assert thread(world).unread == 0


def hook(world: World, fields: dict[str, str], *, path: str = "/sms", token: str | None = None) -> int:
    company = world.company
    target = f"/voice/{company.number_ids[0].hex}{path}"
    signature = sign(world.services.settings.base_url + target, fields, token or company.auth_token)
    return (
        world.voice.test_client()
        .post(target, data=fields, headers={"X-Twilio-Signature": signature})
        .status_code
    )


def fields(world: World, **more: str) -> dict[str, str]:
    return {
        "MessageSid": "SM" + new_id().hex, "AccountSid": world.company.account_sid, "From": CALLER,
        "To": world.company.numbers[0], "Body": "Buongiorno", "NumMedia": "0", "SmsStatus": "received",
    } | more  # fmt: skip


def test_the_hook_takes_what_its_account_signed_and_repetitions_once(world: World) -> None:
    told = fields(world)
    assert [hook(world, told) for _ in range(3)] == [200, 200, 200]
    assert hook(world, told, token="another token of somebody") == 403
    assert hook(world, fields(world, AccountSid="AC" + 32 * "0")) == 403
    assert hook(world, fields(world, To=world.company.numbers[1])) == 403
    assert hook(world, fields(world, MessageSid="<script>")) == 400
    assert (
        hook(
            world,
            {"MessageSid": "SM1", "AccountSid": world.company.account_sid, "From": world.company.numbers[0]},
            path="/sms/nonsense",
        )
        == 400
    )
    assert (
        hook(
            world,
            fields(world, MessageStatus="flying", From=world.company.numbers[0]),
            path=f"/sms/{new_id().hex}",
        )
        == 400
    )
    assert hook(world, fields(world, From="Poste", Body="codice 1234")) == 200
    world.work()
    assert [world.words(one) for one in world.messages()] == ["Buongiorno"]


def test_a_message_that_came_while_the_database_was_away_is_in_the_spool(
    world: World, tmp_path: Path
) -> None:
    desk = world.voice.extensions["voice.desk"]
    desk.intake.breaker.open()
    assert hook(world, fields(world, Body="nel frattempo")) == 200
    world.until(lambda: [one for one in world.messages() if world.words(one) == "nel frattempo"])


def test_a_spooled_report_is_stored_once(world: World) -> None:
    now, company = world.services.clock(), world.company
    report = Report(
        company_id=company.id, number_id=company.number_ids[0], kind="message", key="sms:SM1", about=None,
        received_at=now, fields={"sid": "SM1", "from_": CALLER, "text": "ciao", "media": 0, "opt_out": ""},
    )  # fmt: skip
    line = report_line(world.services.vault, report)
    assert CALLER.encode() not in line
    connection = connect(world.services.settings.app_url, 10)
    for _ in range(2):
        assert deliver(connection, world.services.vault, line, now) == company.id
    connection.abandon()
    world.work()
    assert [world.words(one) for one in world.messages()] == ["ciao"]


def test_stop_holds_back_answers_until_start(world: World) -> None:
    world.twin.receive(CALLER, world.company.numbers[0], "Basta")
    world.until(world.messages)
    assert thread(world).stopped_at is not None
    with pytest.raises(Conflict, match="STOP"):
        reply(world)
    world.twin.receive(CALLER, world.company.numbers[0], "START")
    world.until(lambda: thread(world).stopped_at is None)
    reply(world)
    world.until(lambda: world.messages()[-1].state == "delivered")


def test_people_cannot_write_nothing_too_much_or_to_nobody(world: World) -> None:
    services, company, now = world.services, world.company, world.services.clock()
    hidden, seen = world.ended(caller=None), world.ended(caller=CALLER)
    with services.db.tenant(company.id) as session:
        with pytest.raises(NotFound):
            answer(session, services.vault, company.id, new_id(), "ciao", now, by="Anna")
        with pytest.raises(Conflict, match="withheld"):
            write_to_caller(session, services.vault, company.id, hidden.id, "ciao", now, by="Anna")
        for words in ("", "  \n ", "x" * 1601):
            with pytest.raises(BadInput):
                write_to_caller(session, services.vault, company.id, seen.id, words, now, by="Anna")
        write_to_caller(session, services.vault, company.id, seen.id, "ciao", now, by="Anna")
    world.until(lambda: [one.state for one in world.messages()] == ["delivered"])


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (("undelivered", 30003), "switched off"),
        (("failed", 30005), "does not exist"),
        (("undelivered", 39999), "39999"),
    ],
)
def test_what_was_not_delivered_says_why(world: World, end: tuple[str, int], words: str) -> None:
    world.behaviour.message_ends[CALLER] = end
    world.twin.receive(CALLER, world.company.numbers[0], "ciao")
    world.until(world.messages)
    reply(world)
    one = world.until(lambda: next((m for m in world.messages() if m.state == end[0]), None))
    assert words in one.problem


def test_what_the_carrier_refuses_is_shown_and_not_tried_again(world: World) -> None:
    landline = "+393669949999"  # A mobile by its form; the carrier knows better.
    world.behaviour.landlines.add(landline)
    call = world.ended(caller=landline)
    with world.services.db.tenant(world.company.id) as session:
        write_to_caller(
            session,
            world.services.vault,
            world.company.id,
            call.id,
            "ciao",
            world.services.clock(),
            by="Anna",
        )
    one = world.until(lambda: next((m for m in world.messages() if m.state == "refused"), None))
    assert "no mobile" in one.problem
    assert (one.due_at, one.error_code) == (None, 21614)


@pytest.mark.parametrize("step", ["drop-after-processing", "timeout-after-processing:3"])
def test_a_lost_answer_sends_no_second_message(world: World, step: str) -> None:
    world.twin.receive(CALLER, world.company.numbers[0], "ciao")
    world.until(world.messages)
    world.fault(step)
    reply(world)
    world.until(lambda: world.messages()[-1].state == "delivered")
    assert len([one for one in world.twin.desk.records.all("message") if one["direction"] != "inbound"]) == 1


def test_what_nobody_knows_of_is_shown_so_and_not_sent_again(world: World) -> None:
    world.twin.receive(CALLER, world.company.numbers[0], "ciao")
    world.until(world.messages)
    world.fault("timeout:3")
    reply(world)
    world.work()
    assert world.messages()[-1].state == "unknown"
    for minutes in (3, 6, 9, 12):
        world.at(world.services.clock() + timedelta(minutes=minutes)).work()
    one = world.messages()[-1]
    assert (one.state, one.due_at) == ("unknown", None)
    assert "not sent again" in one.problem
    assert [r for r in world.twin.desk.records.all("message") if r["direction"] != "inbound"] == []


def test_a_worker_killed_between_claim_and_answer_sends_no_second_message(world: World) -> None:
    world.twin.receive(CALLER, world.company.numbers[0], "ciao")
    world.until(world.messages)
    reply(world)
    world.until(lambda: world.messages()[-1].state == "delivered")
    world.sql(
        "UPDATE message SET state = 'sending', sid = NULL, due_at = now(), tries = 1 WHERE kind = 'answer'"
    )
    world.work()
    one = world.messages()[-1]
    assert one.state in ("sent", "delivered")
    assert one.sid
    assert len([r for r in world.twin.desk.records.all("message") if r["direction"] != "inbound"]) == 1


def test_a_busy_carrier_delays_and_loses_nothing(world: World) -> None:
    world.twin.receive(CALLER, world.company.numbers[0], "ciao")
    world.until(world.messages)
    world.fault(*["429"] * 6)
    reply(world)
    world.work()
    assert (world.messages()[-1].state, world.messages()[-1].due_at is not None) == ("due", True)
    world.twin.desk.faults.reset()
    later = world.at(world.services.clock() + timedelta(minutes=5))
    later.until(lambda: later.messages()[-1].state == "delivered")


def test_a_received_message_is_forwarded_by_mail_and_to_the_mobile_once(world: World) -> None:
    with mail_sink() as sink:
        more = {"smtp_url": SecretStr(sink.url), "mail_from": "calltrack@example.test"}
        settings = world.services.settings.model_copy(update=more)
        told = replace(world, services=replace(world.services, settings=settings))
        company, now = world.company, world.services.clock()
        with world.services.db.tenant(company.id) as session:
            set_contact(
                session, company.id, company.location_id, "roma@example.it", AGENT, "IT", now, by="Anna"
            )
            with pytest.raises(BadInput, match="no mobile"):
                set_contact(
                    session, company.id, company.location_id, "", "+390669940001", "IT", now, by="Anna"
                )
        world.twin.receive(CALLER, company.numbers[0], "Domani alle 10?")
        told.until(lambda: [m for m in told.messages() if m.kind == "forward" and m.state == "delivered"])
        (mail,) = sink.mails
        assert mail.to == ["roma@example.it"]
        assert "Domani alle 10?" in mail.message.get_content()
        assert CALLER[3:] not in mail.message.get_content().replace(" ", "")
        world.twin.receive(AGENT, company.numbers[0], "ok")
        told.until(lambda: len([m for m in told.messages() if m.kind == "received"]) == 2)
        told.work()
        assert len([m for m in told.messages() if m.kind == "forward"]) == 1
        assert len(sink.mails) == 1


def test_a_company_sees_only_its_own(world: World, services: Services) -> None:
    world.twin.receive(CALLER, world.company.numbers[0], "ciao")
    world.until(world.messages)
    other = make_company(services)
    with services.db.tenant(other.id) as session:
        assert session.execute(text("SELECT count(*) FROM message")).scalar() == 0
        assert session.get(Message, (world.company.id, world.messages()[0].id)) is None


def test_reports_in_any_order_end_in_the_same_state() -> None:
    told = ("queued", "sent", "delivered")
    for order in itertools.permutations(told):
        state = "sending"
        for one in order:
            state = after_report(state, one)
        assert state == "delivered"
    assert after_report("delivered", "undelivered") == "delivered"
    assert after_report("received", "delivered") == "received"


@given(st.lists(st.sampled_from([*REPORTED, "read", "nonsense"])))
def test_no_report_leads_back(told: list[str]) -> None:
    state = "sending"
    for one in told:
        following = after_report(state, one)
        assert RANK[following] >= RANK[state]
        state = following


@pytest.mark.parametrize(
    ("words", "told", "meant"),
    [("STOP", "", "stop"), (" stop. ", "", "stop"), ("Stop!", "", "stop"), ("Basta", "", "stop"),
     ("Non si fermi, stop a domani", "", ""), ("start", "", "start"), ("Ci vediamo domani", "", ""),
     ("qualcosa", "STOP", "stop"), ("ok", "HELP", ""), ("", "", "")],
)  # fmt: skip
def test_words_of_stopping(words: str, told: str, meant: str) -> None:
    assert wish(words, told) == meant


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("😀" * 36, 2),
    ],
)
def test_parts_of_a_message(words: str, parts: int) -> None:
    assert segments(words) == parts
