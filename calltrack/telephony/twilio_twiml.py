"""Call plans as TwiML, written by Twilio's own library."""

from __future__ import annotations

import re

from twilio.twiml.voice_response import (  # type: ignore[import-untyped]  # ships no types
    Dial,
    Gather,
    VoiceResponse,
)

from calltrack.telephony.plans import AfterDial, CallPlan, Document, SafeAnswer, Silence, Voicemail, Whisper

CONTENT_TYPE = "text/xml; charset=utf-8"
LOOKUPS = "rc=2&rp=ct,5xx&ct=2000&rt=6000"
REPORTS = "rc=3&rp=all&tt=15000"
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(document: Document) -> str:
    """Return the TwiML that carries the plan out."""
    response = VoiceResponse()
    match document:
        case CallPlan():
            _connect(response, document)
        case Whisper():
            _whisper(response, document)
        case AfterDial():
            _after_dial(response, document)
        case SafeAnswer():
            _safe_answer(response, document)
        case Silence():
            pass
    return str(response)


def for_lookups(url: str) -> str:
    """Return the address with the retry rule for requests somebody waits for; an own rule is kept."""
    return url if "#" in url else f"{url}#{LOOKUPS}"


def for_reports(url: str) -> str:
    """Return the address with the retry rule for reports; without it an error of ours loses the report."""
    return url if "#" in url else f"{url}#{REPORTS}"


def _connect(response: VoiceResponse, plan: CallPlan) -> None:
    if plan.announcement is not None:
        response.say(_speakable(plan.announcement), language=plan.language)
    recording = {
        "record": "record-from-answer-dual",
        "recording_status_callback": for_reports(plan.urls.recording or ""),
        "recording_status_callback_event": "completed absent",
    }
    dial = Dial(
        action=for_lookups(plan.urls.action),
        method="POST",
        timeout=plan.ring_seconds,
        # The carrier honours it on the first verb only: after an announcement the call is answered anyway.
        answer_on_bridge=True if plan.announcement is None else None,
        caller_id=plan.called if plan.caller_id == "called" else None,
        sequential=True if plan.sequential and len(plan.targets) > 1 else None,
        **(recording if plan.record else {}),
    )
    whisper = for_lookups(plan.urls.whisper) if plan.whisper is not None and plan.urls.whisper else None
    for target in plan.targets:
        dial.number(
            target,
            url=whisper,
            method="POST" if whisper else None,
            status_callback=for_reports(plan.urls.leg),
            status_callback_event="initiated ringing answered completed",
            status_callback_method="POST",
        )
    response.append(dial)


def _whisper(response: VoiceResponse, whisper: Whisper) -> None:
    if whisper.accept_url is None:
        response.say(_speakable(whisper.text), language=whisper.language)
        return
    gather = Gather(
        input="dtmf", num_digits=1, timeout=6, action=for_lookups(whisper.accept_url), method="POST"
    )
    gather.say(_speakable(whisper.text), language=whisper.language)
    response.append(gather)
    response.hangup()


def _after_dial(response: VoiceResponse, after: AfterDial) -> None:
    if after.say is not None:
        response.say(_speakable(after.say), language=after.language)
    if after.voicemail is None:
        response.hangup()
    else:
        _record(response, after.voicemail)


def _record(response: VoiceResponse, voicemail: Voicemail) -> None:
    told = voicemail.recording
    response.record(
        action=for_lookups(voicemail.action),
        method="POST",
        max_length=voicemail.max_seconds,
        play_beep=True,
        finish_on_key="#",
        timeout=5,
        recording_status_callback=for_reports(told) if told else None,
        recording_status_callback_event="completed absent" if told else None,
    )
    response.hangup()  # Reached when nothing was said.


def _safe_answer(response: VoiceResponse, answer: SafeAnswer) -> None:
    if answer.target is not None:
        action = for_lookups(answer.action) if answer.action else None
        method = "POST" if action else None
        response.dial(
            answer.target, timeout=answer.ring_seconds, answer_on_bridge=True, action=action, method=method
        )
        if action:
            return
    response.say(_speakable(answer.text), language=answer.language)
    response.hangup()


def _speakable(text: str) -> str:
    """Drop what cannot stand in XML; a text of nothing else becomes a pause."""
    return NOT_XML.sub("", text).strip() or "."
