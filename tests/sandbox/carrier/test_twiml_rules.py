"""The rule checker finds what it is there to find."""

from __future__ import annotations

import pytest

from calltrack.sandbox.carrier.twiml_rules import problems

GOOD = '<Response><Say language="it-IT">Ciao</Say><Dial action="https://a.example/x"><Number>+390612345</Number></Dial></Response>'


@pytest.mark.parametrize(
    "document",
    [
        GOOD,
        "<Response/>",
        '<?xml version="1.0" encoding="UTF-8"?><Response><Reject reason="busy"/></Response>',
        '<Response><Dial record="record-from-answer-dual">+390612345678</Dial><Say>x</Say></Response>',
        "<Response><Dial><Sip>sip:office@pbx.example:5061;transport=tls</Sip></Dial></Response>",
        '<Response><Dial timeLimit="600" hangupOnStar="true"><Client>anna</Client></Dial></Response>',
        '<Response><Dial><Conference endConferenceOnExit="true">room</Conference></Dial></Response>',
        '<Response><Start><Recording channels="dual"/></Start><Say>x</Say></Response>',
        '<Response><Enqueue waitUrl="https://a.example/w">sales</Enqueue><Leave/></Response>',
        '<Response><Gather finishOnKey="" actionOnEmptyResult="true"><Play>/a.mp3</Play></Gather></Response>',
        '<Response><Gather input="dtmf speech" numDigits="1"><Say>x</Say></Gather><Hangup/></Response>',
    ],
)
def test_good_documents_have_no_problems(document: str) -> None:
    assert problems(document) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("<Response>", "not well formed"),
        ("<Answer/>", "not <Response>"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><Response/>', "document type"),
        ("<Response><Shout/></Response>", "not a verb"),
        ("<Response><Dial><Say>x</Say></Dial></Response>", "cannot stand in"),
        ("<Response><Dial><Sip>office@pbx.example</Sip></Dial></Response>", "cannot dial"),
        (f"<Response><Dial>{'<Sip>sip:a@b</Sip>' * 11}</Dial></Response>", "at most ten"),
        (
            "<Response><Dial><Conference>a</Conference><Number>+390612345678</Number></Dial></Response>",
            "alone",
        ),
        ('<Response><Dial sequential="true"><Number>+390612345678</Number></Dial></Response>', "one after"),
        ('<Response><Gather numDigits="1"><Say>1?</Say></Gather></Response>', "simply ends"),
        ('<Response><Gather actionOnEmptyResult="true"/><Hangup/></Response>', "ever reached"),
        ('<Response><Record action="/x" maxLength="0"/></Response>', "limits"),
        ("<Response><Redirect/></Response>", "no address"),
        ("<Response><Play/><Hangup/></Response>", "no address"),
        ("<Response><Say>...</Say></Response>", "nothing to say"),
        (f"<Response><Say>{'x' * 5000}</Say></Response>", "at most 4096"),
        ("<Response><Dial>0612345678</Dial></Response>", "cannot dial"),
        ('<Response><Dial timeout="4">+390612345678</Dial></Response>', "cannot be '4'"),
        (
            "<Response><Dial recordingStatusCallbackEvent=\"['a', 'b']\">+390612345678</Dial></Response>",
            "cannot be",
        ),
        ('<Response><Dial answerOnBrigde="true">+390612345678</Dial></Response>', "no attribute"),
        ('<Response><Say>x</Say><Dial answerOnBridge="true">+390612345678</Dial></Response>', "first verb"),
        ('<Response><Dial action="https://a.b">+390612345678</Dial><Hangup/></Response>', "ever reached"),
        ("<Response><Record/></Response>", "for ever"),
        ("<Response><Say>x</Say><Reject/></Response>", "come first"),
        ("<Response><Say/></Response>", "nothing to say"),
        ("<Response><Hangup/><Say>x</Say></Response>", "ever reached"),
        (f"<Response><Say>{'x' * 70000}</Say></Response>", "larger"),
    ],
)
def test_each_mistake_is_named(document: str, words: str) -> None:
    found = problems(document)
    assert any(words in problem for problem in found), found


def test_a_whisper_cannot_dial() -> None:
    assert problems("<Response><Dial>+390612345678</Dial></Response>", whisper=True)
    assert not problems("<Response><Say>x</Say></Response>", whisper=True)
