"""What call flows ask of a carrier: telephone systems, limits, a survey, early keys, several phones."""

from __future__ import annotations

from typing import Any

from flask import request

from calltrack.sandbox.carrier import CallJournal, CallScript, LegScript, play
from tests.sandbox.carrier.hooks import MOBILE, OFFICE, SCREEN, TOKEN, TRACKING, Hooks, dial

PBX = "sip:office@pbx.example;transport=tls"
SURVEY = (
    '<Response><Gather numDigits="1" action="/v/survey" actionOnEmptyResult="true">'
    "<Say>1 to 5</Say></Gather></Response>"
)


def call(hooks: Hooks, **script: Any) -> CallJournal:
    return play(CallScript(from_="+393331234567", to=TRACKING, **script), hooks.number(), TOKEN)


def with_survey(hooks: Hooks, attributes: str = "") -> None:
    hooks.says("voice", dial(attributes, base=hooks.base))
    hooks.says("dialed", SURVEY)
    hooks.says("survey", "<Response><Say>Thank you</Say><Hangup/></Response>")


def test_a_telephone_system_is_rung(hooks: Hooks) -> None:
    leg = f'url="{hooks.base}/v/whisper" statusCallback="{hooks.base}/v/leg"'
    hooks.says("voice", f'<Response><Dial action="/v/dialed"><Sip {leg}>{PBX}</Sip></Dial></Response>')
    journal = call(hooks)
    assert (journal.result, journal.rang, journal.whispered) == ("talked", [PBX], ["Call from Google Ads"])
    assert [fields["To"] for fields in hooks.of("leg")] == [PBX]


def test_the_caller_answers_a_survey_after_the_business_hung_up(hooks: Hooks) -> None:
    with_survey(hooks)
    journal = call(hooks, digits=("5",))
    assert journal.heard == ["1 to 5", "Thank you"]
    assert hooks.of("survey")[0]["Digits"] == "5"
    assert call(hooks, hangs_up="caller", digits=("5",)).heard == []
    assert len(hooks.of("survey")) == 1


def test_star_and_the_time_limit_end_the_talk_but_not_the_call(hooks: Hooks) -> None:
    with_survey(hooks, 'hangupOnStar="true" timeLimit="60"')
    journal = call(hooks, talk_seconds=300, hangs_up="caller")
    assert (journal.talk_seconds, journal.heard[0]) == (60, "1 to 5")
    assert call(hooks, talk_seconds=300, star_after=20).talk_seconds == 20
    with_survey(hooks)
    assert call(hooks, talk_seconds=300, star_after=20).talk_seconds == 300


def test_a_key_cuts_the_words_short(hooks: Hooks) -> None:
    with_survey(hooks)
    assert call(hooks, digits=("5",), keys_cut_in=True).heard == ["Thank you"]


def test_several_phones_are_screened_and_the_second_takes_the_call(hooks: Hooks) -> None:
    hooks.says("voice", dial('sequential="true"', OFFICE, MOBILE, base=hooks.base))
    hooks.says("whisper", SCREEN)
    hooks.answers["accept"] = lambda: (
        "<Response/>" if request.form["Digits"] == "1" else "<Response><Hangup/></Response>",
        {"Content-Type": "text/xml"},
    )
    journal = call(hooks, legs={OFFICE: LegScript(result="busy"), MOBILE: LegScript(whisper="1")})
    assert (journal.bridged, journal.rang) == (True, [OFFICE, MOBILE])
    assert not call(hooks, legs={OFFICE: LegScript(whisper="3"), MOBILE: LegScript(result="busy")}).bridged
