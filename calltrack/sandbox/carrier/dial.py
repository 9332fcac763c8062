"""Ringing the business: every number, the whisper, the joined call, and who hung up."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from calltrack.sandbox.carrier import parameters, twiml
from calltrack.sandbox.carrier.clock import Cut
from calltrack.sandbox.carrier.line import Line
from calltrack.sandbox.carrier.script import LegScript

EXTRA_RING_SECONDS = 5  # The carrier rings that much longer than the document says.
BUSY_AFTER = 2
MAILBOX_GREETING = 6
RUNG = ("Number", "Sip", "Client")
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
    talked: int = 0
    """Seconds they talked in this attempt."""
    refers_to: str | None = None
    """Whom the business's telephone system passes the caller on to."""


class Dialing:
    """Carries out one <Dial>."""

    def __init__(self, line: Line, dial: ET.Element, url: str) -> None:
        self.line = line
        self.dial = dial
        self.url = url
        script, number = line.script, line.number
        self.shown = dial.get("callerId") or script.from_
        elements = [noun for noun in dial if noun.tag in RUNG] or [dial]
        numbers = [((element.text or "").strip(), element) for element in elements]
        self.legs = [Leg(text, element, script.leg(text)) for text, element in numbers if text]
        self.limit = float(_whole(dial.get("timeout"), 30) + EXTRA_RING_SECONDS)
        self.parent_sid = line.journal.call_sid
        self.number = number
        self.joined_at: float | None = None
        self.recording_sid = ""
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
            try:
                clock.sleep(began + due - clock.elapsed)
            except Cut:
                self._cut([leg, *open_legs])
                open_legs = [one for one in [leg, *open_legs] if not one.status]
                last = leg
                continue
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
        if not self._is_willing(leg):
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
        joined_at = self.joined_at = line.clock.elapsed
        recorded = (self.dial.get("record") or "do-not-record") not in ("do-not-record", "false")
        if recorded:
            self.recording_sid = parameters.new_sid("RE")
            self._tell_recording(self.recording_sid)
        talk, caller_gone, why = self._end_of_talk(leg)
        refers_to = leg.script.refers_to if self._passes_on(leg, talk) else None
        if refers_to is not None:
            talk, caller_gone, why = leg.script.refers_after, False, f"The business passes on to {refers_to}"
        try:
            line.clock.sleep(talk)
        except Cut:
            if line.orders.take(leg.sid) is None:
                raise
            talk, caller_gone = round(line.clock.elapsed - joined_at), False
            why, refers_to = "The business hangs up", None
        line.journal.talk_seconds += talk
        line.note("call", f"{why} after {talk} s")
        recording = {}
        if recorded:
            recording = parameters.of_recording(self.number.account_sid, self.recording_sid, talk)
        self._end(leg, "completed", self._leg_seconds(leg), recording)
        whole = script.switches.dial_duration_includes_whisper
        since = leg.answered_at if whole and leg.answered_at is not None else joined_at
        seconds = round(line.clock.elapsed - since)
        return Dialed("completed", True, leg.sid, seconds, recording, caller_gone, talk, refers_to)

    def _passes_on(self, leg: Leg, talk: int) -> bool:
        """Whether the business passes the caller on before the talk would end; the document must allow it."""
        if leg.script.refers_to is None or leg.script.refers_after >= talk:
            return False
        if not self.dial.get("referUrl"):
            self.line.note("note", "Error 13802: passed on by the business, but <Dial> has no referUrl")
            return False
        return True

    def _end_of_talk(self, leg: Leg) -> tuple[int, bool, str]:
        """Return how long they talk, whether the caller is gone then, and why it ends.

        A time limit and the caller's * end the talk, not the call: the document goes on.
        """
        script = self.line.script
        limit = _whole(self.dial.get("timeLimit"), 14_400)
        star = script.star_after if self.dial.get("hangupOnStar") == "true" else None
        if star is not None and star < min(limit, leg.script.talk_seconds):
            return star, False, "The caller ends the talk by *"
        if limit < leg.script.talk_seconds:
            return limit, False, "The time limit ends the talk"
        gone = script.hangs_up == "caller"
        return leg.script.talk_seconds, gone, f"The {script.hangs_up} hangs up"

    def _tell_recording(self, sid: str) -> None:
        """Tell the observer that it runs; it is told of its end with the call's."""
        fields = {
            "AccountSid": self.number.account_sid,
            "CallSid": self.parent_sid,
            "RecordingSid": sid,
            "RecordingStatus": "in-progress",
            "RecordingChannels": "2" if "dual" in (self.dial.get("record") or "") else "1",
            "RecordingSource": "DialVerb",
        }
        self.line.journal.tell("recording", fields, self.line.told_time())

    def _is_willing(self, leg: Leg) -> bool:
        try:
            return self._accepts(leg)
        except Cut:
            if self.line.orders.take(leg.sid) is None:
                raise
            return False

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

    def _cut(self, ringing: list[Leg]) -> None:
        """End the ringing leg that somebody outside wants ended; anything else concerns the whole call."""
        order = self.line.orders.take(*(leg.sid for leg in ringing))
        if order is None:
            raise Cut
        self._end(next(leg for leg in ringing if leg.sid == order.sid), "canceled")

    def abandon(self) -> dict[str, str]:
        """End every leg that rings or talks, because the caller's leg goes another way.

        Returns the recording of what they said so far, empty where there is none.
        """
        for leg in self.legs:
            if leg.sequence and not leg.status:
                seconds = 0 if leg.answered_at is None else self._leg_seconds(leg)
                self._end(leg, "canceled" if leg.answered_at is None else "completed", seconds)
        self.tell_ends()
        if self.joined_at is None:
            return {}
        talk = round(self.line.clock.elapsed - self.joined_at)
        self.line.journal.talk_seconds += talk
        if not self.recording_sid:
            return {}
        return parameters.of_recording(self.number.account_sid, self.recording_sid, talk)

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
        self.line.journal.tell("leg", fields, self.line.told_time())
        self.ends_later.append((leg, fields))

    def _progress(self, leg: Leg, status: str) -> None:
        fields = {**self._fields(leg, status), **self.line.progress(leg.sequence)}
        leg.sequence += 1
        self.line.journal.tell("leg", fields, self.line.told_time())
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
