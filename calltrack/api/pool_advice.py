"""How many numbers a pool should have, by API."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.accounts.queries import company as company_row
from calltrack.api.access import needs
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.money import Money
from calltrack.numbers.advice import Goal, PoolAdvice, advice_on, why_at
from calltrack.numbers.advisor import Outlook
from calltrack.numbers.erlang import HOURS_OF_WEEK
from calltrack.wiring import Services

SHARE = "Share (0 to 1) of the visits that find every number on screen and share one."


class MonthlyCost(BaseModel):
    """Rent a month in minor units (cents)."""

    minor: int
    currency: str


class OutlookShape(BaseModel):
    """What a pool of so many numbers would do with the traffic it has."""

    numbers: int
    shared_share: Annotated[float, Field(description=SHARE)]
    campaign_accuracy: Annotated[
        float | None, Field(description="0.95, 0.98 or 0.99 of the calls' campaigns right; null: fewer.")
    ]
    visit_accuracy: Annotated[
        float | None,
        Field(description="At least this share of first calls to the right visit; null: too few calls yet."),
    ]
    cost: MonthlyCost | None


class GoalShape(BaseModel):
    """What one may want, and how many numbers that takes."""

    kind: Annotated[
        str,
        Field(
            description="rarely_shared: at most this share of visits finds every number on screen; "
            "campaigns, sources, visits: this share of calls credited rightly."
        ),
    ]
    share: float
    numbers: Annotated[int | None, Field(description="null: no pool reaches it.")]
    change: Annotated[int | None, Field(description="More than today; below zero: fewer.")]
    cost: MonthlyCost | None


class HourShape(BaseModel):
    """An hour of the week."""

    hour: Annotated[int, Field(description="0: Monday from midnight, in the company's time zone; to 167.")]
    visits: float
    on_screen: Annotated[float, Field(description="Visits on screen at once, on average.")]
    expected: Annotated[float, Field(description=SHARE + " Reckoned from the load.")]
    seen: Annotated[float, Field(description=SHARE + " As it was.")]


class DryHourShape(HourShape):
    """An hour at which visits share numbers, and why."""

    seconds_on_screen: float
    causes: Annotated[
        list[str],
        Field(description="campaign, visits, stays, network, or always (it is like other working hours)."),
    ]
    sentence: str


class AdviceShape(BaseModel):
    """A pool's traffic of the last four weeks, and what it says about the pool's size."""

    pool: Annotated[str, Field(description="The pool's id.")]
    name: str
    state: Annotated[
        str,
        Field(description="no_traffic, too_little (under a week or 200 visits: no goals yet) or ready."),
    ]
    numbers: Annotated[int, Field(description="Numbers that visitors are shown in turn today.")]
    since: datetime
    until: datetime
    is_sampled: Annotated[bool, Field(description="true: a large pool; not every visit was counted.")]
    visits_per_week: float
    seconds_on_screen: float
    campaigns: Annotated[
        int, Field(description="That bring nearly all visits; each source without one counts.")
    ]
    sources: int
    shared_share_seen: Annotated[float, Field(description=SHARE + " As it was.")]
    now: OutlookShape | None
    fewer: Annotated[OutlookShape | None, Field(description="With one number fewer.")]
    more: Annotated[OutlookShape | None, Field(description="With one number more.")]
    goals: list[GoalShape]
    hours: Annotated[list[HourShape], Field(description="All 168; empty without traffic.")]
    short_hours: Annotated[int, Field(description="Hours of the week at which visits share numbers.")]
    dry_hours: Annotated[
        list[DryHourShape],
        Field(description="The worst of them, at most five; hours like any other stand there once."),
    ]
    asked: Annotated[
        DryHourShape | None,
        Field(description="The hour asked for (`hour`); null: none was, or there is no traffic yet."),
    ]


class AdviceQuery(BaseModel):
    """Which hour is to be explained, be it short of numbers or not."""

    hour: Annotated[
        int | None,
        Field(ge=0, lt=HOURS_OF_WEEK, description="0: Monday from midnight, in the company's time zone."),
    ] = None


def pool_advice_of(services: Services) -> APIBlueprint:
    """Return the route of the pool advisor."""
    blueprint = APIBlueprint("api_pool_advice", __name__, url_prefix="/api/v1/pools", tag="Numbers")

    @blueprint.get("/<pool_id>/advice")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(AdviceQuery, location="query", arg_name="asked")
    @blueprint.output(AdviceShape)
    def read_advice(pool_id: str, asked: AdviceQuery) -> dict[str, Any]:
        """Say how many numbers a pool should have, from its own traffic; nothing is bought by itself."""
        company_id, id_ = g.asker.company_id, parse_id(pool_id)
        with services.db.tenant(company_id) as session:
            company = company_row(session, company_id)
            if company is None:
                raise NotFound("The company is gone.")
            found = advice_on(session, company_id, id_, company.timezone, services.clock())
        asks = asked.hour is not None and bool(found.hours)
        return _shape(found) | {"asked": asdict(why_at(found, asked.hour or 0)) if asks else None}

    return blueprint


def _shape(found: PoolAdvice) -> dict[str, Any]:
    advice = found.advice
    return {
        "pool": found.pool_id.hex,
        "name": found.pool,
        "state": found.state,
        "numbers": found.numbers,
        "since": found.week.since,
        "until": found.week.until,
        "is_sampled": found.week.is_sampled,
        "visits_per_week": found.week.visits_per_week,
        "seconds_on_screen": found.week.seconds_on_screen,
        "campaigns": found.traffic.campaigns,
        "sources": found.traffic.sources,
        "shared_share_seen": found.week.shared_share,
        "now": _outlook(advice.now) if advice else None,
        "fewer": _outlook(advice.fewer) if advice and advice.fewer else None,
        "more": _outlook(advice.more) if advice else None,
        "goals": [_goal(goal) for goal in found.goals],
        "hours": [asdict(hour) for hour in found.hours],
        "short_hours": found.short_hours,
        "dry_hours": [asdict(hour) for hour in found.dry],
    }


def _outlook(one: Outlook) -> dict[str, Any]:
    return {
        "numbers": one.numbers,
        "shared_share": one.dry_share,
        "campaign_accuracy": one.campaign_accuracy,
        "visit_accuracy": one.visit_accuracy,
        "cost": _cost(one.cost),
    }


def _goal(one: Goal) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "share": one.share,
        "numbers": one.numbers,
        "change": one.change,
        "cost": _cost(one.cost),
    }


def _cost(one: Money | None) -> dict[str, Any] | None:
    return {"minor": one.minor, "currency": one.currency} if one else None
