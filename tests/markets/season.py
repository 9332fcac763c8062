"""Half a year of a market under one way to divide the budget: what it loses, and what it predicted."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from calltrack.budgets.advice import Advice, Outlook, advise, outlook
from calltrack.budgets.history import History
from calltrack.budgets.limits import Constraints
from tests.markets.methods import Method, Told
from tests.markets.world import BUDGET, CAMPAIGNS, TOLD_LATE, WEEKS, Floats, Market, best_value

FIRST_WEEKS = 4
MINOR = 100
NAMES = tuple(f"campaign {place}" for place in range(CAMPAIGNS))


@dataclass(frozen=True)
class Predicted:
    """One proposal beside the truth: values a week, before and after."""

    advice: Advice
    seen: Outlook
    gain: float
    value: float


@dataclass
class Season:
    """What was lost in each week against the best split, as a share of it; and every proposal made."""

    regret: list[float] = field(default_factory=list)
    predictions: list[Predicted] = field(default_factory=list)

    def figures(self) -> tuple[float, float]:
        """Return the mean regret of all weeks, and of the second half."""
        half = len(self.regret) // 2
        return float(np.mean(self.regret)), float(np.mean(self.regret[half:]))


Player = Callable[[Told, Market, Season], Floats]


def play(begun: Market, player: Player, seed: int) -> Season:
    """Let a player divide the budget for half a year; the first week is divided equally."""
    rng, now, season = np.random.default_rng(seed), begun, Season()
    spend, counts, value = np.zeros((3, CAMPAIGNS, WEEKS))
    best = best_value(now)
    for week in range(WEEKS):
        split = np.full(CAMPAIGNS, BUDGET / CAMPAIGNS)
        if week:
            split = player(_told(spend, counts, value, week, rng), now, season)
        spend[:, week] = split
        counts[:, week], value[:, week] = now.told(split, rng)
        season.regret.append(1 - now.value(split) / best)
        now = now.drifted(rng)
        if now.assumed.drift:
            best = best_value(now)
    return season


def _told(spend: Floats, counts: Floats, value: Floats, week: int, rng: np.random.Generator) -> Told:
    """Return the weeks so far; of the newest one some conversions are not known yet."""
    known, worth = counts[:, :week].copy(), value[:, :week].copy()
    newest = known[:, -1]
    arrived = rng.binomial(newest.astype(int), 1 - TOLD_LATE)
    worth[:, -1] *= np.divide(arrived, newest, out=np.zeros(CAMPAIGNS), where=newest > 0)
    known[:, -1] = arrived
    return Told(spend[:, :week], known, worth)


def others(method: Method, *, learns: bool = True) -> Player:
    """Return a player by another method; those that learn alternate in the first weeks, as ours does."""

    def divide(told: Told, _now: Market, _season: Season) -> Floats:
        week = told.spend.shape[1]
        if learns and week < FIRST_WEEKS:
            signs = np.where((np.arange(CAMPAIGNS) + week) % 2, 1, -1)
            return BUDGET / CAMPAIGNS * (1 + 0.25 * signs)
        return method(told)

    return divide


def ours(*, only_when_sure: bool) -> Player:
    """Return a player that does what is proposed, or only what is recommended."""

    def divide(told: Told, now: Market, season: Season) -> Floats:
        history = History(
            names=NAMES,
            members={},
            spend=told.spend * MINOR,
            conversions=told.conversions,
            value=told.value * MINOR,
        )
        seen = outlook(history, round(BUDGET * MINOR), Constraints())
        advice = advise(seen)
        if advice.unchanged and advice.proposed:
            base, proposed = (np.array(each) / MINOR for each in (advice.unchanged, advice.proposed))
            gain = now.value(proposed) - now.value(base)
            season.predictions.append(Predicted(advice, seen, gain, now.value(base)))
        choice = advice.recommended if only_when_sure else advice.proposed
        return np.array(choice or advice.trial or advice.unchanged, float) / MINOR

    return divide
