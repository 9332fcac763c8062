"""How many numbers: what a pool's own visits say about its size, and why hours of the week are short."""

from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.numbers.advice import HourSeenAndExpected, PoolAdvice, advice_on, why_at
from calltrack.numbers.dry_hours import DAYS, DryHour, name_of
from calltrack.numbers.erlang import HOURS_OF_WEEK
from calltrack.wiring import Services

# Colours of the week's hours: from this share of visits that share a number on.
HEATS = (0.001, 0.01, 0.02, 0.05, 0.15)
GOALS = {
    "rarely_shared": "Fewer than 1 visit of 100 shares a number",
    "campaigns": "The campaign is right",
    "sources": "The source is right",
    "visits": "A first call finds its visit",
}


@page("/numbers/pools/<id:pool_id>", "viewer")
def pool_advice(services: Services, here: Here, pool_id: UUID) -> ResponseReturnValue:
    """Show today's pool, one number fewer and more, what goals take, and the hours that are short."""
    with services.db.tenant(here.company.id) as session:
        found = advice_on(session, here.company.id, pool_id, here.company.timezone, here.now)
    return render_template(
        "pool_advice.html",
        found=found,
        goal_words=GOALS,
        days=DAYS,
        weeks=[_day(found, day) for day in range(len(DAYS))] if found.hours else [],
        asked=_asked(found),
        hours_of_day=range(24),
    )


def _day(found: PoolAdvice, day: int) -> list[tuple[int, str]]:
    """Return each hour of a day as its colour and what stands behind it."""
    return [(_heat(hour), _told(hour)) for hour in found.hours[24 * day : 24 * (day + 1)]]


def _heat(hour: HourSeenAndExpected) -> int:
    share = max(hour.expected, hour.seen)
    return sum(share >= least for least in HEATS)


def _told(hour: HourSeenAndExpected) -> str:
    most = max(hour.expected, hour.seen)
    share = "none share" if most < HEATS[0] else f"{most * 100:.{0 if most >= 0.1 else 1}f} % share"
    return f"{name_of(hour.hour)}: {hour.visits:.0f} visits, {hour.on_screen:.1f} on screen, {share}"


def _asked(found: PoolAdvice) -> DryHour | None:
    """Return the hour somebody asks about (`?day=1&hour=10`); None when nobody does, or it makes no sense."""
    try:
        hour = 24 * int(request.args.get("day", "")) + int(request.args.get("hour", ""))
    except ValueError:
        return None
    return why_at(found, hour) if found.hours and 0 <= hour < HOURS_OF_WEEK else None
