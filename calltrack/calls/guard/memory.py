"""What one voice process has seen itself: who called lately, and how much was put through today.

It serves the caller's path, so it never asks anybody; it is bounded, and its counts hold while the database
is away.
"""

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from calltrack.calls.guard.cap_rules import LONGEST_CALL, Used, billed_minutes
from calltrack.calls.guard.spam_rules import RECENT_MINUTES, SHORT_SECONDS, TRUSTED_SECONDS

MOST_CALLERS, MOST_CALLS, MOST_OPEN = 20_000, 64, 50_000
LATELY = timedelta(minutes=RECENT_MINUTES)
A_DAY = timedelta(days=1)
# Minutes of calls that go on are added up this often: a caller is not to wait for thousands of additions.
ADDED_UP_EVERY = timedelta(seconds=1)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """What this process knows of a caller."""

    calls_lately: int
    numbers_lately: int
    short: int
    answered: int
    is_trusted: bool = False


@dataclass
class _Caller:
    calls: deque[tuple[datetime, UUID]] = field(default_factory=lambda: deque(maxlen=MOST_CALLS))
    talks: deque[tuple[datetime, int]] = field(default_factory=lambda: deque(maxlen=MOST_CALLS))


@dataclass
class _Open:
    company_id: UUID
    number_id: UUID
    day: date
    began: datetime
    caller: bytes | None


@dataclass
class _Day:
    day: date
    calls: int = 0
    minutes: int = 0
    open: dict[str, datetime] = field(default_factory=dict)
    running: int = 0
    added_up_at: datetime = NEVER

    def begin(self, sid: str, at: datetime) -> None:
        """Count a call that begins to ring."""
        self.calls += 1
        self.open[sid] = at
        self.running += self._running(at)

    def end(self, sid: str, seconds: float) -> None:
        """Count the minutes of a call that is over."""
        began = self.open.pop(sid, None)
        if began is not None:
            self.minutes += billed_minutes(seconds)
            self.running -= self._running(began)

    def used(self, now: datetime) -> Used:
        """Return what is used; minutes of calls that go on are those of a second ago at the latest."""
        if abs(now - self.added_up_at) >= ADDED_UP_EVERY:
            self.added_up_at = now
            self.running = sum(self._running(began) for began in self.open.values())
        return Used(self.calls, self.minutes + self.running)

    def _running(self, began: datetime) -> int:
        return billed_minutes((self.added_up_at - began).total_seconds())


class Memory:
    """Counts of one process. Safe to share between threads."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._callers: OrderedDict[tuple[UUID, bytes], _Caller] = OrderedDict()
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._days: dict[tuple[UUID, UUID | None], _Day] = {}

    def call(self, company_id: UUID, number_id: UUID, caller: bytes | None, at: datetime) -> Seen:
        """Note that somebody calls, and return what is known of the caller, this call included."""
        if caller is None:
            return Seen(1, 1, 0, 0)
        with self._lock:
            known = self._caller(company_id, caller)
            known.calls.append((at, number_id))
            lately = [number for when, number in known.calls if at - when <= LATELY]
            talks = [seconds for when, seconds in known.talks if at - when <= A_DAY]
            short = sum(seconds < SHORT_SECONDS for seconds in talks)
            is_trusted = any(seconds >= TRUSTED_SECONDS for _, seconds in known.talks)
            return Seen(len(lately), len(set(lately)), short, len(talks), is_trusted)

    def put_through(
        self, company_id: UUID, number_id: UUID, sid: str, caller: bytes | None, day: date, at: datetime
    ) -> None:
        """Note that a call rings a line; the same call counts once."""
        with self._lock:
            if sid in self._open:
                return
            self._open[sid] = _Open(company_id, number_id, day, at, caller)
            for number in (number_id, None):
                self._day(company_id, number, day).begin(sid, at)
            if len(self._open) > MOST_OPEN:
                self._close(next(iter(self._open)), LONGEST_CALL)

    def talked(self, sid: str, seconds: int, at: datetime) -> None:
        """Note how long the business talked with the caller of a call."""
        with self._lock:
            one = self._open.get(sid)
            if one is not None and one.caller is not None:
                self._caller(one.company_id, one.caller).talks.append((at, seconds))

    def ended(self, sid: str, seconds: float | None, at: datetime) -> None:
        """Note that a call is over; without its length it counts from when it rang."""
        with self._lock:
            one = self._open.get(sid)
            if one is not None:
                self._close(sid, seconds if seconds is not None else (at - one.began).total_seconds())

    def used(self, company_id: UUID, number_id: UUID | None, day: date, now: datetime) -> Used:
        """Return what was put through on a day on one number (None: in all), as far as this process saw."""
        with self._lock:
            count = self._days.get((company_id, number_id))
            if count is None or count.day != day:
                return Used()
            return count.used(now)

    def _caller(self, company_id: UUID, caller: bytes) -> _Caller:
        known = self._callers.setdefault((company_id, caller), _Caller())
        self._callers.move_to_end((company_id, caller))
        if len(self._callers) > MOST_CALLERS:
            self._callers.popitem(last=False)
        return known

    def _day(self, company_id: UUID, number_id: UUID | None, day: date) -> _Day:
        count = self._days.get((company_id, number_id))
        if count is None or count.day != day:
            count = self._days[company_id, number_id] = _Day(day)
        return count

    def _close(self, sid: str, seconds: float) -> None:
        one = self._open.pop(sid)
        for number in (one.number_id, None):
            count = self._days.get((one.company_id, number))
            if count is not None:
                count.end(sid, seconds)
