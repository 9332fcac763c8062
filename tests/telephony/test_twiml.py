"""Plans become documents that keep every rule; plans that cannot work cannot be built."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from calltrack.sandbox.carrier.twiml_rules import problems
from calltrack.telephony.base import (
    Announced,
    Ask,
    CallPlan,
    Document,
    GoTo,
    HangUp,
    Part,
    Play,
    Reject,
    Ring,
    Silence,
    Speak,
    TakeMessage,
    Target,
    Whisper,
)
from calltrack.telephony.twilio import for_reports, render
from tests.examples import examples
from tests.telephony.plans import BASE, PARTS, PROOFS, WHISPERS, plan_or_reason

OFFICE = Target(address="+390669940001", whisper=f"{BASE}/whisper")
RING = Ring(targets=(OFFICE,), action=f"{BASE}/dialed", leg=f"{BASE}/leg", recording=f"{BASE}/recording")
NOTICE = Speak(text="La chiamata è registrata & <salvata>", language="it-IT", is_notice=True)
MESSAGE = TakeMessage(action=f"{BASE}/voicemail", recording=f"{BASE}/recording")
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=examples(100))


def verbs(document: Document) -> list[ET.Element]:
    return list(ET.fromstring(render(document)))


def test_a_plain_call_is_answered_when_the_business_answers() -> None:
    [dial] = verbs(CallPlan((RING,)))
    assert (dial.tag, dial.get("answerOnBridge"), dial.get("timeout")) == ("Dial", "true", "15")
    assert dial.get("callerId") is None
    assert (dial.get("action") or "").startswith(f"{BASE}/dialed#rc=2&rp=ct,5xx")
    [number] = dial
    assert number.text == "+390669940001"
    assert (number.get("url") or "").startswith(f"{BASE}/whisper#")
    assert number.get("statusCallbackEvent") == "initiated ringing answered completed"


def test_a_recorded_call_is_announced_first() -> None:
    say, dial = verbs(CallPlan((NOTICE, replace(RING, record=True))))
    assert (say.text, say.get("language")) == (NOTICE.text, "it-IT")
    assert dial.get("answerOnBridge") is None
    assert dial.get("record") == "record-from-answer-dual"
    assert dial.get("recordingStatusCallbackEvent") == "completed absent"


def test_everything_a_ring_can_be_told() -> None:
    pbx = Target(address="sip:office@pbx.example;transport=tls")
    ring = replace(
        RING,
        targets=(pbx, OFFICE),
        caller_id="+390687650001",
        time_limit=600,
        star_ends=True,
        one_by_one=True,
    )
    [dial] = verbs(CallPlan((ring,)))
    assert (dial.get("callerId"), dial.get("timeLimit")) == ("+390687650001", "600")
    assert (dial.get("hangupOnStar"), dial.get("sequential")) == ("true", "true")
    assert [(target.tag, target.text) for target in dial] == [
        ("Sip", pbx.address),
        ("Number", OFFICE.address),
    ]
    assert dial[0].get("url") is None


def test_a_retry_rule_of_ones_own_is_kept() -> None:
    assert for_reports("https://a.example/x#rc=0") == "https://a.example/x#rc=0"


@pytest.mark.parametrize(
    ("document", "tags"),
    [
        (Whisper(text="Da Google"), ["Say"]),
        (Whisper(text="Da Google", accept_url=f"{BASE}/accept"), ["Gather", "Hangup"]),
        (CallPlan((HangUp(),)), ["Hangup"]),
        (CallPlan((Speak(text="Dopo il segnale"), MESSAGE)), ["Say", "Record", "Hangup"]),
        (CallPlan((Reject(reason="busy"),)), ["Reject"]),
        (CallPlan((Play(url="https://media.example/a.mp3"), GoTo(url=BASE))), ["Play", "Redirect"]),
        (CallPlan((Ask(action=BASE, even_without_key=True),)), ["Gather"]),
        (CallPlan((replace(RING, action=None), Speak(text="x"), HangUp())), ["Dial", "Say", "Hangup"]),
        (Silence(), []),
    ],
)
def test_the_other_documents(document: Document, tags: list[str]) -> None:
    assert [verb.tag for verb in verbs(document)] == tags


RECORDED = replace(RING, record=True)
ASKED = Ask(action=BASE, prompts=(NOTICE,))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ((), "1 to"),
        ((HangUp(), RING), "Nothing after HangUp"),
        ((RING, Speak(text="x")), "Nothing after Ring"),
        ((Speak(text="x"),), "does not end"),
        ((ASKED,), "does not end"),
        ((Speak(text="x"), Reject()), "rejected only before"),
        ((MESSAGE,), "words that ask"),
        ((RECORDED,), "announcement"),
        ((Speak(text="Benvenuti"), RECORDED), "announcement"),
        ((Ask(action=BASE, prompts=(Speak(text="1?"),)), RECORDED), "announcement"),
        ((replace(RECORDED, action=None), NOTICE, HangUp()), "announcement"),
    ],
)
def test_a_plan_that_cannot_work_cannot_be_built(parts: tuple[Part, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CallPlan(parts)


def test_a_notice_may_have_been_heard_before_or_be_part_of_a_question() -> None:
    assert "record=" in render(CallPlan((RECORDED,), Announced("welcome")))
    assert "record=" in render(CallPlan((ASKED, RECORDED)))


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (Ring, {"targets": ()}, "1 to 10"),
        (Ring, {"targets": (OFFICE,) * 11}, "1 to 10"),
        (Ring, {"targets": (OFFICE,), "seconds": 4}, "seconds"),
        (Ring, {"targets": (OFFICE,), "time_limit": 5}, "time_limit"),
        (Ring, {"targets": (OFFICE,), "caller_id": "anonymous"}, "caller_id"),
        (Ring, {"targets": (OFFICE,), "record": True}, "recording"),
        (Target, {"address": "0669940001"}, "E.164"),
        (Target, {"address": "sip:a b@pbx"}, "sip:office"),
        (Target, {"address": "sip:a@pbx?X-Evil=1"}, "sip:office"),
        (Speak, {"text": " "}, "text"),
        (Speak, {"text": "\x1b..."}, "text"),
        (Speak, {"text": "x", "language": "italiano"}, "language"),
        (Ask, {"action": BASE, "seconds": 0}, "seconds"),
        (TakeMessage, {"action": BASE, "seconds": 2}, "seconds"),
    ],
)
def test_a_part_that_cannot_work_cannot_be_built(kind: Any, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        kind(**changes)


@pytest.mark.parametrize(
    "url", ["/voice", "https://a.example/è", "https://a.example/a b", "ftp://a", "https://"]
)
def test_addresses_are_plain_and_absolute(url: str) -> None:
    kinds: list[tuple[Any, str]] = [(TakeMessage, "action"), (GoTo, "url"), (Play, "url"), (Ask, "action")]
    for kind, name in kinds:
        with pytest.raises(ValueError, match=name):
            kind(**{name: url})


@UNHURRIED
@given(PARTS, PROOFS)
def test_every_document_keeps_the_rules(parts: tuple[Part, ...], proof: Announced | None) -> None:
    plan = plan_or_reason(parts, proof)
    if isinstance(plan, CallPlan):
        assert problems(render(plan)) == []


@UNHURRIED
@given(PARTS)
def test_nothing_is_recorded_that_was_not_announced(parts: tuple[Part, ...]) -> None:
    plan = plan_or_reason(parts, None)
    if isinstance(plan, str):
        return
    heard = ""
    for verb in verbs(plan):
        if verb.get("record"):
            assert "Registriamo" in heard
        heard += "".join(verb.itertext())


@UNHURRIED
@given(WHISPERS)
def test_every_whisper_keeps_the_rules(whisper: Whisper) -> None:
    assert problems(render(whisper), whisper=True) == []
