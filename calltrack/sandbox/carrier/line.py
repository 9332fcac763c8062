"""The line of one call: asks hooks for documents, tells them what happened, writes the journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urldefrag, urljoin

import httpx

from calltrack.sandbox.carrier import parameters, twiml
from calltrack.sandbox.carrier.clock import VirtualClock
from calltrack.sandbox.carrier.journal import CallJournal, Entry, EntryKind
from calltrack.sandbox.carrier.orders import Orders
from calltrack.sandbox.carrier.reports import Report, Reports
from calltrack.sandbox.carrier.script import CallScript, SimulatedNumber
from calltrack.sandbox.carrier.wire import Answer, Wire

LONGEST_QUOTE = 4000


class Failed(Exception):
    """No document could be had, not even from the fallback address."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Line:
    """What every part of a call shares."""

    def __init__(
        self,
        script: CallScript,
        number: SimulatedNumber,
        journal: CallJournal,
        clock: VirtualClock,
        auth_token: str,
        http: httpx.Client,
        via: Mapping[str, str] | None,
    ) -> None:
        self.script = script
        self.number = number
        self.journal = journal
        self.clock = clock
        self.orders = Orders(clock)
        self._wire = Wire(http, auth_token, self._seen, via)
        self._reports = Reports(script, self._tell, self._lost)

    def note(self, kind: EntryKind, text: str) -> None:
        """Write a line into the journal."""
        self.journal.write(Entry(kind=kind, text=text, at=self.clock.now(), elapsed=self.clock.elapsed))

    def ask(
        self, url: str, method: str, fields: Mapping[str, str], purpose: str, *, to_fallback: bool = True
    ) -> twiml.Script:
        """Fetch the next document, from the fallback address when the first one fails."""
        answer = self._wire.send(url, method, fields, purpose)
        outcome = self._read(answer)
        if isinstance(outcome, twiml.Script):
            return outcome
        self.note("note", f"Error {outcome.code}: {outcome.text}")
        fallback = self.number.voice_fallback_url if to_fallback else None
        if fallback is None:
            raise Failed(outcome.code, outcome.text)
        told = {**fields, "ErrorCode": str(outcome.code), "ErrorUrl": urldefrag(url).url}
        second = self._read(self._wire.send(fallback, "POST", told, "fallback"))
        if isinstance(second, twiml.DocumentError):
            self.note("note", f"Error {second.code} at the fallback address: {second.text}")
            raise Failed(second.code, second.text)
        self.journal.via_fallback = True
        return second

    def ask_whisper(self, url: str, method: str, fields: Mapping[str, str]) -> twiml.Script | None:
        """Fetch what the business shall hear; None when that fails."""
        answer = self._wire.send(url, method, fields, "whisper")
        outcome = self._read(answer, whisper=True)
        if isinstance(outcome, twiml.DocumentError):
            self.note("note", f"Error {outcome.code} in the whisper: {outcome.text}")
            return None
        return outcome

    def report(self, url: str | None, method: str, fields: Mapping[str, str], purpose: str) -> None:
        """Tell a status address something, soon, late, twice or never, as the script says."""
        if url:
            self._reports.add(Report(url, method, dict(fields), purpose))

    def finish_reports(self) -> None:
        """Deliver the reports that are still under way."""
        self._reports.finish()

    def close(self) -> None:
        """Let go of what the line holds."""
        self._reports.close()

    def progress(self, sequence: int, final_seconds: int | None = None) -> dict[str, str]:
        """Return the fields a report of progress adds."""
        return parameters.of_progress(sequence, self.told_time(), final_seconds)

    def told_time(self) -> datetime:
        """Return this moment as the script wants it told: of the call as played, or of the wall clock."""
        return self.clock.now() if self.script.timestamps == "virtual" else datetime.now(UTC)

    def absolute(self, base: str, url: str) -> str:
        """Resolve an address of a document; the fragment of the base is not inherited."""
        return urljoin(urldefrag(base).url, url)

    def _read(self, answer: Answer, whisper: bool = False) -> twiml.Script | twiml.DocumentError:
        if not answer.is_ok:
            return twiml.DocumentError(answer.error_code, answer.error)
        outcome = twiml.read(answer, whisper, self.script.switches.empty_answer == "error")
        if isinstance(outcome, twiml.Script):
            self.journal.first_answer()
            for warning in outcome.warnings:
                self.note("note", f"Warning 12200: {warning}")
        return outcome

    def _tell(self, report: Report) -> None:
        retry = self.script.switches.reports_retried_on_5xx
        self._wire.send(report.url, report.method, report.fields, report.purpose, retry_5xx=retry)

    def _lost(self, report: Report) -> None:
        word = report.fields.get("CallStatus") or report.fields.get("RecordingStatus") or ""
        self.note("note", f"Lost on the way: {report.purpose} {word}".rstrip())

    def _seen(self, answer: Answer, purpose: str, fields: Mapping[str, str]) -> None:
        status = "" if answer.status is None else f"HTTP {answer.status}"
        self.journal.write(
            Entry(
                kind="hook",
                text=f"{purpose} → {status or answer.error}",
                at=self.clock.now(),
                elapsed=self.clock.elapsed,
                purpose=purpose,
                method=answer.method,
                url=answer.url,
                sent=dict(fields),
                attempt=answer.attempt,
                status=answer.status,
                milliseconds=round(answer.milliseconds, 2),
                error=answer.error,
                answer=answer.body[:LONGEST_QUOTE],
            )
        )
