"""A pool: what its own visits say about its size, why hours are short, and how it is set."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.numbers import changing
from calltrack.numbers.advice import HourSeenAndExpected, PoolAdvice, advice_on, why_at
from calltrack.numbers.changing import PoolChange
from calltrack.numbers.dry_hours import DAYS, DryHour, name_of
from calltrack.numbers.erlang import HOURS_OF_WEEK
from calltrack.numbers.pool_cards import pool_card
from calltrack.numbers.rules import near_in
from calltrack.wiring import Services

# Colours of the week's hours: from this share of visits that share a number on.
HEATS = (0.001, 0.01, 0.02, 0.05, 0.15)
# Numbers of a pool that are listed each by itself.
MOST_LISTED = 40
GOALS = {
    "rarely_shared": "Fewer than 1 visit of 100 shares a number",
    "campaigns": "The campaign is right",
    "sources": "The source is right",
    "visits": "A first call finds its visit",
}


@page("/numbers/pools/<id:pool_id>", "viewer")
def pool_advice(services: Services, here: Here, pool_id: UUID) -> ResponseReturnValue:
    """Show today's pool, one number fewer and more, what goals take, and the hours that are short."""
    return _page(services, here, pool_id)


@page("/numbers/pools/<id:pool_id>", "manager", ("POST",))
def change_pool(services: Services, here: Here, pool_id: UUID) -> ResponseReturnValue:
    """Change a pool's name, times, and which numbers come first."""
    form = typed("pool")
    try:
        with form.about("lease_seconds"):
            lease = form.whole("lease_seconds")
        with form.about("cooldown_seconds"):
            rest = form.whole("cooldown_seconds")
        with form.about("near"):
            near = near_in(form.text("near"), here.company.country)
        with form.about("name"), services.db.tenant(here.company.id) as session:
            change = PoolChange(name=form.text("name"), lease_seconds=lease, cooldown_seconds=rest, near=near)
            changed = changing.change_pool(
                session, here.company.id, pool_id, change, here.now, by=here.who.email
            )
    except WrongForm:
        return _page(services, here, pool_id, form), form.status
    flash("The pool is changed: true for the next visit." if changed else "Nothing was different.")
    return redirect(url_for("dashboard.pool_advice", company_id=here.company.id, pool_id=pool_id), 303)


def _page(services: Services, here: Here, pool_id: UUID, form: Typed | None = None) -> str:
    with services.db.tenant(here.company.id) as session:
        found = advice_on(session, here.company.id, pool_id, here.company.timezone, here.now)
        card = pool_card(session, here.company.id, pool_id)
    return render_template(
        "pool_advice.html",
        found=found,
        pool=card,
        form=form,
        most_listed=MOST_LISTED,
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
