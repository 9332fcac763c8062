"""Segments that owners want to hear of: a notice stands while enough persons are in one."""

from typing import Final
from uuid import UUID

from sqlalchemy import text

from calltrack.delivery.notices import Problem, raise_and_resolve
from calltrack.stages.segment_rules import read_segment
from calltrack.stages.segments import count_each, segments
from calltrack.wiring import Services

KINDS: Final = ("segment.filled",)
_WATCHED: Final = text("SELECT DISTINCT company_id FROM journey_segment WHERE alert_from IS NOT NULL")


def watch_segments(services: Services) -> int:
    """Raise and end notices of segments where they are wanted; returns in how many companies one is new."""
    with services.db.system() as system:
        companies = list(system.scalars(_WATCHED))
    return sum(watch(services, company_id) for company_id in companies)


def watch(services: Services, company_id: UUID) -> bool:
    """Raise a notice for each segment with as many persons as were asked for, and end what is over.

    Tells whether one is new.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        wanted = [one for one in segments(session, company_id) if one.alert_from is not None]
        counts = count_each(session, company_id, [read_segment(one.condition) for one in wanted], now)
        problems = [
            Problem(
                "segment.filled", one.id.hex, "info",
                f"{count} {'person is' if count == 1 else 'persons are'} in the segment “{one.name}”;"
                f" you wanted to know from {one.alert_from} on.",
            )
            for one, count in zip(wanted, counts, strict=True)
            if count >= (one.alert_from or 0)
        ]  # fmt: skip
        is_new = raise_and_resolve(session, company_id, problems, now, KINDS)
    if is_new:
        services.nudges.wake("handle_facts", str(company_id))
    return is_new
