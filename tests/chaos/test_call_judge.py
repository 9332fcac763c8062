"""The judge of the call storm says no: to a wrong number, wrong words, a lost, doubled or false row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from calltrack.sandbox.carrier import CallScript, SimulatedNumber, play
from calltrack.wiring import Services
from tests.builders import Company
from tests.calls.rows import Stored
from tests.chaos.call_judge import Played, judge
from tests.chaos.call_rows import differences, row_problems
from tests.chaos.call_walker import SENTENCES
from tests.chaos.call_world import FLOWS, SETTINGS

OWN = "+390660000001"
CALLER = "+393471234567"
DIAL = "<Dial action='/rung'><Number>{}</Number></Dial>"
CLOSED = "<Say>Siamo chiusi.</Say><Say>{}</Say><Record action='/message'/>".format(SENTENCES["it"]["message"])


def played(documents: dict[str, str], flow: dict[str, Any], by_file: bool = False, **people: Any) -> Played:
    """Play a call against a server that knows only these documents."""

    def answer(request: httpx.Request) -> httpx.Response:
        verbs = documents.get(request.url.path, "<Hangup/>")
        return httpx.Response(200, text=f"<Response>{verbs}</Response>", headers={"Content-Type": "text/xml"})

    number = SimulatedNumber(e164="+390611111111", voice_url="http://ours.test/voice", account_sid="AC1")
    script = CallScript(**({"from_": CALLER, "to": number.e164, "hangs_up": "caller"} | people))
    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        journal = play(script, number, "token", http)
    return Played(script, flow, SETTINGS, OWN, journal, [by_file] * len(journal.requests))


def test_a_call_as_the_flow_says_is_let_pass() -> None:
    assert judge(played({"/voice": DIAL.format(OWN)}, SETTINGS)).problems == []
    closed = judge(played({"/voice": CLOSED}, FLOWS["closed"], voicemail_seconds=9))
    assert (closed.problems, closed.walker.path) == ([], ["hours", "closed", "message"])
    assert closed.walker.recorded == [("voicemail", 9)]


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (DIAL.format("+390699999999"), "'rings', '+390699999999'"),
        ("<Say>Altro.</Say>" + DIAL.format(OWN), "'hears', 'Altro.'"),
        ("<Hangup/>", "ended where the flow says ('rings'"),
        ("<Reject/>", "'rejected'"),
        (f"<Dial action='/rung'><Number>{OWN}</Number><Number>+390688</Number></Dial>", "+390688"),
        ("<Sing>La</Sing>" + DIAL.format(OWN), "12200"),
        ("<", "error message"),
    ],
)
def test_a_caller_who_meets_something_else_is_found(document: str, word: str) -> None:
    found = judge(played({"/voice": document}, SETTINGS)).problems
    assert any(word in one for one in found), found


def test_a_caller_of_a_closed_office_who_is_put_through_is_found() -> None:
    assert judge(played({"/voice": DIAL.format(OWN)}, FLOWS["closed"])).problems


def test_words_that_come_after_a_talk_are_found() -> None:
    after = {"/voice": DIAL.format(OWN), "/rung": DIAL.format(OWN)}
    found = judge(played(after, SETTINGS, hangs_up="business")).problems
    assert found[0] == f"('rings', '{OWN}') where the flow says None"


def test_a_file_rings_the_own_line_and_nothing_else() -> None:
    ring = f"<Dial><Number>{OWN}</Number></Dial>"
    assert judge(played({"/voice": ring}, FLOWS["closed"], by_file=True)).problems == []
    assert judge(played({"/voice": DIAL.format("+390677")}, FLOWS["closed"], by_file=True)).problems


def row(services: Services, company: Company, **more: Any) -> Stored:
    call = {
        "caller_hash": services.vault.look_up(company.id, CALLER), "ended_at": 1, "outcome": "answered",
        "is_bridged": True, "talk_seconds": 180, "answered_by": OWN, "flow_path": [], "keys": [],
    }  # fmt: skip
    return Stored(call | more, [], [])


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"caller_hash": b"x"}, "another caller"),
        ({"ended_at": None}, "never ended"),
        ({"outcome": "mailbox"}, "but mailbox"),
        ({"is_bridged": False, "outcome": "missed"}, "180 s of talk, and the row says missed"),
        ({"talk_seconds": 120}, "120 s"),
        ({"talk_seconds": 360}, "360 s"),
        ({"answered_by": "+390677"}, "+390677"),
        ({"flow_path": ["menu"]}, "came through"),
        ({"keys": ["1"]}, "pressed"),
    ],
)
def test_a_row_that_says_something_else_is_found(
    services: Services, company: Company, wrong: dict[str, Any], word: str
) -> None:
    call = played({"/voice": DIAL.format(OWN)}, SETTINGS)
    verdict = judge(call)
    good = row(services, company)
    assert row_problems(services, company.id, call, verdict, [good]) == []
    found = row_problems(services, company.id, call, verdict, [row(services, company, **wrong)])
    assert any(word in one for one in found), found


def test_a_lost_and_a_doubled_row_are_found(services: Services, company: Company) -> None:
    call = played({"/voice": DIAL.format(OWN)}, SETTINGS)
    good = row(services, company)
    for rows in ([], [good, good]):
        found = row_problems(services, company.id, call, judge(call), rows)
        assert found == [f"{len(rows)} rows"]


def test_a_talk_that_never_was_and_a_recording_nobody_made_are_found(
    services: Services, company: Company
) -> None:
    call = played({"/voice": DIAL.format(OWN)}, SETTINGS, outcome="busy")
    found = row_problems(services, company.id, call, judge(call), [row(services, company)])
    assert "says that somebody talked, and nobody did" in found
    joined = played({"/voice": DIAL.format(OWN)}, SETTINGS)
    sound = Stored(row(services, company).call, [], [{"kind": "call", "seconds": 180}])
    assert any(
        "recorded" in one for one in row_problems(services, company.id, joined, judge(joined), [sound])
    )


def test_a_row_unlike_the_one_in_calm_weather_is_found(services: Services, company: Company) -> None:
    calm = row(services, company)
    assert differences(calm, row(services, company)) == []
    leg = {"to_number": OWN, "status": "completed", "leg_sid": "CA1"}
    assert differences(replace(calm, legs=[leg]), calm)
    other = row(services, company, talk_seconds=1)
    assert differences(other, calm) == ["talk_seconds is 1, in calm weather 180"]
    assert differences(replace(calm, legs=[leg]), replace(calm, legs=[leg | {"leg_sid": "CA2"}])) == []
