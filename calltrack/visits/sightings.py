"""Our own numbers, written on the company's pages: somebody pasted one that is another visitor's tomorrow.

The snippet tells which digits stand in the page's own text, with what it wrote itself taken back. Looking
costs a page load one look-up for each; what was found is written down later, by the thread that keeps the
site table fresh. What a process has not written when it ends is seen again at the next page load.
"""

import threading
import time
from collections.abc import Callable, Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from calltrack.infra import outbox
from calltrack.infra.log import log
from calltrack.visits.sites import digits_pair
from calltrack.wiring import Services

LEARN_SECONDS = 300.0
# One page of one number is written down once in this time, however many people load it.
AGAIN_SECONDS = 3600.0
# Anybody can send us pages: so much is kept, the rest is forgotten.
MOST_PENDING, MOST_PAGES = 1000, 20

# Static numbers are printed on purpose. Numbers given up count: they are somebody else's by now.
_OWN = text("SELECT company_id, id, e164 FROM tracking_number WHERE kind <> 'static'")
_SEEN = text(
    """
    INSERT INTO number_sighting (company_id, number_id, page, first_seen_at, last_seen_at, times)
    SELECT company_id, id, :page, :now, :now, 1 FROM tracking_number
    WHERE company_id = :company_id AND id = :number_id AND kind <> 'static' AND (
        EXISTS (SELECT FROM number_sighting
                WHERE company_id = :company_id AND number_id = :number_id AND page = :page)
        OR (SELECT count(*) FROM number_sighting
            WHERE company_id = :company_id AND number_id = :number_id) < :most)
    ON CONFLICT (company_id, number_id, page)
    DO UPDATE SET last_seen_at = excluded.last_seen_at, times = number_sighting.times + 1
    RETURNING times
    """
)
Key = tuple[str, UUID, str]


class Sightings:
    """What this process saw of a company's numbers on its pages."""

    def __init__(self, services: Services, seconds: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing known; `seconds` is a clock that never goes back."""
        self._services = services
        self._seconds = seconds
        self._own: dict[str, dict[str, UUID]] = {}
        self._learnt_at: float | None = None
        self._pending: set[Key] = set()
        self._written: dict[Key, float] = {}
        self._lock = threading.Lock()

    def look(self, company_id: str, found: Iterable[str], page: str) -> None:
        """Notice which of the digits on a page are a number of ours."""
        own = self._own.get(company_id)
        if not own or not page:
            return
        for digits in found:
            number_id = own.get(digits.removeprefix("00"))
            if number_id is not None:
                key = (company_id, number_id, page)
                with self._lock:
                    if key not in self._written and len(self._pending) < MOST_PENDING:
                        self._pending.add(key)

    def settle(self) -> int:
        """Write down what was seen, and learn the numbers anew from time to time; returns how much is new."""
        now, new = self._seconds(), 0
        with self._lock:
            pending, self._pending = self._pending, set()
            self._written = {key: until for key, until in self._written.items() if until > now}
        try:
            for key in pending:
                new += self._write(*key)
                with self._lock:
                    self._written[key] = now + AGAIN_SECONDS
            if self._learnt_at is None or now - self._learnt_at >= LEARN_SECONDS:
                self._learn()
                self._learnt_at = now
        except SQLAlchemyError as problem:
            log.warning("Numbers seen on pages are not written down now: %s", type(problem).__name__)
        return new

    def _write(self, company: str, number_id: UUID, page: str) -> bool:
        company_id, now = UUID(company), self._services.clock()
        with self._services.db.tenant(company_id) as session:
            times = session.scalar(
                _SEEN,
                {
                    "company_id": company_id, "number_id": number_id, "page": page, "now": now,
                    "most": MOST_PAGES,
                },
            )  # fmt: skip
            if times == 1:
                outbox.record(session, company_id, "numbers.checked", number_id, now)
        is_new = bool(times == 1)
        if is_new:
            self._services.nudges.wake("handle_facts", company)
        return is_new

    def _learn(self) -> None:
        own: dict[str, dict[str, UUID]] = {}
        with self._services.db.system() as session:
            for row in session.execute(_OWN):
                pair = digits_pair(row.e164)
                known = own.setdefault(str(row.company_id), {})
                known[pair.international] = known[pair.national] = row.id
        self._own = own
