"""One call from the first ring to the last report: the carrier's reading of our documents."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, cast

import httpx

from calltrack.sandbox.carrier import parameters, twiml
from calltrack.sandbox.carrier.clock import Cut, VirtualClock
from calltrack.sandbox.carrier.conference import Conference
from calltrack.sandbox.carrier.dial import Dialed, Dialing
from calltrack.sandbox.carrier.journal import CallJournal, Observer, Result
from calltrack.sandbox.carrier.line import Failed, Line
from calltrack.sandbox.carrier.script import CallScript, SimulatedNumber
from calltrack.sandbox.carrier.transcription import Transcription
from calltrack.sandbox.carrier.wire import pool

MOST_DOCUMENTS = 50
ERROR_MESSAGE = "We are sorry, an application error has occurred. Goodbye."

Next = twiml.Script | Literal["go on", "over"]


def play(
    script: CallScript,
    number: SimulatedNumber,
    auth_token: str,
    http: httpx.Client | None = None,
    *,
    journal: CallJournal | None = None,
    via: Mapping[str, str] | None = None,
    kind: Callable[[Line], Call] | None = None,
) -> CallJournal:
    """Play one call against the number's hooks until its last report is sent; return what happened.

    `http` is shared between calls where given (see `pool`); `via` maps a public origin to the one to ask.
    A `journal` given from outside can be read while the call goes on. `kind` is a call that begins otherwise
    (see `outbound.py`).
    """
    journal = journal or new_journal(script)
    client = http or pool(2)
    clock = VirtualClock(script.at or datetime.now(UTC), script.speed)
    line = Line(script, number, journal, clock, auth_token, client, via)
    journal.orders = line.orders
    try:
        (kind or Call)(line).run()
    finally:
        journal.end()
        line.close()
        if http is None:
            client.close()
    return journal


def new_journal(script: CallScript, observer: Observer | None = None) -> CallJournal:
    """Return the empty journal of a call that is about to begin."""
    return CallJournal(parameters.new_sid("CA"), script.from_, script.to, observer)


@dataclass(frozen=True)
class Recorded:
    """A recording the carrier will tell of after the call."""

    verb: ET.Element
    url: str
    fields: dict[str, str]
    source: str
    began: datetime


class Call:
    """The caller's own leg."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.answered_at: float | None = None
        self.caller_gone = False
        self.failed = False
        self.rejected: str | None = None
        self.left_message = False
        self.ended_from_outside = False
        self.sequence = 0
        self.dialing: Dialing | None = None
        self.keys = list(line.script.digits)
        self.recordings: list[Recorded] = []
        self.transcription: Transcription | None = None

    def run(self) -> None:
        """Ask what to do, do it, and report how it ended."""
        line = self.line
        line.note("call", f"{line.script.from_ or 'A withheld number'} calls {line.number.e164}")
        self._tell()
        try:
            self._follow(line.ask(line.number.voice_url, line.number.voice_method, self._fields(), "voice"))
        except Failed:
            self._application_error()
        except Cut:
            self._changed()
        if self.transcription is not None:
            self.transcription.stop()
        self._report_end()
        line.finish_reports()

    def _follow(self, document: twiml.Script) -> None:
        for _ in range(MOST_DOCUMENTS):
            try:
                following = self._perform(document)
            except Cut:
                following = self._changed()
            if following is None:
                return
            document = following
        self.line.note("note", f"Stopped after {MOST_DOCUMENTS} documents: they lead to each other")

    def _changed(self) -> twiml.Script | None:
        """Do what somebody outside ordered; None when that was the end."""
        order = self.line.orders.take(self.line.journal.call_sid)
        if self.dialing is not None:
            if self.answered_at is None:
                self.answered_at = self.dialing.joined_at
            if recording := self.dialing.abandon():
                self._keep_recording(self.dialing.dial, self.dialing.url, recording)
            self.dialing = None
        if order is not None and order.url is not None:
            self.line.note("call", "The call is led to another document")
            return self.line.ask(order.url, order.method, self._fields(), "redirect")
        self.ended_from_outside = True
        self.line.note("call", "The call is ended from outside")
        return None

    def _perform(self, document: twiml.Script) -> twiml.Script | None:
        """Carry out one document; return the next one, or None when the call is over."""
        for position, verb in enumerate(document.verbs):
            step = self._verb(verb, document.url, position == 0)
            if step == "over":
                return None
            if step != "go on":
                return step
        return None

    def _verb(self, verb: ET.Element, url: str, is_first: bool) -> Next:
        match verb.tag:
            case "Say" | "Play":
                self._hear((verb.text or "").strip())
            case "Pause":
                self.line.clock.sleep(_seconds(verb.get("length"), 1))
            case "Gather":
                return self._gather(verb, url)
            case "Start" if verb.find("Transcription") is not None:
                self._start_transcription(verb, url)
            case "Dial":
                return self._dial(verb, url, is_first)
            case "Record":
                return self._record(verb, url)
            case "Redirect":
                return self._ask(verb, url, (verb.text or "").strip(), {}, "redirect")
            case "Reject":
                self.rejected = verb.get("reason") or "rejected"
                self.line.note("call", f"The call is rejected ({self.rejected})")
                return "over"
            case "Hangup":
                self._answer()
                self.line.note("call", "We hang up")
                return "over"
            case _:
                self.line.note("note", f"Warning 12200: <{verb.tag}> is not understood and left out")
        return "go on"

    def _start_transcription(self, verb: ET.Element, url: str) -> None:
        if self.transcription is not None:
            self.line.note("note", "A transcription runs already: the second one is left out")
            return
        noun = verb.find("Transcription")
        assert noun is not None, "the caller looked"
        self.transcription = Transcription(self.line, noun, url)
        self.transcription.start()

    def _hear(self, text: str) -> None:
        self._answer()
        self.line.note("caller-hears", text)
        self.line.clock.sleep(twiml.spoken(text))

    def _gather(self, verb: ET.Element, url: str) -> Next:
        self._answer()
        keys = self.keys.pop(0) if self.keys else ""
        for prompt in verb:
            if keys and self.line.script.keys_cut_in:
                self.line.note("note", f"Cut short by a key: {(prompt.text or '').strip()}")
                break
            if prompt.tag in ("Say", "Play"):
                self._hear((prompt.text or "").strip())
            elif prompt.tag == "Pause":
                self.line.clock.sleep(_seconds(prompt.get("length"), 1))
        if not keys:
            self.line.clock.sleep(_seconds(verb.get("timeout"), 5))
            if verb.get("actionOnEmptyResult") != "true":
                return "go on"
        else:
            self.line.note("key", f"The caller presses {keys}")
        finish = verb.get("finishOnKey", "#")
        finished = bool(finish) and keys.endswith(finish)
        told = {
            "Digits": keys[: -len(finish)] if finished else keys,
            "FinishedOnKey": finish if finished else "",
            "msg": "Gather End",
        }
        return self._ask(verb, url, verb.get("action"), told, "gather")

    def _dial(self, verb: ET.Element, url: str, is_first: bool) -> Next:
        if not (is_first and self.answered_at is None and verb.get("answerOnBridge") == "true"):
            self._answer()
        noun = verb.find("Conference")
        if noun is not None:
            return self._confer(verb, noun, url)
        dialing = self.dialing = Dialing(self.line, verb, url)
        outcome = dialing.run()
        self.dialing = None
        if outcome.bridged and self.answered_at is None:
            self.answered_at = self.line.clock.elapsed - outcome.talked
            self._tell()
        self.caller_gone = outcome.caller_gone
        if outcome.bridged and self.transcription is not None:
            self.transcription.talk()
        if outcome.recording:
            self._keep_recording(verb, url, outcome.recording)
        step = self._passed_on(verb, url, outcome) if outcome.refers_to else None
        step = step or self._after_dial(verb, url, outcome)
        dialing.tell_ends()
        return step

    def _confer(self, verb: ET.Element, noun: ET.Element, url: str) -> Next:
        """Put the caller into a conference, and go on when that is over for him."""
        self._answer()
        room = Conference(self.line, verb, noun, url)
        try:
            outcome = room.run()
        finally:
            if recording := room.recording(self.line.number.account_sid):
                began = self.line.told_time() - timedelta(seconds=room.recording_seconds or 0)
                self.recordings.append(Recorded(noun, url, recording, "Conference", began))
        self.caller_gone = outcome.caller_gone
        return self._after_dial(verb, url, outcome, is_room=True)

    def _passed_on(self, verb: ET.Element, url: str, outcome: Dialed) -> Next | None:
        """Ask what to do with a caller whom the business passes on."""
        told = {"ReferTransferTarget": outcome.refers_to or ""}
        method = verb.get("referMethod") or "POST"
        address = self.line.absolute(url, verb.get("referUrl") or "")
        document = self.line.ask(address, method, {**self._fields(), **told}, "refer")
        if not self.line.script.switches.action_after_refer:
            return document
        self._follow(document)
        return None

    def _keep_recording(self, dial: ET.Element, url: str, recording: dict[str, str]) -> None:
        began = self.line.told_time() - timedelta(seconds=int(recording["RecordingDuration"]))
        self.recordings.append(Recorded(dial, url, recording, "DialVerb", began))

    def _after_dial(self, verb: ET.Element, url: str, outcome: Dialed, *, is_room: bool = False) -> Next:
        action = verb.get("action")
        if action is None:
            return "over" if self.caller_gone else "go on"
        if self.caller_gone and not self.line.script.switches.action_after_caller_hangup:
            return "over"
        told = {"DialCallStatus": outcome.status}
        if not is_room:
            told["DialBridged"] = "true" if outcome.bridged else "false"
        is_named = outcome.bridged or self.line.script.switches.unjoined_leg_is_named
        if outcome.leg_sid is not None and is_named:
            told["DialCallSid"] = outcome.leg_sid
        if outcome.seconds is not None:
            told["DialCallDuration"] = str(outcome.seconds)
        return self._ask(verb, url, action, told | outcome.recording, "action")

    def _record(self, verb: ET.Element, url: str) -> Next:
        self._answer()
        spoken = min(self.line.script.voicemail_seconds, _seconds(verb.get("maxLength"), 3600))
        self.caller_gone = True
        if spoken == 0:
            self.line.note("call", "The caller hangs up before the tone")
            return "over"
        began = self.line.told_time()
        self.line.clock.sleep(spoken)
        self.left_message = True
        self.line.note("call", f"The caller leaves a message of {spoken} s and hangs up")
        recording = parameters.of_recording(self.line.number.account_sid, parameters.new_sid("RE"), spoken)
        self.recordings.append(Recorded(verb, url, recording, "RecordVerb", began))
        return self._ask(verb, url, verb.get("action"), {**recording, "Digits": "hangup"}, "voicemail")

    def _ask(
        self, verb: ET.Element, url: str, target: str | None, told: Mapping[str, str], purpose: str
    ) -> Next:
        """Ask for the next document; a caller who left cannot hear it any more."""
        address = self.line.absolute(url, target) if target else url
        fields = {**self._fields(), **told}
        to_fallback = self.line.script.switches.action_failure == "fallback"
        try:
            document = self.line.ask(
                address, verb.get("method") or "POST", fields, purpose, to_fallback=to_fallback
            )
        except Failed:
            if self.caller_gone:
                return "over"
            raise
        return "over" if self.caller_gone else document

    def _application_error(self) -> None:
        self._answer()
        self.failed = True
        self.line.note("caller-hears", ERROR_MESSAGE)
        with suppress(Cut):
            self.line.clock.sleep(twiml.spoken(ERROR_MESSAGE))

    def _answer(self) -> None:
        if self.answered_at is None:
            self.answered_at = self.line.clock.elapsed
            self._tell()

    def _tell(self) -> None:
        line, fields = self.line, self._fields()
        line.journal.tell("call", fields, line.told_time())
        if line.script.switches.progress_is_reported and line.script.direction == "inbound":
            line.report(
                line.number.status_callback, "POST", fields | line.progress(self.sequence), "progress"
            )
            self.sequence += 1

    def _report_end(self) -> None:
        line, number = self.line, self.line.number
        line.orders.close()
        status = self._final_status()
        seconds = 0 if self.answered_at is None else round(line.clock.elapsed - self.answered_at)
        line.journal.final_status = status
        line.journal.result = self._result()
        line.note("call", f"The call is over: {status}, {seconds} s")
        fields = parameters.of_call(line.script, number, line.journal.call_sid, status)
        fields |= line.progress(self.sequence, seconds)
        line.journal.tell("call", fields, line.told_time())
        if line.script.lose_end:
            line.note("note", "Lost on the way: the end of the call")
        else:
            line.report(number.status_callback, "POST", fields, "ended")
        for recorded in self.recordings:
            self._report_recording(recorded)

    def _report_recording(self, recorded: Recorded) -> None:
        """Tell where the recording is, some time after the call."""
        line, verb = self.line, recorded.verb
        line.journal.tell("recording", self._recording_fields(recorded), recorded.began)
        target = verb.get("recordingStatusCallback")
        events = (verb.get("recordingStatusCallbackEvent") or "completed").split()
        if not target or "completed" not in events:
            return
        line.clock.sleep(line.script.recording_delay)
        fields = self._recording_fields(recorded)
        method = verb.get("recordingStatusCallbackMethod") or "POST"
        line.report(line.absolute(recorded.url, target), method, fields, "recording")

    def _recording_fields(self, recorded: Recorded) -> dict[str, str]:
        return {
            "AccountSid": self.line.number.account_sid,
            # A conference's recording belongs to the conference.
            **({} if "ConferenceSid" in recorded.fields else {"CallSid": self.line.journal.call_sid}),
            **recorded.fields,
            "RecordingStatus": "completed",
            "RecordingChannels": "2" if "dual" in (recorded.verb.get("record") or "") else "1",
            "RecordingSource": recorded.source,
            "RecordingStartTime": parameters.rfc_2822(recorded.began),
            "RecordingTrack": "both",
            "ErrorCode": "0",
        }

    def _fields(self) -> dict[str, str]:
        """Return the call's own fields at this moment."""
        status = "ringing" if self.answered_at is None else "in-progress"
        if self.caller_gone:
            status = self._final_status()
        return parameters.of_call(self.line.script, self.line.number, self.line.journal.call_sid, status)

    def _final_status(self) -> str:
        if self.rejected is not None:
            return "busy" if self.rejected == "busy" else "no-answer"
        if self.failed:
            return self.line.script.switches.status_after_application_error
        return "no-answer" if self.answered_at is None else "completed"

    def _result(self) -> Result:
        found: list[tuple[bool, str]] = [
            (self.line.journal.bridged, "talked"),
            (self.left_message, "voicemail"),
            (self.rejected is not None, "rejected"),
            (self.failed, "error"),
            (self.line.script.outcome == "caller-hangs-up" and self.caller_gone, "gone"),
        ]
        return cast(Result, next((word for holds, word in found if holds), "missed"))


def _seconds(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default
