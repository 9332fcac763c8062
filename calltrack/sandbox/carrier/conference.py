"""A conference: the caller waits for company, talks, and leaves; the others are played by the script.

What is documented of it: the action hears `answered` and names no leg, its recording is mono and belongs to
the conference, and the caller's * ends it where the document says so.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from calltrack.sandbox.carrier import parameters
from calltrack.sandbox.carrier.clock import Cut
from calltrack.sandbox.carrier.dial import Dialed
from calltrack.sandbox.carrier.line import Line

EVENTS = {
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
}
OTHER_LEFT, LAST_LEFT = "participant-with-end-conference-on-exit-left", "last-participant-left"


class Conference:
    """Carries out a <Dial> of one <Conference>."""

    def __init__(self, line: Line, dial: ET.Element, noun: ET.Element, url: str) -> None:
        self.line = line
        self.dial = dial
        self.noun = noun
        self.url = url
        self.name = (noun.text or "").strip()
        self.sid = parameters.new_sid("CF")
        self.mine = line.journal.call_sid
        self.other = parameters.new_sid("CA")
        self.sequence = 0
        self.inside: list[str] = []
        self.recording_seconds: int | None = None
        """How long it was recorded; None: it was not."""

    def run(self) -> Dialed:
        """Wait, talk and leave; tells how it ended for the caller."""
        line = self.line
        line.note("ring", f"The caller waits in the conference {self.name}")
        self._enter(self.mine)
        began = line.clock.elapsed
        try:
            outcome = self._stay()
        except Cut:
            self._close(LAST_LEFT)
            raise
        finally:
            if self.noun.get("record") == "record-from-start":
                self.recording_seconds = round(line.clock.elapsed - began)
        return outcome

    def recording(self, account_sid: str) -> dict[str, str]:
        """Return what is told of the recording; empty where there is none."""
        if not self.recording_seconds:
            return {}
        told = parameters.of_recording(account_sid, parameters.new_sid("RE"), self.recording_seconds)
        return {**told, "ConferenceSid": self.sid}

    def _stay(self) -> Dialed:
        line, room = self.line, self.line.script.room
        gives_up = line.script.caller_waits or room.patience
        if room.joined_after is None or room.joined_after >= gives_up:
            line.clock.sleep(gives_up)
            line.note("call", "The caller hangs up while waiting for somebody")
            self._close(LAST_LEFT)
            return Dialed("answered", caller_gone=True)
        line.clock.sleep(room.joined_after)
        self._enter(self.other)
        self._tell("conference-start")
        line.journal.bridged = True
        line.note("connected", f"Caller and somebody else talk in the conference {self.name}")
        talked, caller_gone, why = self._end_of_talk()
        line.clock.sleep(talked)
        line.journal.talk_seconds += talked
        line.note("call", f"{why} after {talked} s")
        if why == "The other leaves" and not room.ends_with_other:
            self._leave(self.other)
            line.clock.sleep(room.patience)
            line.note("call", "The caller hangs up, alone in the conference")
            caller_gone = True
        ends = why == "The other leaves" or self.noun.get("endConferenceOnExit") == "true"
        self._close(OTHER_LEFT if ends else LAST_LEFT)
        return Dialed("answered", bridged=True, caller_gone=caller_gone, talked=talked)

    def _end_of_talk(self) -> tuple[int, bool, str]:
        """Return how long they talk, whether the caller is gone then, and why it ends."""
        script = self.line.script
        limit = int(self.dial.get("timeLimit") or 14_400)
        star = script.star_after if self.dial.get("hangupOnStar") == "true" else None
        if star is not None and star < min(limit, script.talk_seconds):
            return star, False, "The caller leaves by *"
        if limit < script.talk_seconds:
            return limit, False, "The time limit ends the talk"
        gone = script.hangs_up == "caller"
        return script.talk_seconds, gone, "The caller hangs up" if gone else "The other leaves"

    def _enter(self, call_sid: str) -> None:
        self.inside.append(call_sid)
        self._tell("participant-join", CallSid=call_sid)

    def _leave(self, call_sid: str) -> None:
        self.inside.remove(call_sid)
        self._tell("participant-leave", CallSid=call_sid)

    def _close(self, reason: str) -> None:
        last = self.inside[-1] if self.inside else self.mine
        for call_sid in list(self.inside):
            self._leave(call_sid)
        self._tell("conference-end", ReasonConferenceEnded=reason, CallSidEndingConference=last)

    def _tell(self, event: str, **more: str) -> None:
        url, line = self.noun.get("statusCallback"), self.line
        fields = parameters.of_room(
            line.number.account_sid, self.sid, self.name, event, self.sequence, line.told_time()
        )
        self.sequence += 1
        if url and EVENTS[event] in (self.noun.get("statusCallbackEvent") or "").split():
            method = self.noun.get("statusCallbackMethod") or "POST"
            line.report(line.absolute(self.url, url), method, fields | more, "conference")
