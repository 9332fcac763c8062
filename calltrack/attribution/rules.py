"""Which visit made the call: rates per second of every explanation, normalised to probabilities.

An explanation is a visit that was shown the number, a repetition of the caller's earlier call (which carries
that call's verdict unchanged), or nobody (a wrong number, an unwanted call).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from calltrack.attribution.verdict import (
    NO_CAMPAIGN,
    CallFacts,
    Campaign,
    Candidate,
    EarlierCall,
    Shown,
    Verdict,
)
from calltrack.attribution.words import reasons_for, reasons_for_static

MODEL = "first-form-1"
MOST_KEPT = 20
DIGITS = 6

# A page that gave a sign of life this recently is still on screen: beats come once a minute at the least
# (`visits.rules.LONGEST_BEAT_SECONDS`), and stop while the phone's dialler covers the browser.
ON_SCREEN = timedelta(seconds=75)
CALLS_PER_VISIT = 1 / 30
# Half of the calls come while the page is on screen, which lasts 200 seconds on average.
RATE_ON_SCREEN = 0.5 / 200 * CALLS_PER_VISIT
YOUNGEST_AGE = 10.0
# Calls per second after a tap on the number: most follow within seconds.
TAP_RATES = ((20, 0.04), (60, 0.002))
# A tap may reach us a little after the carrier's own start of the call.
TAP_IS_LATE = timedelta(seconds=5)
# Unwanted and wrong calls per number and second: one in fifty days.
RATE_NOBODY = 0.02 / 86_400
LONG_TALK_SECONDS = 60
# Who only rings up wrongly rarely talks for a minute, rarely has called before, and often hides the number.
NOBODY_IF_LONG_TALK, NOBODY_IF_KNOWN, NOBODY_IF_WITHHELD = 0.25, 0.5, 3.0
DWELL_FACTORS = ((10, 0.05), (60, 0.4), (300, 1.0))
DWELL_LONGEST, CONTACT_PAGE = 1.4, 2.5
# How well "this visitor made the call" fits the caller's number.
FITS_KNOWN_VISITOR, FITS_OTHER_PERSON = 1.0, 0.4
FITS_STRANGER_IF_CALLER_KNOWN, FITS_STRANGER_IF_CALLED_HERE, FITS_BEFORE_LAST_CALL = 0.05, 0.002, 0.0002
# Callers call again: share of the calls, and the mean wait, within minutes, hours and days.
REPEATS = ((0.36 * 0.25, 480), (0.36 * 0.40, 14_400), (0.36 * 0.35, 259_200))


def decide(call: CallFacts, shown: Iterable[Shown], credit_probability: float) -> Verdict:
    """Return the verdict on a call from everybody who was shown the dialled number before it began.

    A visit, and apart from it a campaign, is credited when it is at least as probable as
    `credit_probability` and more probable than nobody. The order of `shown` does not matter.
    """
    if call.number_kind == "static":
        return _static(call)
    visits = [visit for visit in one_per_visit(shown) if visit.shown_from <= call.started_at]
    caller_is_known = call.earlier is not None or any(visit.known_as == "caller" for visit in visits)
    weights = {visit.visit_id: _rate(visit, call) * _fit(visit, call, caller_is_known) for visit in visits}
    nobody = _rate_nobody(call, caller_is_known)
    repeat = repeat_rate(call.started_at - call.earlier.started_at) if call.earlier else 0.0
    total = math.fsum([*weights.values(), nobody, repeat])
    found = {visit.visit_id: _candidate(visit, call, weights[visit.visit_id] / total) for visit in visits}
    if call.earlier:
        _carry(found, call.earlier, call, repeat / total)
        nobody += repeat * call.earlier.p_nobody
    ranked = sorted(found.values(), key=lambda one: (-one.probability, one.age_seconds, one.visit_id))
    return _verdict(call, ranked, nobody / total, credit_probability)


def survival(age: float) -> float:
    """Return the share of an ended visit's calls that are still to come, `age` seconds after it left."""
    return 1 / (1 + math.pow(age / 600, 0.55))


def gone_rate(age: float) -> float:
    """Return the calls per second of a visit that left `age` seconds ago: the fall of `survival`."""
    seconds = max(age, YOUNGEST_AGE)
    fall = 0.55 * math.pow(seconds / 600, 0.55) / seconds * math.pow(survival(seconds), 2)
    return min(0.5 * fall * CALLS_PER_VISIT, RATE_ON_SCREEN)


def tap_rate(seconds: float | None) -> float:
    """Return the calls per second that a tap on the number, so long ago, adds."""
    return next((rate for limit, rate in TAP_RATES if seconds is not None and seconds <= limit), 0.0)


def repeat_rate(since: timedelta) -> float:
    """Return the calls per second of somebody whose last call to this number is so long ago."""
    seconds = max(since.total_seconds(), 0.0)
    return math.fsum(share / mean * math.exp(-seconds / mean) for share, mean in REPEATS)


def one_per_visit(shown: Iterable[Shown]) -> list[Shown]:
    """Join the times one visit was shown the number (a lapsed lease is renewed) into one row."""
    joined: dict[UUID, Shown] = {}
    for row in shown:
        known = joined.get(row.visit_id)
        joined[row.visit_id] = _join(known, row) if known else row
    return sorted(joined.values(), key=lambda row: row.visit_id)


def _join(one: Shown, other: Shown) -> Shown:
    taps = [row.tapped_at for row in (one, other) if row.tapped_at]
    return replace(
        one,
        shown_from=min(one.shown_from, other.shown_from),
        last_seen_at=max(one.last_seen_at, other.last_seen_at),
        tapped_at=max(taps) if taps else None,
        is_overflow=one.is_overflow or other.is_overflow,
    )


