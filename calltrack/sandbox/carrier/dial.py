"""Ringing the business: every number, the whisper, the joined call, and who hung up."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from calltrack.sandbox.carrier import parameters, twiml
from calltrack.sandbox.carrier.line import Line
from calltrack.sandbox.carrier.script import LegScript

EXTRA_RING_SECONDS = 5  # The carrier rings that much longer than the document says.
BUSY_AFTER = 2
MAILBOX_GREETING = 6
SIP_CODES = {"busy": "486", "failed": "503", "no-answer": "487", "canceled": "487"}
ENDED_WORDS = {
    "busy": "{} is busy",
    "failed": "{} cannot be reached",
    "no-answer": "Nobody answers at {}",
    "canceled": "{} stops ringing",
}


@dataclass
class Leg:
    """One ringing number."""

    number: str
    element: ET.Element
    script: LegScript
    sid: str = field(default_factory=lambda: parameters.new_sid("CA"))
    sequence: int = 0
    answered_at: float | None = None
    status: str = ""

    def settles_after(self, limit: float) -> float:
        """Return after how many seconds of ringing it is decided what happens."""
        if self.script.result in ("busy", "failed"):
            return min(BUSY_AFTER, limit)
        if self.script.result == "no-answer":
            return limit
        return min(self.script.ring_seconds, limit)

    def picks_up(self, limit: float) -> bool:
        """Whether somebody or something answers in time."""
        return self.script.result in ("answer", "mailbox") and self.script.ring_seconds < limit


@dataclass
class Dialed:
    """How the attempt to reach the business ended."""

    status: str
    bridged: bool = False
    leg_sid: str | None = None
    seconds: int | None = None
    recording: dict[str, str] = field(default_factory=dict)
    caller_gone: bool = False


class Dialing:
    """Carries out one <Dial>."""

    def __init__(self, line: Line, dial: ET.Element, url: str) -> None:
        self.line = line
        self.dial = dial
        self.url = url
        script, number = line.script, line.number
        self.shown = dial.get("callerId") or script.from_
        elements = dial.findall("Number") or [dial]
        numbers = [((element.text or "").strip(), element) for element in elements]
        self.legs = [Leg(text, element, script.leg(text)) for text, element in numbers if text]
        self.limit = float(_whole(dial.get("timeout"), 30) + EXTRA_RING_SECONDS)
        self.parent_sid = line.journal.call_sid
        self.number = number
        self.ends_later: list[tuple[Leg, dict[str, str]]] = []

    def run(self) -> Dialed:
        """Ring all numbers at once, or one after the other when the document says so."""
        groups = [[leg] for leg in self.legs] if self.dial.get("sequential") == "true" else [self.legs]
        outcome = Dialed("failed")
        for group in groups:
            if group:
                outcome = self._ring(group)
            if outcome.caller_gone or outcome.status == "completed":
                break
        if not self.line.script.switches.action_before_leg_completed:
            self.tell_ends()
        return outcome

    def tell_ends(self) -> None:
        """Report the end of each leg (before or after the action; nobody promises which)."""
        for leg, fields in self.ends_later:
            self._report(leg, fields)
        self.ends_later.clear()

    def _ring(self, group: list[Leg]) -> Dialed:
        line, clock = self.line, self.line.clock
        for leg in group:
            line.journal.rang.append(leg.number)
            line.note("ring", f"{leg.number} rings")
            self._progress(leg, "initiated")
            self._progress(leg, "ringing")
        began, waits = clock.elapsed, line.script.caller_waits
        open_legs = sorted(group, key=lambda leg: leg.settles_after(self.limit))
        last, unjoined = open_legs[-1], None
        while open_legs:
            leg = open_legs.pop(0)
            due = leg.settles_after(self.limit)
            if waits is not None and due >= waits:
                clock.sleep(began + waits - clock.elapsed)
                return self._caller_left([leg, *open_legs], unjoined)
            clock.sleep(began + due - clock.elapsed)
            last = leg
            if not leg.picks_up(self.limit):
                self._end(leg, leg.script.result if leg.script.result in SIP_CODES else "no-answer")
                continue
            outcome = self._picked_up(leg, open_legs)
            if outcome.bridged or not open_legs:
                return outcome
            unjoined = outcome
        return unjoined or Dialed(last.status, leg_sid=last.sid)

    def _picked_up(self, leg: Leg, others: list[Leg]) -> Dialed:
        line, switches = self.line, self.line.script.switches
        leg.answered_at = line.clock.elapsed
        who = "A mailbox" if leg.script.result == "mailbox" else "Somebody"
        line.note("ring", f"{who} at {leg.number} picks up")
        self._progress(leg, "in-progress")
        if not switches.others_ring_during_whisper:
            self._stop(others)
        if not self._accepts(leg):
            seconds = self._leg_seconds(leg)
            self._end(leg, "completed", seconds)
            return Dialed("completed", leg_sid=leg.sid, seconds=seconds)
        self._stop(others)
        return self._joined(leg)

    def _joined(self, leg: Leg) -> Dialed:
        """Let caller and business talk."""
        line, script = self.line, self.line.script
        line.journal.bridged = True
        line.note("connected", f"Caller and {leg.number} talk")
        joined_at = line.clock.elapsed
        talk = min(leg.script.talk_seconds, _whole(self.dial.get("timeLimit"), 14400))
        line.clock.sleep(talk)
        line.journal.talk_seconds = talk
        caller_gone = script.hangs_up == "caller"
        line.note("call", f"The {script.hangs_up} hangs up after {talk} s")
        recording = {}
        if (self.dial.get("record") or "do-not-record") not in ("do-not-record", "false"):
            recording = parameters.of_recording(self.number.account_sid, parameters.new_sid("RE"), talk)
        self._end(leg, "completed", self._leg_seconds(leg), recording)
        whole = script.switches.dial_duration_includes_whisper
        since = leg.answered_at if whole and leg.answered_at is not None else joined_at
        seconds = round(line.clock.elapsed - since)
        return Dialed("completed", True, leg.sid, seconds, recording, caller_gone)

    def _accepts(self, leg: Leg) -> bool:
        """Play the whisper; tell whether the leg is still there and willing at its end."""
        line = self.line
        url = leg.element.get("url")
        willing = leg.script.result == "answer" or line.script.switches.mailbox_is_bridged
        if not url:
            if not willing:
                line.clock.sleep(MAILBOX_GREETING)
            return willing
        address = line.absolute(self.url, url)
        document = line.ask_whisper(
            address, leg.element.get("method") or "POST", self._fields(leg, "in-progress")
        )
        if document is None:
            return line.script.switches.whisper_failure == "bridge" and willing
        accepted = self._play_whisper(leg, document)
        if accepted and not willing:
            line.clock.sleep(MAILBOX_GREETING)
        return accepted and willing

    def _play_whisper(self, leg: Leg, document: twiml.Script, depth: int = 0) -> bool:
        line = self.line
        for verb in document.verbs:
            text = (verb.text or "").strip()
            if verb.tag in ("Say", "Play"):
                line.note("business-hears", text)
                line.clock.sleep(twiml.spoken(text))
                if leg.script.whisper == "hangup":
                    line.note("ring", f"{leg.number} hangs up during the whisper")
                    return False
            elif verb.tag == "Pause":
                line.clock.sleep(_whole(verb.get("length"), 1))
            elif verb.tag == "Hangup":
                return False
            elif verb.tag in ("Gather", "Redirect") and depth < 5:
                following = self._ask_key(leg, verb, document.url)
                if following is not None:
                    return self._play_whisper(leg, following, depth + 1)
                if leg.script.whisper == "hangup":
                    return False
        return True

    def _ask_key(self, leg: Leg, verb: ET.Element, url: str) -> twiml.Script | None:
        """Return the document that follows a key or a redirect in a whisper; None when no key is pressed."""
        line = self.line
        fields = self._fields(leg, "in-progress")
        target = verb.get("action") or url
        if verb.tag == "Redirect":
            target = (verb.text or "").strip()
        else:
            for prompt in verb:
                line.note("business-hears", (prompt.text or "").strip())
                line.clock.sleep(twiml.spoken(prompt.text or ""))
            key = leg.script.whisper if leg.script.result == "answer" else None
            if key in (None, "hangup"):
                line.clock.sleep(0 if key else _whole(verb.get("timeout"), 5))
                return None
            line.note("key", f"{leg.number} presses {key}")
            fields |= {"Digits": key or "", "FinishedOnKey": "", "msg": "Gather End"}
        return line.ask_whisper(line.absolute(url, target), verb.get("method") or "POST", fields)

    def _caller_left(self, ringing: list[Leg], unjoined: Dialed | None) -> Dialed:
        self.line.note("call", "The caller hangs up while it rings")
        # The carrier has no word for a caller who left; it says what it says of an unanswered call.
        outcome = unjoined or Dialed("no-answer", leg_sid=ringing[0].sid)
        outcome.caller_gone = True
        self._stop(ringing, "canceled")
        return outcome

    def _stop(self, legs: list[Leg], status: str | None = None) -> None:
        for leg in legs:
            self._end(leg, status or self.line.script.switches.loser_status)
        legs.clear()

    def _end(self, leg: Leg, status: str, seconds: int = 0, extra: dict[str, str] | None = None) -> None:
        leg.status = status
        fields = {**self._fields(leg, status), **self.line.progress(leg.sequence, seconds), **(extra or {})}
        if status in SIP_CODES:
            fields["SipResponseCode"] = SIP_CODES[status]
            self.line.note("ring", ENDED_WORDS[status].format(leg.number))
        leg.sequence += 1
        self.ends_later.append((leg, fields))

    def _progress(self, leg: Leg, status: str) -> None:
        fields = {**self._fields(leg, status), **self.line.progress(leg.sequence)}
        leg.sequence += 1
        self._report(leg, fields)

    def _report(self, leg: Leg, fields: dict[str, str]) -> None:
        url = leg.element.get("statusCallback")
        if url is None:
            return
        status = fields["CallStatus"]
        event = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}.get(
            status, "completed"
        )
        if event in (leg.element.get("statusCallbackEvent") or "completed").split():
            method = leg.element.get("statusCallbackMethod") or "POST"
            self.line.report(self.line.absolute(self.url, url), method, fields, "leg")

    def _fields(self, leg: Leg, status: str) -> dict[str, str]:
        return parameters.of_leg(self.number, self.parent_sid, leg.sid, self.shown, leg.number, status)

    def _leg_seconds(self, leg: Leg) -> int:
        return round(self.line.clock.elapsed - (leg.answered_at or 0.0))


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default
