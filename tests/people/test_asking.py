"""Who answered is asked once what the call brought: by a link, by mail, by a call that wants a key."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from calltrack.automations.call_backs import call_back
from calltrack.automations.model import Automation
from calltrack.calls.model import Call
from calltrack.calls.people.model import CallWork
from calltrack.conversions.model import Conversion
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.messages.contacts import set_contact
from calltrack.sandbox.carrier.script import LegScript
from tests.accounts.people import make_user
from tests.dashboard.browser import Browser, make_app
from tests.delivery.mail_sink import MailSink, mail_sink
from tests.people.world import AGENT, CALLER, World


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with mail_sink() as found:
        yield found


def with_mail(world: World, sink: MailSink) -> World:
    more = {"smtp_url": SecretStr(sink.url), "mail_from": "calltrack@example.test"}
    settings = world.services.settings.model_copy(update=more)
    return replace(world, services=replace(world.services, settings=settings))


def answered_by(world: World, call: Call, phone: str) -> None:
    world.sql("UPDATE call SET answered_by = :phone WHERE id = :id", phone=phone, id=call.id)


def brought(world: World) -> list[tuple[str, str, int | None]]:
    with world.services.db.tenant(world.company.id) as session:
        rows = session.scalars(select(Conversion).order_by(Conversion.kind))
        return [(row.kind, row.status, row.value_minor) for row in rows]


def soon(world: World) -> World:
    """A little later, so that what waits some seconds is due; fixed for the whole test."""
    moment = world.services.clock() + timedelta(seconds=20)
    return world.at(moment)


def test_a_link_goes_to_the_mobile_that_answered_and_works(world: World) -> None:
    world.set(ask_how="link")
    call = world.ended(caller=CALLER, talk_seconds=25)
    answered_by(world, call, AGENT)
    world = soon(world)
    sent = world.until(lambda: [one for one in world.messages() if one.state == "delivered"])
    assert [(one.kind, one.call_id) for one in sent] == [("outcome_link", call.id)]
    words = world.words(sent[0])
    assert words.startswith("Traslochi Prova: chiamata da +39 347 •••")
    assert CALLER[3:] not in words.replace(" ", "")
    assert world.steps()["ask"] == ("done", "A link was sent to the mobile that answered.")
    address = re.search(r"https?://\S+", words)
    assert address
    browser = Browser(make_app(world.services))
    path = address[0].removeprefix(world.services.settings.base_url)
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
    assert token
    assert browser.post(path, token=token[1], said="purchase", value="850").status_code == 303
    world.work()
    assert ("purchase", "counted", 85_000) in brought(world)
    world.sql("UPDATE automation SET state = 'waiting', due_at = now()")
    world.work()
    assert len(world.messages()) == 1, "the question is asked once, however often the step runs"


@pytest.mark.parametrize(
    ("phone", "talk", "words"),
    [(AGENT, 12, None), ("+390669940001", 60, "no mobile"), ("sip:office@pbx.example", 60, "no mobile")],
)
def test_short_talks_and_landlines_are_not_asked_by_message(
    world: World, phone: str, talk: int, words: str | None
) -> None:
    world.set(ask_how="link")
    answered_by(world, world.ended(caller=CALLER, talk_seconds=talk), phone)
    world = soon(world)
    world.work()
    assert world.messages() == []
    steps = world.steps()
    assert ("ask" in steps) == (words is not None)
    if words:
        assert steps["ask"][0] == "skipped"
        assert words in steps["ask"][1]


def test_a_landline_is_asked_by_mail_of_the_location_or_of_who_deals_with_it(
    world: World, sink: MailSink
) -> None:
    world = soon(with_mail(world, sink))
    world.set(ask_how="link")
    now, company = world.services.clock(), world.company
    with world.services.db.tenant(company.id) as session:
        set_contact(session, company.id, company.location_id, "roma@example.it", "", "IT", now, by="Anna")
    world.ended(caller=CALLER, talk_seconds=60)
    world.work()
    (mail,) = sink.mails
    assert mail.to == ["roma@example.it"]
    assert "/o/" in mail.message.get_content()
    assert world.steps()["ask"] == ("done", "A link was mailed.")


def test_a_mail_server_that_is_away_loses_no_question(world: World, sink: MailSink) -> None:
    away = with_mail(world, MailSink(url="smtp://127.0.0.1:9"))
    moment = away.services.clock() + timedelta(seconds=20)
    away = away.at(moment)
    away.set(ask_how="link")
    with away.services.db.tenant(world.company.id) as session:
        set_contact(
            session, world.company.id, world.company.location_id, "roma@example.it", "", "IT", moment, by="A"
        )
    away.ended(caller=CALLER, talk_seconds=60)
    away.work()
    assert away.steps()["ask"] == ("waiting", "The mail server did not take it.")
    with_mail(world, sink).at(moment + timedelta(minutes=1)).work()
    assert len(sink.mails) == 1


@pytest.mark.parametrize(
    ("digits", "kind", "status"),
    [(("2",), "lead", None), (("3",), "none", None), (("7", "1"), "lead", "won"), ((), "", None)],
)
def test_a_key_says_the_outcome(world: World, digits: tuple[str, ...], kind: str, status: str | None) -> None:
    world.set(ask_how="key")
    world.behaviour.digits[AGENT] = digits
    call = world.ended(caller=CALLER, talk_seconds=25)
    answered_by(world, call, AGENT)
    world = soon(world)
    out = world.until(lambda: next((one for one in world.calls_out() if one.state == "over"), None))
    assert (out.kind, out.digits) == ("score", digits[-1] if digits else "")
    world.work()
    expected = [("lead", "counted", None)] if kind == "lead" else []
    assert brought(world) == expected
    with world.services.db.tenant(world.company.id) as session:
        work = session.get(CallWork, (world.company.id, call.id))
    assert (work.status if work else None) == status
    assert len(world.twin.board.latest()) == 1


def test_a_key_said_once_does_not_overrule_what_somebody_says_later(world: World) -> None:
    world.set(ask_how="key")
    world.behaviour.digits[AGENT] = ("2",)
    call = world.ended(caller=CALLER, talk_seconds=25)
    answered_by(world, call, AGENT)
    world = soon(world)
    out = world.until(lambda: next((one for one in world.calls_out() if one.state == "over"), None))
    assert brought(world) == [("lead", "counted", None)]
    later = world.at(world.services.clock() + timedelta(minutes=5))
    with later.services.db.tenant(world.company.id) as session:
        set_outcome(
            session, world.company.id, call.id, Outcome(kind="none", by="Anna"), later.services.clock()
        )
    later.sql(
        "INSERT INTO outbox (company_id, id, kind, subject_id, recorded_at, due_at, failures)"
        " VALUES (:company, gen_random_uuid(), 'call_out.changed', :id, now(), now(), 0)",
        company=world.company.id, id=out.id,
    )  # fmt: skip
    later.work()
    assert brought(world) == [("lead", "retracted", None)]


@pytest.mark.parametrize("step", ["drop-after-processing", "timeout:3"])
def test_who_answered_is_rung_for_a_key_once_at_most(world: World, step: str) -> None:
    world.set(ask_how="key")
    call = world.ended(caller=CALLER, talk_seconds=25)
    answered_by(world, call, AGENT)
    world.fault(step, target="calls")
    world = soon(world)
    world.work()
    world.sql("UPDATE automation SET state = 'waiting', due_at = now()")
    world.work()
    assert len(world.calls_out()) == 1
    assert len(world.twin.board.latest()) <= 1
    assert world.steps()["ask"][0] in ("done", "failed")


def test_who_rang_back_is_mailed_a_link_and_what_it_wins_counts_for_the_missed_call(
    world: World, sink: MailSink
) -> None:
    world = with_mail(world, sink)
    world.set(ask_how="link")
    person = make_user(world.services, world.company, "manager")
    world.confirmed(person)
    call = world.missed(caller=CALLER)
    world.work()
    world.behaviour.digits[AGENT] = ("1",)
    world.behaviour.phones[CALLER] = LegScript(talk_seconds=95)
    call_back(world.services, world.company.id, call.id, person.id, by="Anna")
    world.until(lambda: sink.mails)
    (mail,) = sink.mails
    assert mail.to == [person.email]
    address = re.search(r"https?://\S+", mail.message.get_content())
    assert address
    path = address[0].removeprefix(world.services.settings.base_url)
    browser = Browser(make_app(world.services))
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
    assert token
    assert browser.post(path, token=token[1], said="purchase", value="850").status_code == 303
    world.work()
    with world.services.db.tenant(world.company.id) as session:
        (won,) = session.scalars(select(Conversion)).all()
    (out,) = world.calls_out()
    assert (won.call_id, won.kind, won.via, won.occurred_at) == (
        call.id,
        "purchase",
        "call_back",
        out.joined_at,
    )


def test_nothing_is_asked_where_it_is_off_or_the_call_lies_far_back(world: World) -> None:
    world.ended(caller=CALLER, talk_seconds=60)
    world.work()
    world.set(ask_how="key")
    world.ended(caller=CALLER, talk_seconds=60, at=world.services.clock() - timedelta(hours=3))
    world.work()
    assert world.rows(Automation) == []
