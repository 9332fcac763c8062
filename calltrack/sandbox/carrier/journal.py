"""What happened in a simulated call, readable while it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from calltrack.sandbox.carrier.orders import Orders

EntryKind = Literal["call", "ring", "caller-hears", "business-hears", "key", "connected", "hook", "note"]
Result = Literal["talked", "voicemail", "missed", "gone", "rejected", "error", "not-in-service"]


Observer = Callable[[Literal["call", "leg", "recording"], Mapping[str, str], datetime], None]
"""Told of every change of a call, leg or recording: its fields, and when by the clock of the call."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the journal; the last fields belong to requests (`hook`)."""

    kind: EntryKind
    text: str
    at: datetime
    """By the clock of the call."""
    elapsed: float
    """Seconds of the call."""
    purpose: str = ""
    """Of a request: voice, action, whisper, leg, ended, recording, gather, voicemail, redirect, fallback,
    refer, conference, progress."""
    method: str = ""
    url: str = ""
    sent: dict[str, str] = field(default_factory=dict)
    attempt: int = 0
    status: int | None = None
    milliseconds: float = 0.0
    error: str = ""
    answer: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether a request was answered with success."""
        return self.status is not None and 200 <= self.status < 300

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the empty ones."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["at"] = self.at.isoformat()
        kept = {name: value for name, value in plain.items() if value not in ("", None, (), {}, 0, 0.0)}
        return {**kept, "elapsed": round(self.elapsed, 3)}


class CallJournal:
    """All that happened in one call; one thread writes, any thread reads."""

    def __init__(self, call_sid: str, from_: str, to: str, observer: Observer | None = None) -> None:
        self.call_sid = call_sid
        self.from_ = from_
        self.to = to
        self.observer = observer
        self.orders: Orders | None = None
        """Where orders from outside are left, once the call has begun."""
        self.began = datetime.now(UTC)
        self.state: Literal["running", "ended"] = "running"
        self.rang: list[str] = []
        """The business numbers that rang, in order."""
        self.bridged = False
        self.talk_seconds = 0
        self.via_fallback = False
        self.result: Result | None = None
        self.final_status: str | None = None
        """The carrier's last word on the call, such as completed or no-answer."""
        self.answered_after: float | None = None
        """Real seconds from the first request to the first document that could be carried out."""
        self._entries: list[Entry] = []
        self._lock = threading.Lock()
        self._started = time.perf_counter()
        self.seconds_total = 0.0

    def write(self, entry: Entry) -> None:
        """Add a line."""
        with self._lock:
            self._entries.append(entry)

    def tell(
        self, kind: Literal["call", "leg", "recording"], fields: Mapping[str, str], at: datetime
    ) -> None:
        """Tell the observer, where there is one, how a call, leg or recording stands now."""
        if self.observer is not None:
            self.observer(kind, fields, at)

    def first_answer(self) -> None:
        """Take the time of the first good document; later ones do not count."""
        if self.answered_after is None:
            self.answered_after = time.perf_counter() - self._started

    def end(self) -> None:
        """Nothing more will happen in this call."""
        self.seconds_total = time.perf_counter() - self._started
        self.state = "ended"

    @property
    def entries(self) -> list[Entry]:
        """Every line so far."""
        with self._lock:
            return list(self._entries)

    @property
    def connected(self) -> bool:
        """Whether the caller reached a ringing business: nobody hears an error tone."""
        return bool(self.rang)

    @property
    def requests(self) -> list[Entry]:
        """Every request to the hooks so far, retries and repetitions included."""
        return [entry for entry in self.entries if entry.kind == "hook"]

    @property
    def heard(self) -> list[str]:
        """What the caller heard."""
        return [entry.text for entry in self.entries if entry.kind == "caller-hears"]

    @property
    def whispered(self) -> list[str]:
        """What the business heard before it was joined."""
        return [entry.text for entry in self.entries if entry.kind == "business-hears"]

    def to_json(self, after: int = 0) -> dict[str, Any]:
        """Return the journal as plain values; `after` leaves out the lines already known."""
        entries = self.entries
        return {
            "id": self.call_sid,
            "from": self.from_,
            "to": self.to,
            "began": self.began.isoformat(),
            "state": self.state,
            "result": self.result,
            "final_status": self.final_status,
            "connected": self.connected,
            "rang": list(self.rang),
            "bridged": self.bridged,
            "talk_seconds": self.talk_seconds,
            "via_fallback": self.via_fallback,
            "answered_after": self.answered_after,
            "seconds_total": self.seconds_total,
            "lines": len(entries),
            "entries": [entry.to_json() for entry in entries[after:]],
        }
