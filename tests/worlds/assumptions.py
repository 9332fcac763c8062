"""What the simulated worlds assume about visitors, callers and unwanted calls."""

from dataclasses import dataclass

MINUTE, HOUR, DAY, WEEK = 60.0, 3_600.0, 86_400.0, 604_800.0

# Relative traffic by hour of the day, and by day of the week (from Monday).
TRAFFIC_HOURS = (
    0.28, 0.16, 0.11, 0.09, 0.12, 0.25, 0.55, 0.95, 1.50, 1.80, 1.82, 1.80,
    1.62, 1.60, 1.72, 1.75, 1.66, 1.45, 1.25, 1.18, 1.15, 1.00, 0.72, 0.46,
)  # fmt: skip
TRAFFIC_DAYS = (1.14, 1.14, 1.12, 1.10, 1.04, 0.74, 0.72)
# When people phone: who thinks of it at night waits for the morning.
PHONING_HOURS = (
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.15, 0.70, 1.0, 1.0, 1.0,
    0.75, 0.75, 0.95, 1.0, 1.0, 0.90, 0.55, 0.25, 0.10, 0.03, 0.0, 0.0,
)  # fmt: skip
PHONING_DAYS = (1.0, 1.0, 1.0, 1.0, 0.95, 0.45, 0.12)


@dataclass(frozen=True)
class Delays:
    """When first calls come: shares on screen, soon after, later; the later ones' median and spread."""

    name: str
    on_screen: float
    soon: float
    late: float
    late_median: float
    late_sigma: float = 1.4
    soon_median: float = 6 * MINUTE
    soon_sigma: float = 0.9


IMMEDIATE = Delays("immediate", 0.80, 0.12, 0.08, 14 * HOUR)
BASE = Delays("base", 0.58, 0.20, 0.22, 14 * HOUR)
CONSIDERED = Delays("considered", 0.35, 0.20, 0.45, 26 * HOUR)
SCENARIOS = (IMMEDIATE, BASE, CONSIDERED)


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """One world's parameters; the defaults are the base world."""

    seed: int
    visits_per_day: int = 1_000
    days: int = 35
    campaigns: int = 30
    sources: int = 5
    regions: int = 12
    delays: Delays = BASE

    bounces: float = 0.45
    bounce_median: float = 12.0
    bounce_sigma: float = 0.6
    engaged_median: float = 150.0
    engaged_sigma: float = 1.1
    contact_page: float = 0.18
    """Share of engaged visits that open the contact page."""
    mobile: float = 0.60
    returns: float = 0.20
    return_median: float = 20 * HOUR
    return_sigma: float = 1.2
    new_cookie: float = 0.12
    same_campaign: float = 0.60
    """Share of returns by the same campaign as before."""
    same_region: float = 0.60
    """Share of callers whose number's area is the region they browse from."""

    first_calls: float = 0.04
    """First calls per visit."""
    if_bounce: float = 0.07
    if_contact: float = 3.0
    if_mobile: float = 1.4
    if_returning: float = 1.5
    campaign_sigma: float = 0.5
    taps: float = 0.75
    """Share of mobile callers on screen who tap the number."""
    beacons_arrive: float = 0.97
    false_taps: float = 0.015
    copies: float = 0.18
    """Share of delayed callers who copy the number."""
    false_copies: float = 0.015

    redials: float = 0.36
    """Calls that are followed by another of the same caller."""
    redial_shares: tuple[float, float, float] = (0.25, 0.40, 0.35)
    redial_medians: tuple[float, float, float] = (5 * MINUTE, 4 * HOUR, 3 * DAY)
    redial_sigma: float = 0.8
    other_phone: float = 0.10
    """Share of redials that come from another phone."""
    withheld: float = 0.04
    linkable: float = 0.0
    """Share of visitors who type their phone number into a form."""
    spam_per_day: float = 0.02
    """Unwanted calls per number and day, spread over the numbers by a Gamma of this shape."""
    spam_shape: float = 0.5
    spam_withheld: float = 0.15
