"""When our hooks fail: retries, the fallback address, the error message; cookies, redirects, limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Response, redirect, request

from calltrack.sandbox.carrier import CallJournal, CallScript, Switchboard, Switches, play
from calltrack.sandbox.carrier.overrides import overrides_of
from tests.sandbox.carrier.hooks import OFFICE, TOKEN, TRACKING, Hooks, dial, eventually

SCRIPT = CallScript(from_="+393331234567", to=TRACKING)
SAFE = f"<Response><Dial>{OFFICE}</Dial></Response>"


def call(hooks: Hooks, script: CallScript = SCRIPT, **number: Any) -> CallJournal:
    return play(script, hooks.number(**number), TOKEN)


def failing(times: int, then: str, status: int = 500) -> Callable[[], Response]:
    left = [times]

    def answer() -> Response:
        left[0] -= 1
        return Response("", status) if left[0] >= 0 else Response(then, content_type="text/xml")

    return answer


def test_an_error_without_a_fallback_is_an_error_tone(hooks: Hooks) -> None:
    hooks.says("voice", "", 500)
    journal = call(hooks, voice_fallback_url=None)
    assert (journal.result, journal.connected) == ("error", False)
    assert "application error" in journal.heard[0]
    assert len(hooks.of("voice")) == 1, "an HTTP 500 is not tried again by default"
    assert hooks.of("status")[0]["CallStatus"] == "completed"
    failed = Switches(status_after_application_error="failed")
    call(hooks, replace(SCRIPT, switches=failed), voice_fallback_url=None)
    assert hooks.of("status")[1]["CallStatus"] == "failed"


def test_the_fallback_connects_the_caller(hooks: Hooks) -> None:
    hooks.says("voice", "", 500)
    hooks.says("fallback", SAFE)
    journal = call(hooks)
    assert (journal.result, journal.rang, journal.via_fallback) == ("talked", [OFFICE], True)
    [asked] = hooks.of("fallback")
    assert (asked["ErrorCode"], asked["ErrorUrl"]) == ("11200", f"{hooks.base}/v/voice")


def test_a_fallback_that_fails_too_is_an_error_tone(hooks: Hooks) -> None:
    hooks.says("voice", "", 500)
    hooks.says("fallback", "", 503)
    assert (call(hooks).result, call(hooks).connected) == ("error", False)


@pytest.mark.parametrize(("fragment", "failures", "asked"), [("#rc=2&rp=5xx", 2, 3), ("#rc=1&rp=all", 1, 2)])
def test_the_address_can_ask_for_more_tries(hooks: Hooks, fragment: str, failures: int, asked: int) -> None:
    hooks.answers["voice"] = failing(failures, dial(base=hooks.base))
    journal = call(hooks, voice_url=f"{hooks.base}/v/voice{fragment}")
    assert (journal.bridged, journal.via_fallback) == (True, False)
    assert len(hooks.of("voice")) == asked
    tokens = {headers["I-Twilio-Idempotency-Token"] for headers in hooks.headers[:asked]}
    assert len(tokens) == 1


def test_a_4xx_is_not_a_5xx(hooks: Hooks) -> None:
    hooks.answers["voice"] = failing(1, dial(base=hooks.base), 403)
    call(hooks, voice_url=f"{hooks.base}/v/voice#rc=2&rp=5xx", voice_fallback_url=None)
    assert len(hooks.of("voice")) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        ("<Response>", "text/xml", "12100"),
        ("<Answer/>", "text/xml", "12102"),
        ("{}", "application/json", "12300"),
        ("<!DOCTYPE a><Response/>", "text/xml", "12100"),
    ],
)
def test_an_answer_that_cannot_be_read_goes_to_the_fallback(
    hooks: Hooks, body: str, content_type: str, code: str
) -> None:
    hooks.says("voice", body, 200, content_type)
    hooks.says("fallback", SAFE)
    assert call(hooks).connected
    assert hooks.of("fallback")[0]["ErrorCode"] == code


def test_plain_text_is_read_out_and_an_empty_answer_ends(hooks: Hooks) -> None:
    hooks.says("voice", "Hello there", 200, "text/plain")
    assert call(hooks).heard == ["Hello there"]
    hooks.says("voice", "", 204)
    assert (call(hooks).result, hooks.of("fallback")) == ("missed", [])
    call(hooks, replace(SCRIPT, switches=Switches(empty_answer="error")))
    assert hooks.of("fallback")[0]["ErrorCode"] == "12100"


def test_a_failing_action_uses_the_fallback_and_a_failing_report_changes_nothing(hooks: Hooks) -> None:
    hooks.says("dialed", "", 500)
    hooks.says("leg", "", 500)
    hooks.says("fallback", "<Response><Say>Sorry</Say></Response>")
    journal = call(hooks)
    assert (journal.result, journal.heard) == ("talked", ["Sorry"])
    assert len(hooks.of("leg")) == 4, "reports are not tried again after a 500"
    call(hooks, replace(SCRIPT, switches=Switches(reports_retried_on_5xx=True)))
    assert len(hooks.of("leg")) == 4 + 8


@pytest.mark.parametrize(("switch", "bridged"), [("hangup", False), ("bridge", True)])
def test_a_failing_whisper(hooks: Hooks, switch: Any, bridged: bool) -> None:
    hooks.says("whisper", "", 500)
    assert call(hooks, replace(SCRIPT, switches=Switches(whisper_failure=switch))).bridged is bridged


def test_a_redirect_loses_the_fields_and_cookies_stay_with_the_call(hooks: Hooks) -> None:
    def bounce() -> Response:
        answer = redirect(f"{hooks.base}/v/elsewhere")
        answer.set_cookie("call", "0f3a")
        return answer  # type: ignore[return-value]  # the library types its redirects more widely

    hooks.answers["voice"] = bounce
    hooks.says("elsewhere", dial(base=hooks.base))
    assert call(hooks).bridged
    assert hooks.asked[1] == ("elsewhere", "GET", {})
    assert all("call=0f3a" in headers.get("Cookie", "") for headers in hooks.headers[1:])
    assert "Cookie" not in hooks.headers[0]
    hooks.headers.clear()
    call(hooks)
    assert "Cookie" not in hooks.headers[0], "the next call begins without cookies"


def test_endless_redirects_end(hooks: Hooks) -> None:
    hooks.answers["voice"] = lambda: redirect(request.url)
    hooks.says("fallback", SAFE)
    assert call(hooks).connected
    assert hooks.of("fallback")[0]["ErrorCode"] == "11215"


def test_a_slow_hook_is_left_after_its_limit(hooks: Hooks) -> None:
    is_over = threading.Event()

    def slow() -> Response:
        is_over.wait(20)
        return Response("<Response/>", content_type="text/xml")

    hooks.answers["voice"] = slow
    hooks.says("fallback", SAFE)
    began = time.monotonic()
    journal = call(hooks, voice_url=f"{hooks.base}/v/voice#rt=200")
    took = time.monotonic() - began
    is_over.set()
    assert (journal.connected, journal.via_fallback) == (True, True)
    assert 0.2 <= took < 10


def test_a_dead_server_is_an_error_of_connection(hooks: Hooks) -> None:
    hooks.says("fallback", SAFE)
    journal = call(hooks, voice_url="http://127.0.0.1:1/v/voice")
    assert hooks.of("fallback")[0]["ErrorCode"] == "11205"
    assert [entry.attempt for entry in journal.requests if entry.purpose == "voice"] == [1, 2]


def test_a_public_address_can_be_asked_elsewhere(hooks: Hooks) -> None:
    public = "https://calls.example"
    real, hooks.base = hooks.base, public
    hooks.says("voice", dial(base=public))
    journal = play(SCRIPT, hooks.number(), TOKEN, via={public: real})
    assert journal.result == "talked"


def test_rules_of_an_address() -> None:
    assert overrides_of("https://a.example/x#rc=9&ct=50&tt=x") == overrides_of("https://a.example/x")
    rules = overrides_of("https://a.example/x#rc=3&rp=ct,5xx&ct=2000&rt=6000&tt=9000")
    assert (rules.retries, rules.connect_seconds, rules.read_seconds, rules.total_seconds) == (
        3,
        2.0,
        6.0,
        9.0,
    )
    assert rules.allows("5xx", 3)
    assert not rules.allows("5xx", 4)
    assert not rules.allows("4xx", 1)


def test_many_calls_at_once_on_one_number(hooks: Hooks) -> None:
    board = Switchboard(at_once=8)
    number = hooks.number()
    journals = board.play_all([(replace(SCRIPT, order="shuffled", seed=n), number) for n in range(16)], TOKEN)
    assert all(journal.bridged for journal in journals)
    assert len({fields["CallSid"] for fields in hooks.of("voice")}) == 16
    assert len(hooks.of("status")) == 16
    board.close()


def test_a_call_can_be_watched_and_an_unknown_number_is_told(hooks: Hooks) -> None:
    board = Switchboard(at_once=2)
    journal = board.start(replace(SCRIPT, speed=200), hooks.number(), TOKEN)
    assert board.find(journal.call_sid) is journal
    eventually(lambda: journal.state == "ended")
    assert journal.result == "talked"
    nobody = board.start(SCRIPT, None)
    assert (nobody.result, nobody.state, nobody.connected) == ("not-in-service", "ended", False)
    assert board.latest() == [nobody, journal]
    assert board.find("CA0") is None
    lines = journal.to_json()["lines"]
    assert len(journal.to_json(after=lines - 1)["entries"]) == 1
    board.close()


def test_a_fault_of_the_simulator_stands_in_the_journal(hooks: Hooks) -> None:
    board = Switchboard(at_once=1)
    journal = board.start(SCRIPT, hooks.number(voice_url="http://[broken/"), TOKEN)
    eventually(lambda: journal.state == "ended")
    assert any(
        entry.text.startswith(("The simulator itself failed", "Error 11210")) for entry in journal.entries
    )
    board.close()
