"""Numbers that visitors are shown in turn, and that somebody wrote down for good: on a page, in print.

Whoever rings such a number has no visit, or is taken for the visitor who is shown it at that moment. Pages
are told by the snippet (`visits/sightings.py`); that a number is called from nowhere follows from its calls.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.phone import pretty
from calltrack.numbers.print_hints import LONG_AFTER, Rang, evidence

# A page that was put right is not seen any more; its warning ends after so long.
STANDS: Final = timedelta(days=3)
KEPT: Final = timedelta(days=30)
LOOK_BACK: Final = timedelta(days=30)


@dataclass(frozen=True)
class Printed:
    """A number that stands written somewhere: on pages of the site, or wherever its callers have it from."""

    number_id: UUID
    e164: str
    pages: tuple[str, ...]
    """Newest first; empty where only its calls say so."""
    calls: int
    last_seen_at: datetime
    is_released: bool

    @property
    def words(self) -> str:
        """Say what is the matter and the next step."""
        number = pretty(self.e164)
        if not self.pages:
            calls = "1 call" if self.calls == 1 else f"{self.calls} calls"
            return (
                f"{number} seems to be printed or shown on another page: {calls} came in {LOOK_BACK.days} "
                f"days more than {LONG_AFTER.days} days after anybody was shown it. Where that is meant, "
                "let it stand for that source; else have your own number put there."
            )
        count = len(self.pages) - 1
        others = f" and {count} more page{'' if count == 1 else 's'}" if count else ""
        if self.is_released:
            return (
                f"{number} was given up here and still stands written on {self.pages[0]}{others}: whoever "
                "rings it from there reaches nobody, or somebody else. Write your own number there."
            )
        return (
            f"{number} stands written on {self.pages[0]}{others}, and visitors are shown it in turn: whoever "
            "rings it from there may be taken for another visitor. Write your own number there; the snippet "
            "puts the right one in its place."
        )


def printed_numbers(
    session: Session, company_id: UUID, now: datetime, number_id: UUID | None = None
) -> tuple[Printed, ...]:
    """Return the numbers of the company (or the one) that stand written somewhere, by number."""
    rows = session.execute(
        _PRINTED, {"company_id": company_id, "number_id": number_id, "since": now - STANDS}
    )
    return tuple(
        Printed(
            number_id=row.number_id,
            e164=row.e164,
            pages=tuple(row.pages or ()),
            calls=row.calls or 0,
            last_seen_at=row.last_seen_at,
            is_released=row.released_at is not None,
        )
        for row in rows
    )


def note_strange_calls(session: Session, company_id: UUID, now: datetime) -> bool:
    """Write down which numbers are called from nowhere, and forget old pages; tells if anything changed."""
    before = {one.number_id for one in printed_numbers(session, company_id, now)}
    session.execute(_FORGET, {"company_id": company_id, "before": now - KEPT})
    calls: dict[UUID, list[Rang]] = defaultdict(list)
    rows = session.execute(_STRANGE, {"company_id": company_id, "since": now - LOOK_BACK, "late": LONG_AFTER})
    for row in rows:
        caller = bytes(row.caller_hash) if row.caller_hash else None
        calls[row.number_id].append(Rang(row.started_at, caller, row.shown_until))
    found = {number_id: rang for number_id, rang in calls.items() if evidence(rang).strength == "likely"}
    session.execute(_OVER, {"company_id": company_id, "found": list(found)})
    for number_id, rang in found.items():
        session.execute(_NOTE, _values(company_id, number_id, rang))
    return {one.number_id for one in printed_numbers(session, company_id, now)} != before


def _values(company_id: UUID, number_id: UUID, rang: Sequence[Rang]) -> dict[str, object]:
    times = [call.at for call in rang]
    return {
        "company_id": company_id, "number_id": number_id, "first": min(times), "last": max(times),
        "times": len(times),
    }  # fmt: skip


# A number's own use decides: whoever still calls what it stood for before is no sign of anything.
_STRANGE = text(
    """
    SELECT c.number_id, c.started_at, c.caller_hash, shown.until AS shown_until
    FROM call c
    JOIN tracking_number n ON n.company_id = c.company_id AND n.id = c.number_id
    LEFT JOIN LATERAL (
        SELECT max(e.shown_until) AS until FROM (
            SELECT shown_until FROM lease
            WHERE company_id = c.company_id AND number_id = c.number_id AND shown_from <= c.started_at
            ORDER BY shown_from DESC LIMIT 20) e) shown ON true
    WHERE c.company_id = :company_id AND c.started_at >= :since
      AND n.kind <> 'static' AND n.released_at IS NULL
      AND (n.rests_until IS NULL OR c.started_at > n.rests_until)
      AND (shown.until IS NULL OR shown.until < c.started_at - CAST(:late AS interval))
      AND NOT EXISTS (SELECT FROM call_spam s
                      WHERE s.company_id = c.company_id AND s.call_id = c.id AND s.mark <> 'clean')
    ORDER BY c.number_id, c.started_at
    """
)
_PRINTED = text(
    """
    SELECT s.number_id, n.e164, n.released_at, max(s.last_seen_at) AS last_seen_at,
           array_agg(s.page ORDER BY s.last_seen_at DESC, s.page) FILTER (WHERE s.page <> '') AS pages,
           max(s.times) FILTER (WHERE s.page = '') AS calls
    FROM number_sighting s
    JOIN tracking_number n ON n.company_id = s.company_id AND n.id = s.number_id
    WHERE s.company_id = :company_id AND n.kind <> 'static'
      AND (CAST(:number_id AS uuid) IS NULL OR s.number_id = :number_id)
      AND (s.page = '' OR s.last_seen_at > :since)
    GROUP BY s.number_id, n.e164, n.released_at ORDER BY n.e164
    """
)
_FORGET = text("DELETE FROM number_sighting WHERE company_id = :company_id AND last_seen_at < :before")
_OVER = text(
    "DELETE FROM number_sighting WHERE company_id = :company_id AND page = '' AND number_id <> ALL(:found)"
)
_NOTE = text(
    """
    INSERT INTO number_sighting (company_id, number_id, page, first_seen_at, last_seen_at, times)
    VALUES (:company_id, :number_id, '', :first, :last, :times)
    ON CONFLICT (company_id, number_id, page)
    DO UPDATE SET first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at,
                  times = excluded.times
    """
)
