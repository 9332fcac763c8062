"""How advice, limits and pacing look in answers."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

AMOUNT = "In units of the company's currency."
MINOR = "In minor units (cents) of the company's currency."


class Interval(BaseModel):
    """A figure with its 80 % interval."""

    mean: float
    low: float
    high: float


class ReasonShape(BaseModel):
    """Why, as a code with values and a sentence."""

    code: str
    values: dict[str, Any]
    text: str


class OriginShape(BaseModel):
    """A campaign as visits name it."""

    source: str
    medium: str
    campaign: str


class BudgetShape(BaseModel):
    """One budget: a campaign, or several that share one."""

    id: Annotated[str, Field(description="Names the budget in limits and what-if.")]
    budget: Annotated[str, Field(description="Its name.")]
    campaigns: list[str]
    origins: list[OriginShape]
    platforms: list[str]
    is_shared: bool
    is_locked: bool
    verdict: Annotated[str, Field(description="raise, cut, keep, locked or off.")]
    today: Annotated[float, Field(description=f"What it cost in the newest whole week. {AMOUNT}")]
    unchanged: Annotated[float, Field(description=f"The same, scaled to the total. {AMOUNT}")]
    recommended: Annotated[float | None, Field(description=f"A week; null: no advice. {AMOUNT}")]
    change: Annotated[float | None, Field(description=f"Recommended less today. {AMOUNT}")]
    spend: float
    conversions: float
    value: float
    cost_per_conversion: float | None
    return_at_todays_spend: Interval | None
    return_of_next_unit: Annotated[
        Interval | None, Field(description="Value that the next unit of spend brings, at today's spend.")
    ]


class OnOffSizeShape(BaseModel):
    """How long a test of one budget takes."""

    budget: str
    lift: float
    weeks: Annotated[int | None, Field(description="null: more than two years.")]
    conversions_at_stake: float


class AdviceShape(BaseModel):
    """Advice, from the company's own weeks. It is correlational: no test stands behind it."""

    id: str
    made_at: datetime
    week: Annotated[date, Field(description="The Monday of the newest whole week it knew.")]
    first_week: date
    counts: Annotated[str, Field(description="What counts: lead or purchase.")]
    currency: str
    total: Annotated[float, Field(description=f"What is divided, a week. {AMOUNT}")]
    weeks: int
    conversions: float
    conversions_per_week: float
    gain_in: Annotated[str, Field(description="value, or conversions where none has a value.")]
    method: Annotated[str, Field(description="curves, roas or none.")]
    recommended: Annotated[dict[str, float] | None, Field(description="Budget's name -> amount a week.")]
    expected_gain: Interval | None
    expected_gain_share: float | None
    p_gain: float | None
    reasons: list[ReasonShape]
    unchanged: Annotated[
        dict[str, float] | None,
        Field(
            description="Budget's name -> amount a week: today's split, scaled to the total within limits. "
            "What to spend where nothing is recommended; null: the limits leave no split."
        ),
    ]
    unchanged_value: Interval | None
    trial: Annotated[dict[str, float] | None, Field(description="A split to learn from.")]
    budgets: list[BudgetShape]
    on_off_tests: list[OnOffSizeShape]
    beside: Annotated[
        dict[str, Any],
        Field(description="What it cannot see, in four weeks: unmatched spend, calls without a campaign."),
    ]


class WishedShape(BaseModel):
    """Another split of a week."""

    amounts: Annotated[
        dict[str, Annotated[int, Field(ge=0, le=10**12)]],
        Field(description=f"Budget's id -> amount a week; those left out keep today's. {MINOR}"),
    ]


class TriedShape(BaseModel):
    """What a week with that split would bring."""

    split: dict[str, float]
    total: float
    total_today: float
    conversions: Interval
    value: Interval
    gain: Annotated[Interval, Field(description="Value beyond that of today's split.")]
    p_gain: float
    beyond_what_was_seen: Annotated[
        list[str], Field(description="Budgets of which such spend was never seen.")
    ]
    gain_in: str
    counts: str
    currency: str


class LimitShape(BaseModel):
    """What one budget must keep to, a week."""

    floor_minor: Annotated[int | None, Field(ge=0, description=MINOR)] = None
    cap_minor: Annotated[int | None, Field(ge=0, description=MINOR)] = None
    locked: bool = False


