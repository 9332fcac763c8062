"""A call the product begins: the carrier rings somebody and, when it is answered, asks what to do."""

from __future__ import annotations

from calltrack.sandbox.carrier import parameters, twiml
from calltrack.sandbox.carrier.call import Call
from calltrack.sandbox.carrier.clock import Cut
from calltrack.sandbox.carrier.dial import BUSY_AFTER, EXTRA_RING_SECONDS
from calltrack.sandbox.carrier.line import Failed, Line
from calltrack.sandbox.carrier.script import LegScript
from calltrack.sandbox.carrier.wire import Answer

EVENTS = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}


class OutboundCall(Call):
    """The leg to whom the product calls; its documents run on this leg once it is answered.

    `line.number.e164` is who is called, `line.script.from_` the number of ours that is shown.
    """

    def __init__(
        self, line: Line, phone: LegScript, ring_seconds: int, events: frozenset[str], document: str = ""
    ) -> None:
        """Prepare it; `document` is what is done instead of asking, where the order itself holds it."""
        super().__init__(line)
        self.document = document
        self.phone = phone
        self.limit = ring_seconds + EXTRA_RING_SECONDS
        self.events = events
        self.unanswered: str | None = None

    def run(self) -> None:
        """Ring; when answered ask what to do and do it; report how it ended."""
        line = self.line
        line.note("call", f"{line.number.e164} is called from {line.script.from_}")
        try:
            if self._rings():
                self._answer()
                self._progress("in-progress")
                self._follow(self._first())
        except Failed:
            self._application_error()
        except Cut:
            self._changed()
            self.unanswered = self.unanswered or ("canceled" if self.answered_at is None else None)
        self._report_end()
        line.finish_reports()

    def _first(self) -> twiml.Script:
        line = self.line
        if not self.document:
            return line.ask(line.number.voice_url, line.number.voice_method, self._fields(), "voice")
        given = Answer("", "POST", 1, 0.0, 200, "text/xml", self.document)
        script = twiml.read(given)
        if isinstance(script, twiml.DocumentError):
            raise Failed(script.code, script.text)
        return script

    def _rings(self) -> bool:
        """Ring and tell whether somebody or something picks up."""
        line, result = self.line, self.phone.result
        line.journal.rang.append(line.number.e164)
        line.note("ring", f"{line.number.e164} rings")
        self._progress("initiated")
        self._progress("ringing")
        if result in ("busy", "failed"):
            line.clock.sleep(min(BUSY_AFTER, self.limit))
            self.unanswered = result
            return False
        if result == "no-answer" or self.phone.ring_seconds >= self.limit:
            line.clock.sleep(self.limit)
            self.unanswered = "no-answer"
            return False
        line.clock.sleep(self.phone.ring_seconds)
        line.note("ring", f"{'A mailbox' if result == 'mailbox' else 'Somebody'} picks up")
        return True

    def _progress(self, status: str) -> None:
        line = self.line
        fields = parameters.of_call(line.script, line.number, line.journal.call_sid, status)
        line.journal.tell("call", fields, line.told_time())
        if EVENTS[status] in self.events:
            line.report(
                line.number.status_callback, "POST", {**fields, **line.progress(self.sequence)}, "leg"
            )
        self.sequence += 1

    def _final_status(self) -> str:
        return self.unanswered or super()._final_status()