@dataclass(frozen=True)
class _Moment:
    """Where a visit stood when the call began."""

    on_screen: bool
    age: float
    tapped: float | None
    dwell: float


def _moment(visit: Shown, call_at: datetime) -> _Moment:
    on_screen = call_at <= visit.last_seen_at + ON_SCREEN
    age = 0.0 if on_screen else (call_at - visit.last_seen_at).total_seconds()
    tapped = None
    if visit.tapped_at and visit.tapped_at <= call_at + TAP_IS_LATE:
        tapped = max((call_at - visit.tapped_at).total_seconds(), 0.0)
    dwell = (min(visit.last_seen_at, call_at) - visit.visit_started_at).total_seconds()
    return _Moment(on_screen, age, tapped, max(dwell, 0.0))


def _rate(visit: Shown, call: CallFacts) -> float:
    moment = _moment(visit, call.started_at)
    factor = next((f for limit, f in DWELL_FACTORS if moment.dwell < limit), DWELL_LONGEST)
    if moment.on_screen:
        factor = max(factor, 1.0)
    if visit.saw_contact_page:
        factor *= CONTACT_PAGE
    base = RATE_ON_SCREEN if moment.on_screen else gone_rate(moment.age)
    return base * factor + tap_rate(moment.tapped)


def _fit(visit: Shown, call: CallFacts, caller_is_known: bool) -> float:
    if call.is_withheld:
        return 1.0
    if call.earlier and visit.shown_from <= call.earlier.started_at:
        return FITS_BEFORE_LAST_CALL
    if visit.known_as == "caller":
        return FITS_KNOWN_VISITOR
    fit = 1.0
    if caller_is_known:
        fit = FITS_STRANGER_IF_CALLED_HERE if call.earlier else FITS_STRANGER_IF_CALLER_KNOWN
    return fit * (FITS_OTHER_PERSON if visit.known_as == "somebody_else" else 1.0)


def _rate_nobody(call: CallFacts, caller_is_known: bool) -> float:
    rate = RATE_NOBODY
    if call.talk_seconds >= LONG_TALK_SECONDS:
        rate *= NOBODY_IF_LONG_TALK
    if call.is_withheld:
        return rate * NOBODY_IF_WITHHELD
    return rate * NOBODY_IF_KNOWN if caller_is_known else rate


def _candidate(visit: Shown, call: CallFacts, probability: float) -> Candidate:
    moment = _moment(visit, call.started_at)
    tapped = moment.tapped if tap_rate(moment.tapped) else None
    return Candidate(
        visit_id=visit.visit_id,
        visitor_id=visit.visitor_id,
        probability=probability,
        age_seconds=round(moment.age),
        on_screen=moment.on_screen,
        tapped_seconds=None if tapped is None else round(tapped),
        dwell_seconds=round(moment.dwell),
        pages=visit.pages,
        is_overflow=visit.is_overflow,
        source=visit.source,
        medium=visit.medium,
        campaign=visit.campaign,
        is_known=visit.known_as == "caller" and not call.is_withheld,
    )


def _carry(found: dict[UUID, Candidate], earlier: EarlierCall, call: CallFacts, mass: float) -> None:
    """Add the repetition's probability to the visits that the earlier call was credited to."""
    waited = round((call.started_at - earlier.started_at).total_seconds())
    for old in earlier.candidates:
        share = mass * old.probability
        own = found.get(old.visit_id) or replace(
            old, probability=0.0, age_seconds=old.age_seconds + waited, on_screen=False, tapped_seconds=None
        )
        found[old.visit_id] = replace(
            own, probability=own.probability + share, is_carried=share > own.probability
        )


def _verdict(call: CallFacts, ranked: Sequence[Candidate], nobody: float, credit: float) -> Verdict:
    kept = tuple(replace(one, probability=round(one.probability, DIGITS)) for one in ranked[:MOST_KEPT])
    p_nobody = round(nobody, DIGITS)
    top = kept[0] if kept else None
    campaign, p_campaign = likeliest_campaign(ranked)
    chosen = top if top and top.probability >= credit and top.probability > p_nobody else None
    is_sure = p_campaign >= credit and p_campaign > p_nobody
    return Verdict(
        model=MODEL,
        visit_id=chosen.visit_id if chosen else None,
        probability=top.probability if top else 0.0,
        p_nobody=p_nobody,
        campaign=campaign if is_sure else NO_CAMPAIGN,
        p_campaign=p_campaign,
        candidates=kept,
        rest=max(round(1 - p_nobody - math.fsum(one.probability for one in kept), DIGITS), 0.0),
        reasons=reasons_for(call, chosen, ranked, p_nobody, campaign if is_sure else None, p_campaign),
    )


def likeliest_campaign(candidates: Iterable[Candidate]) -> tuple[Campaign, float]:
    """Return the campaign with the greatest summed probability (several visits may share one)."""
    shares: dict[Campaign, list[float]] = {}
    for one in candidates:
        shares.setdefault(one.campaign_key(), []).append(one.probability)
    sums = sorted((-math.fsum(shares_), key) for key, shares_ in shares.items())
    return (sums[0][1], min(round(-sums[0][0], DIGITS), 1.0)) if sums else (NO_CAMPAIGN, 0.0)


def _static(call: CallFacts) -> Verdict:
    return Verdict(
        model=MODEL,
        visit_id=None,
        probability=0.0,
        p_nobody=0.0,
        campaign=call.static_campaign,
        p_campaign=1.0,
        rest=1.0,
        reasons=reasons_for_static(call.static_campaign),
    )
