"""`calltrack replay-calls`: are the rows of a company's calls what their stored events say?"""

import sys
from datetime import UTC, datetime
from uuid import UUID

from calltrack.accounts.model import Company
from calltrack.calls.replay import Replayed, replay
from calltrack.commands.running import settings_here
from calltrack.wiring import build

MOST_SHOWN = 100


def replay_calls(company: str, since: str | None, *, write: bool) -> int:
    """Compare, print every difference, and with `write` mend it; returns 1 where differences remain."""
    company_id, moment = _company(company), _moment(since)
    services = build(settings_here(), statement_timeout_ms=600_000)
    with services.db.system() as system:
        if system.get(Company, company_id) is None:
            sys.exit(f"There is no company {company}. Its id stands in the addresses of its pages.")
    counts, shown = Replayed(), 0
    found = replay(
        services.db, services.vault, company_id, moment, write=write, now=services.clock(), counts=counts
    )
    for one in found:
        shown += 1
        if shown <= MOST_SHOWN:
            print(f"{one.call_sid}  {one.where}: stored {one.stored}, told {one.told}")
    services.close()
    if shown > MOST_SHOWN:
        print(f"... and {shown - MOST_SHOWN} more.")
    print(
        f"{counts.calls} calls rebuilt from {counts.events} events: {shown} differences in "
        f"{counts.differing} calls{' (mended)' if write and shown else ''}; "
        f"{counts.eventless} calls have no events (demo history)."
    )
    return 1 if shown and not write else 0


def _company(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        sys.exit(f"{text[:64]!r} is not a company's id. It stands in the addresses of its pages: /app/<id>/.")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        sys.exit(f"{text[:64]!r} is not a time; write it like 2026-11-01 or 2026-11-01T12:00:00Z.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
