"""Call plans as TwiML, written by Twilio's own library: every document the product can emit is made here."""

from __future__ import annotations

import re
from typing import Any

from twilio.twiml.voice_response import (
    Dial,
    Gather,
    Start,
    VoiceResponse,
)

from calltrack.telephony.plans import (
    Ask,
    CallPlan,
    Document,
    GoTo,
    HangUp,
    Part,
    Play,
    Prompt,
    Reject,
    Ring,
    Silence,
    Speak,
    TakeMessage,
    Target,
    Transcribe,
    Whisper,
    tells_of_recording,
)

CONTENT_TYPE = "text/xml; charset=utf-8"
LOOKUPS = "rc=2&rp=ct,5xx&ct=2000&rt=6000"
REPORTS = "rc=3&rp=all&tt=15000"
LEG_EVENTS = "initiated ringing answered completed"
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(document: Document) -> str:
    """Return the TwiML that carries the plan out."""
    response = VoiceResponse()
    match document:
        case CallPlan():
            _plan(response, document)
        case Whisper():
            _whisper(response, document)
        case Silence():
            pass
    return str(response)


def for_lookups(url: str) -> str:
    """Return the address with the retry rule for requests somebody waits for; an own rule is kept."""
    return url if "#" in url else f"{url}#{LOOKUPS}"


def for_reports(url: str) -> str:
    """Return the address with the retry rule for reports; without it an error of ours loses the report."""
    return url if "#" in url else f"{url}#{REPORTS}"


def _plan(response: VoiceResponse, plan: CallPlan) -> None:
    is_told = plan.announced is not None
    for place, part in enumerate(plan.parts):
        _part(response, part, is_first=place == 0, is_told=is_told)
        is_told = is_told or tells_of_recording(part)


def _part(response: VoiceResponse, part: Part, *, is_first: bool, is_told: bool) -> None:
    match part:
        case Speak() | Play():
            _prompt(response, part)
        case Ask():
            _ask(response, part)
        case Transcribe():
            response.append(_transcribe(part, is_told=is_told))
        case Ring():
            response.append(_ring(part, is_first=is_first, is_told=is_told))
        case TakeMessage():
            _take_message(response, part)
        case GoTo():
            response.redirect(for_lookups(part.url), method="POST")
        case Reject():
            response.reject(reason=part.reason)
        case HangUp():
            response.hangup()


def _prompt(parent: Any, prompt: Prompt) -> None:
    if isinstance(prompt, Speak):
        parent.say(_speakable(prompt.text), language=prompt.language)
    else:
        parent.play(prompt.url)


def _ask(response: VoiceResponse, ask: Ask) -> None:
    gather = Gather(
        input="dtmf",
        num_digits=1,
        timeout=ask.seconds,
        finish_on_key="",  # Every key is an answer, # too.
        action=for_lookups(ask.action),
        method="POST",
        action_on_empty_result=True if ask.even_without_key else None,
    )
    for prompt in ask.prompts:
        _prompt(gather, prompt)
    response.append(gather)


def _transcribe(part: Transcribe, *, is_told: bool) -> Start:
    """Start the carrier's transcription; its address must be absolute, and it lasts until the call ends."""
    if not is_told:
        raise ValueError("A call is written down only after an announcement says so")
    start = Start()
    start.transcription(
        status_callback_url=for_reports(part.report), track="both_tracks", language_code=part.language
    )
    return start


def _ring(ring: Ring, *, is_first: bool, is_told: bool) -> Dial:
    if ring.record and not is_told:
        raise ValueError("A call is recorded only after an announcement says so")
    recording = {
        "record": "record-from-answer-dual",
        "recording_status_callback": for_reports(ring.recording or ""),
        "recording_status_callback_event": "completed absent",
    }
    dial = Dial(
        action=for_lookups(ring.action) if ring.action else None,
        method="POST" if ring.action else None,
        timeout=ring.seconds,
        # The carrier honours it on the first verb only: after an announcement the call is answered anyway.
        answer_on_bridge=True if is_first else None,
        caller_id=ring.caller_id,
        sequential=True if ring.one_by_one and len(ring.targets) > 1 else None,
        time_limit=ring.time_limit,
        hangup_on_star=True if ring.star_ends else None,
        **(recording if ring.record else {}),
    )
    for target in ring.targets:
        _target(dial, target, ring.leg)
    return dial


def _target(dial: Dial, target: Target, leg: str | None) -> None:
    ring = dial.sip if target.is_sip else dial.number
    login = target.login if target.is_sip else None
    ring(
        target.address,
        **({"username": login.username, "password": login.password} if login else {}),
        url=for_lookups(target.whisper) if target.whisper else None,
        method="POST" if target.whisper else None,
        status_callback=for_reports(leg) if leg else None,
        status_callback_event=LEG_EVENTS if leg else None,
        status_callback_method="POST" if leg else None,
    )


def _take_message(response: VoiceResponse, message: TakeMessage) -> None:
    told = message.recording
    response.record(
        action=for_lookups(message.action),
        method="POST",
        max_length=message.seconds,
        play_beep=True,
        finish_on_key="#",
        timeout=5,
        recording_status_callback=for_reports(told) if told else None,
        recording_status_callback_event="completed absent" if told else None,
    )
    response.hangup()  # Reached when nothing was said.


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


def _speakable(text: str) -> str:
    """Drop what cannot stand in XML; the words of a plan can."""
    return NOT_XML.sub("", text).strip()
