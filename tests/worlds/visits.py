"""The visits of a world: when they come, from where, for how long, and what they look at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.worlds.assumptions import Assumptions
from tests.worlds.clock import TRAFFIC, arrivals, later

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
LONGEST_VISIT = 4 * 3_600.0
SHORTEST_VISIT = 2.0


@dataclass(frozen=True)
class Visits:
    """One entry per visit, in order of start."""

    person: Ints
    """Who sits there; a person may come with several browsers."""
    visitor: Ints
    """Which browser (cookie)."""
    start: Floats
    end: Floats
    campaign: Ints
    mobile: Flags
    region: Ints
    bounce: Flags
    contact_at: Floats
    """When the contact page was opened; NaN if it was not."""
    returning: Flags
    """The cookie was seen before."""
    again: Flags
    """The person was here before, whatever the cookie says."""

    def __len__(self) -> int:
        return len(self.start)


def zipf(count: int) -> Floats:
    """Return shares that fall as 1, 1/2, 1/3 ..."""
    shares: Floats = 1 / np.arange(1, count + 1)
    shares /= shares.sum()
    return shares


def campaign_shares(world: Assumptions, rng: np.random.Generator) -> Floats:
    """Return how large each campaign is: lognormal, as accounts are."""
    sizes: Floats = np.exp(rng.normal(0, 0.8, world.campaigns))
    sizes /= sizes.sum()
    return sizes


def make_visits(world: Assumptions, rng: np.random.Generator) -> Visits:
    """Draw all visits: new people by the week's traffic, some of whom come again."""
    shares = campaign_shares(world, rng)
    start = arrivals(rng, world.visits_per_day * (1 - world.returns), world.days)
    count = len(start)
    person = visitor = np.arange(count)
    campaign = rng.choice(world.campaigns, count, p=shares)
    mobile = rng.random(count) < world.mobile
    region = rng.choice(world.regions, count, p=zipf(world.regions))
    known = np.zeros(count, bool)
    batches = []
    next_cookie = count
    again = np.zeros(count, bool)
    while count:
        bounce, length = _lengths(world, rng, count)
        batches.append(
            (person, visitor, start, start + length, campaign, mobile, region, bounce, known, again)
        )
        stays = np.flatnonzero(rng.random(count) < world.returns)
        begins = later(rng, start[stays] + length[stays], world.return_median, world.return_sigma, TRAFFIC)
        inside = begins < world.days * 86_400
        stays, start = stays[inside], begins[inside]
        count = len(stays)
        fresh = rng.random(count) < world.new_cookie
        visitor = np.where(fresh, next_cookie + np.arange(count), visitor[stays])
        next_cookie += count
        same = rng.random(count) < world.same_campaign
        campaign = np.where(same, campaign[stays], rng.choice(world.campaigns, count, p=shares))
        person, mobile, region = person[stays], mobile[stays], region[stays]
        known, again = ~fresh, np.ones(count, bool)
    columns = [np.concatenate(column) for column in zip(*batches, strict=True)]
    order = np.argsort(columns[2], kind="stable")
    person, visitor, start, end, campaign, mobile, region, bounce, known, again = (
        one[order] for one in columns
    )
    looks = ~bounce & (rng.random(len(start)) < world.contact_page)
    contact_at = np.where(looks, start + (end - start) * rng.uniform(0.05, 0.8, len(start)), np.nan)
    return Visits(person, visitor, start, end, campaign, mobile, region, bounce, contact_at, known, again)


def _lengths(world: Assumptions, rng: np.random.Generator, count: int) -> tuple[Flags, Floats]:
    bounce = rng.random(count) < world.bounces
    median = np.where(bounce, world.bounce_median, world.engaged_median)
    sigma = np.where(bounce, world.bounce_sigma, world.engaged_sigma)
    length = np.exp(rng.normal(np.log(median), sigma))
    return bounce, np.clip(length, SHORTEST_VISIT, LONGEST_VISIT)