class ConstraintsShape(BaseModel):
    """What advice has to keep to."""

    counts: Annotated[str, Field(description="auto, lead or purchase.")] = "auto"
    total_minor: Annotated[
        int | None, Field(description=f"To divide, a week; null: what the newest week cost. {MINOR}")
    ] = None
    most_change: Annotated[float, Field(gt=0, le=0.3, description="Most change of one budget a week.")] = 0.3
    late_share: Annotated[
        float, Field(ge=0, le=0.9, description="Part of a week's conversions told the week after.")
    ] = 0.0
    budgets: Annotated[dict[str, LimitShape], Field(description="Budget's id -> its limits.")] = {}


BUDGETS = "Ids of budgets, as the advice lists them; they are switched off together."


class TestSizeForm(BaseModel):
    """Which budgets a test would be of."""

    budgets: Annotated[list[str], Field(min_length=1, max_length=500, description=BUDGETS)]
    weeks: Annotated[
        int | None,
        Field(ge=2, le=104, multiple_of=2, description="With it, the smallest lift seen in so many weeks."),
    ] = None


class TestSizeShape(BaseModel):
    """How long a test of these budgets together takes."""

    name: str
    lift: Annotated[float, Field(description="If half of what they are credited with is their own doing.")]
    weeks: Annotated[int | None, Field(description="To see it in four of five; null: over two years.")]
    conversions_at_stake: float
    smallest_lift: Annotated[
        float | None, Field(description="Seen in four of five in the weeks asked for; null: none were.")
    ]


class TestForm(BaseModel):
    """A test to plan."""

    budgets: Annotated[list[str], Field(min_length=1, max_length=500, description=BUDGETS)]
    starts_on: Annotated[date, Field(description="A Monday, today or later.")]
    weeks: Annotated[int, Field(description="An even number from 2 to 104; half of them off, by chance.")]


class TestWeekShape(BaseModel):
    """A week of a test; null: it is not over yet."""

    monday: date
    is_off: bool
    conversions: Annotated[float | None, Field(description="All of the company's.")]
    spend_minor: Annotated[int | None, Field(description=f"Of the tested campaigns. {MINOR}")]


class TestShape(BaseModel):
    """An on/off test, read in whole pairs of weeks so far."""

    id: str
    name: str
    counts: Annotated[str, Field(description="lead or purchase.")]
    state: Annotated[str, Field(description="planned, running, over or stopped.")]
    this_week: Annotated[str | None, Field(description="on or off: what a person has to see to; or null.")]
    weeks: list[TestWeekShape]
    planned_lift: float
    lift: Annotated[
        Interval | None, Field(description="Conversions while on beyond those while off, as a share of them.")
    ]
    more_a_week: Annotated[float | None, Field(description="Conversions a week that came because of them.")]
    spend_a_week_minor: Annotated[int | None, Field(description=f"In weeks on. {MINOR}")]
    kept_to: Annotated[bool, Field(description="False: money was spent in a week off.")]
    text: str


class TestsShape(BaseModel):
    """All on/off tests, newest first."""

    tests: list[TestShape]


class PaceForm(BaseModel):
    """A monthly budget to watch."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    amount_minor: Annotated[int, Field(gt=0, description=MINOR)]
    campaigns: Annotated[
        list[str], Field(description="Ids of budgets' campaigns; empty: everything the company spends.")
    ] = []


class PaceShape(BaseModel):
    """A monthly budget and where it is going to end."""

    id: str
    name: str
    campaigns: list[str]
    month: Annotated[date, Field(description="Its first day.")]
    known_until: Annotated[date, Field(description="Spend is known up to this day, itself left out.")]
    budget_minor: int
    spent_minor: int
    even_by_now_minor: int
    forecast_minor: Interval
    alert: Annotated[str | None, Field(description="over, under or null.")]
    text: str
    spent_by_day_minor: list[int]
    costs_without_rate: Annotated[
        int, Field(description="Costs that are in none of these sums: no rate of their currency is known.")
    ]


class PacesShape(BaseModel):
    """All monthly budgets."""

    budgets: list[PaceShape]


class AfterShape(BaseModel):
    """What happened in the first whole week after advice."""

    week: date
    followed: Annotated[float | None, Field(description="Share of the advised moves that was made.")]
    word: str
    spend_minor: int
    conversions: float
    value_minor: int


class PastShape(BaseModel):
    """Past advice."""

    id: str
    week: date
    made_at: datetime
    recommended: dict[str, float] | None
    p_gain: float | None
    after: Annotated[AfterShape | None, Field(description="null: that week is not over yet.")]


class RecordShape(BaseModel):
    """The last advice of each week, newest first."""

    advice: list[PastShape]
