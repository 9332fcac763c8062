"""Plans become documents that keep every rule; plans that cannot work cannot be built."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltrack.sandbox.carrier.twiml_rules import problems
from calltrack.telephony.base import (
    AfterDial,
    CallPlan,
    Document,
    HookUrls,
    SafeAnswer,
    Silence,
    Voicemail,
    Whisper,
)
from calltrack.telephony.twilio import for_reports, render

BASE = "https://calls.example/voice/0f3a"
URLS = HookUrls(
    action=f"{BASE}/dialed",
    leg=f"{BASE}/leg",
    whisper=f"{BASE}/whisper",
    recording=f"{BASE}/recording",
    voicemail=f"{BASE}/voicemail",
)
PLAN = CallPlan(targets=("+390669940001",), urls=URLS)

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def verbs(document: Document) -> list[ET.Element]:
    return list(ET.fromstring(render(document)))


def test_a_plain_call_is_answered_when_the_business_answers() -> None:
    [dial] = verbs(replace(PLAN, whisper="Chiamata da Google Ads"))
    assert (dial.tag, dial.get("answerOnBridge"), dial.get("timeout")) == ("Dial", "true", "18")
    assert dial.get("callerId") is None
    assert (dial.get("action") or "").startswith(f"{BASE}/dialed#rc=2&rp=ct,5xx")
    [number] = dial
    assert number.text == "+390669940001"
    assert (number.get("url") or "").startswith(f"{BASE}/whisper#")
    assert number.get("statusCallbackEvent") == "initiated ringing answered completed"


def test_a_recorded_call_is_announced_first() -> None:
    say, dial = verbs(
        replace(PLAN, announcement="La chiamata è registrata & <salvata>", language="it-IT", record=True)
    )
    assert (say.text, say.get("language")) == ("La chiamata è registrata & <salvata>", "it-IT")
    assert dial.get("answerOnBridge") is None
    assert dial.get("record") == "record-from-answer-dual"
    assert dial.get("recordingStatusCallbackEvent") == "completed absent"


def test_the_called_number_can_be_shown() -> None:
    [dial] = verbs(replace(PLAN, caller_id="called", called="+390687650001"))
    assert dial.get("callerId") == "+390687650001"


def test_a_retry_rule_of_ones_own_is_kept() -> None:
    assert for_reports("https://a.example/x#rc=0") == "https://a.example/x#rc=0"


def test_the_other_documents() -> None:
    assert [v.tag for v in verbs(Whisper(text="Da Google"))] == ["Say"]
    assert [v.tag for v in verbs(Whisper(text="Da Google", accept_url=f"{BASE}/accept"))] == [
        "Gather",
        "Hangup",
    ]
    assert [v.tag for v in verbs(AfterDial())] == ["Hangup"]
    voicemail = Voicemail(action=f"{BASE}/voicemail", recording=f"{BASE}/recording")
    assert [v.tag for v in verbs(AfterDial(say="Dopo il segnale", voicemail=voicemail))] == [
        "Say",
        "Record",
        "Hangup",
    ]
    assert [v.tag for v in verbs(SafeAnswer(text="Numero non attivo"))] == ["Say", "Hangup"]
    assert [v.tag for v in verbs(SafeAnswer(text="x", target="+390669940001"))] == ["Dial", "Say", "Hangup"]
    assert [v.tag for v in verbs(SafeAnswer(text="x", target="+390669940001", action=BASE))] == ["Dial"]
    assert verbs(Silence()) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"targets": ()}, "1 to 10"),
        ({"targets": ("+390669940001",) * 11}, "1 to 10"),
        ({"targets": ("0669940001",)}, "E.164"),
        ({"record": True}, "announcement"),
        ({"record": True, "announcement": "x", "urls": replace(URLS, recording=None)}, "recording"),
        ({"whisper": "x", "urls": replace(URLS, whisper=None)}, "whisper"),
        ({"whisper": " "}, "whisper"),
        ({"ring_seconds": 4}, "ring_seconds"),
        ({"caller_id": "called"}, "called"),
        ({"language": "italiano"}, "language"),
    ],
)
def test_a_plan_that_cannot_work_cannot_be_built(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(PLAN, **changes)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    "url", ["/voice", "https://a.example/è", "https://a.example/a b", "ftp://a", "https://"]
)
def test_addresses_are_plain_and_absolute(url: str) -> None:
    with pytest.raises(ValueError, match="action"):
        HookUrls(action=url, leg=BASE)
    with pytest.raises(ValueError, match="action"):
        Voicemail(action=url)


TEXTS = st.text(min_size=1, max_size=80).filter(lambda text: bool(text.strip()))
NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
LANGUAGES = st.sampled_from([None, "it-IT", "en-US"])
CALL_PLANS = st.builds(
    CallPlan,
    targets=st.lists(NUMBERS, min_size=1, max_size=10).map(tuple),
    urls=st.just(URLS),
    announcement=TEXTS,
    language=LANGUAGES,
    ring_seconds=st.integers(5, 600),
    sequential=st.booleans(),
    whisper=st.none() | TEXTS,
    caller_id=st.sampled_from(["caller", "called"]),
    called=NUMBERS,
    record=st.booleans(),
)
DOCUMENTS = (
    CALL_PLANS
    | CALL_PLANS.map(lambda plan: replace(plan, announcement=None, record=False))
    | st.builds(
        AfterDial,
        say=st.none() | TEXTS,
        language=LANGUAGES,
        voicemail=st.none() | st.just(Voicemail(action=f"{BASE}/v")),
    )
    | st.builds(SafeAnswer, text=TEXTS, language=LANGUAGES, target=st.none() | NUMBERS, action=st.just(None))
)
WHISPERS = st.builds(
    Whisper, text=TEXTS, language=LANGUAGES, accept_url=st.sampled_from([None, f"{BASE}/accept"])
)


@UNHURRIED
@given(DOCUMENTS)
def test_every_document_keeps_the_rules(document: Document) -> None:
    assert problems(render(document)) == []


@UNHURRIED
@given(WHISPERS)
def test_every_whisper_keeps_the_rules(whisper: Whisper) -> None:
    assert problems(render(whisper), whisper=True) == []
