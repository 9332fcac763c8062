"""A believable year of a mover: who came from where, who called when, and what it was worth.

Pure: a seed and a span of time in, values out. The mover's year peaks in summer, its week on Monday, its day
before noon; campaigns differ in what their visitors are worth; everything else is chance.
"""

import math
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from calltrack.kernel.ids import new_id

ROME_TIME = ZoneInfo("Europe/Rome")
VISITS_A_DAY = 38
BY_MONTH = (0.62, 0.68, 0.85, 0.95, 1.15, 1.4, 1.5, 1.25, 1.3, 1.0, 0.75, 0.6)
BY_WEEKDAY = (1.2, 1.1, 1.05, 1.0, 0.95, 0.85, 0.7)
BY_HOUR = (1, 1, 0, 0, 0, 1, 2, 5, 9, 12, 13, 12, 8, 7, 9, 10, 10, 9, 8, 7, 6, 5, 3, 2)
CONTACT_PAGE = "/demo/contatti"
# How many visits of an origin are those of people who came before: who saw us elsewhere comes back by name.
RETURNS = {("none", ""): 0.6, ("cpc", "marchio-aurelia"): 0.65, ("organic", ""): 0.3}
RETURNS_ELSE = 0.12
COME_BACK_IN = timedelta(days=21)
SEEN_LATELY = 400
FORM_PAGE = "/demo/preventivo"
PAGES = ("/demo/", "/demo/servizi", FORM_PAGE, CONTACT_PAGE)
# Of the visitors who call, so many ask for a quote first; of those who never do, so many.
ASK_AND_CALL, ONLY_ASK = 0.5, 0.012


@dataclass(frozen=True)
class Origin:
    """Where visits come from, how many, how often they call and how often that becomes an order."""

    source: str
    medium: str
    campaign: str
    share: float
    calls: float
    buys: float
    click_id: str = ""
    town: str = ""


ORIGINS = (
    Origin("google", "cpc", "traslochi-roma", 0.17, 0.085, 0.42, "gclid", "Roma"),
    Origin("google", "cpc", "traslochi-milano", 0.15, 0.075, 0.38, "gclid", "Milano"),
    Origin("google", "cpc", "preventivo-trasloco", 0.13, 0.050, 0.22, "gclid"),
    Origin("google", "cpc", "marchio-aurelia", 0.05, 0.130, 0.55, "gclid"),
    Origin("bing", "cpc", "traslochi-it", 0.05, 0.055, 0.30, "msclkid"),
    Origin("facebook", "paid_social", "trasloco-estate", 0.12, 0.014, 0.15, "fbclid"),
    Origin("google", "organic", "", 0.19, 0.050, 0.33),
    Origin("direct", "none", "", 0.09, 0.060, 0.40),
    Origin("pagine-casa.test", "referral", "", 0.05, 0.045, 0.25),
)


@dataclass
class Visited:
    """A visit of the made-up past, with the number it was shown."""

    id: UUID
    visitor_id: UUID
    origin: Origin
    town: str
    started_at: datetime
    seconds: int
    pages: list[str]
    click_id: str
    number: int = -1
    tapped_at: datetime | None = None

    @property
    def last_seen_at(self) -> datetime:
        """When it gave its last sign of life."""
        return self.started_at + timedelta(seconds=self.seconds)

    @property
    def contact_at(self) -> datetime | None:
        """When it opened the contact page; None: it never did."""
        if CONTACT_PAGE not in self.pages:
            return None
        return self.started_at + timedelta(
            seconds=self.pages.index(CONTACT_PAGE) * self.seconds / len(self.pages)
        )


@dataclass
class Called:
    """A call of the made-up past. `buys` says that it ended in an order."""

    at: datetime
    caller: str | None
    outcome: str
    talk_seconds: int
    ring_seconds: int
    town: str
    number: int = -1
    static: int = -1
    buys: bool = False
    value_minor: int = 0
    visit: Visited | None = None


@dataclass
class Typed:
    """A phone number that a visitor typed into the form of a page."""

    at: datetime
    visit: Visited
    phone: str


@dataclass
class Past:
    """Everything that happened, in order of time."""

    visits: list[Visited] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)
    forms: list[Typed] = field(default_factory=list)


def imagine(seed: int, begin: datetime, end: datetime, pool_size: int) -> Past:
    """Return the visits and calls between two moments; the same arguments give the same past but for ids."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    past = Past(visits=list(_visits(chance, begin, end)))
    _let_return(random.Random(seed + 1), past.visits)  # noqa: S311 - a story, not a secret
    _share_numbers(past.visits, pool_size)
    phones: dict[UUID, str] = {}
    for visit in past.visits:
        if chance.random() < visit.origin.calls * (0.2 if visit.seconds < 20 else 1.1):
            past.calls.extend(_calls_of(chance, visit, phones))
    past.calls.extend(_offline_calls(chance, begin, end))
    past.calls = sorted((call for call in past.calls if call.at < end), key=lambda call: call.at)
    past.forms = sorted(
        _forms(random.Random(seed + 2), past, phones, end),  # noqa: S311 - a story, not a secret
        key=lambda form: form.at,
    )
    return past


def _visits(chance: random.Random, begin: datetime, end: datetime) -> Iterator[Visited]:
    day = begin.astimezone(ROME_TIME).replace(hour=0, minute=0, second=0, microsecond=0)
    visits = []
    while day.astimezone(begin.tzinfo) < end:
        growth = 0.85 + 0.3 * ((day - begin) / (end - begin))
        mean = VISITS_A_DAY * BY_MONTH[day.month - 1] * BY_WEEKDAY[day.weekday()] * growth
        for _ in range(round(chance.gauss(mean, math.sqrt(mean)))):
            hour = chance.choices(range(24), BY_HOUR)[0]
            at = day.replace(hour=hour, minute=chance.randrange(60), second=chance.randrange(60))
            visits.append(_visit(chance, at.astimezone(begin.tzinfo)))
        day += timedelta(days=1)
    return iter(sorted((v for v in visits if begin <= v.started_at < end), key=lambda v: v.started_at))


def _visit(chance: random.Random, at: datetime) -> Visited:
    origin = chance.choices(ORIGINS, [one.share for one in ORIGINS])[0]
    bounced = chance.random() < 0.42
    seconds = round(
        min(chance.lognormvariate(math.log(11 if bounced else 140), 0.6 if bounced else 1.0), 2400)
    )
    pages = ["/demo/"] if bounced else ["/demo/", *chance.sample(PAGES[1:], chance.randint(0, 2))]
    town = origin.town or chance.choices(("Roma", "Milano"), (0.58, 0.42))[0]
    if not bounced and chance.random() < 0.5:
        pages.append(f"/demo/{town.lower()}")
    prefix = {"gclid": "Cj0KCQiA", "msclkid": "", "fbclid": "IwAR"}.get(origin.click_id, "")
    click = f"{prefix}{chance.getrandbits(160):040x}" if origin.click_id else ""
    return Visited(new_id(at), new_id(at), origin, town, at, max(seconds, 2), pages, click)


def _let_return(chance: random.Random, visits: list[Visited]) -> None:
    """Let some visits be those of people who came days before, often by an advertisement they only saw."""
    latest: deque[Visited] = deque(maxlen=SEEN_LATELY)
    for visit in visits:
        often = RETURNS.get((visit.origin.medium, visit.origin.campaign), RETURNS_ELSE)
        since = visit.started_at - COME_BACK_IN
        known = [one for one in latest if one.town == visit.town and one.started_at > since]
        if known and chance.random() < often:
            seen = chance.sample(known, min(len(known), 4))
            visit.visitor_id = max(seen, key=lambda one: one.origin.medium == "paid_social").visitor_id
        latest.append(visit)


def _share_numbers(visits: list[Visited], pool_size: int) -> None:
    """Give each visit the number of its town that was idle longest, as the product does."""
    idle = {town: dict.fromkeys(range(pool_size), datetime.min) for town in ("Roma", "Milano")}
    for visit in visits:
        free = idle[visit.town]
        visit.number = min(free, key=lambda number: free[number])
        free[visit.number] = visit.last_seen_at.replace(tzinfo=None)


def _calls_of(chance: random.Random, visit: Visited, phones: dict[UUID, str]) -> Iterator[Called]:
    """Let a visitor call, and call again; who came back before rings from the same phone."""
    caller = None if chance.random() < 0.04 else phones.setdefault(visit.visitor_id, _caller(chance))
    first = _call(chance, _when(chance, visit), caller, visit)
    if chance.random() < 0.6 and first.at < visit.last_seen_at:
        visit.tapped_at = first.at - timedelta(seconds=chance.randint(3, 14))
    yield first
    if first.outcome != "answered":
        if chance.random() < 0.5:
            yield _call(chance, first.at + timedelta(minutes=chance.randint(2, 240)), caller, visit)
        return
    if first.talk_seconds > 60 and chance.random() < visit.origin.buys:
        again = first.at + timedelta(days=chance.randint(1, 9), hours=chance.randint(-3, 3))
        order = _call(chance, again, caller, visit, "answered")
        order.talk_seconds = round(chance.lognormvariate(math.log(330), 0.5))
        order.buys = True
        order.value_minor = round(min(chance.lognormvariate(math.log(850), 0.55), 6000)) * 100
        yield order


def _when(chance: random.Random, visit: Visited) -> datetime:
    dice = chance.random()
    if dice < 0.62:
        return visit.started_at + timedelta(seconds=chance.uniform(0.3, 1) * visit.seconds)
    if dice < 0.85:
        return visit.last_seen_at + timedelta(minutes=chance.lognormvariate(math.log(6), 1))
    later = visit.last_seen_at + timedelta(hours=chance.lognormvariate(math.log(14), 1))
    return later.replace(hour=chance.randint(7, 17))


OUTCOMES = {
    "answered": 0.76,
    "missed": 0.10,
    "busy": 0.05,
    "abandoned": 0.04,
    "mailbox": 0.03,
    "failed": 0.02,
}


def _call(
    chance: random.Random, at: datetime, caller: str | None, visit: Visited | None, outcome: str = ""
) -> Called:
    outcome = outcome or chance.choices(tuple(OUTCOMES), tuple(OUTCOMES.values()))[0]
    talk = round(min(chance.lognormvariate(math.log(125), 0.95), 2400)) if outcome == "answered" else 0
    return Called(
        at=at,
        caller=caller,
        outcome=outcome,
        talk_seconds=talk,
        ring_seconds=chance.randint(3, 16) if outcome != "failed" else 0,
        town=visit.town if visit else "Roma",
        number=visit.number if visit else -1,
        visit=visit,
    )


def _offline_calls(chance: random.Random, begin: datetime, end: datetime) -> Iterator[Called]:
    """Calls to the static numbers, and the few that nobody's visit explains."""
    at, rare = begin, list(OUTCOMES)
    while (at := at + timedelta(hours=chance.expovariate(1 / 22))) < end:
        local = at.astimezone(ROME_TIME)
        if not 7 <= local.hour <= 20:
            continue
        # The first ones end in every way there is, however the dice of the rest fall.
        call = _call(chance, at, _caller(chance), None, rare.pop() if rare else "")
        if chance.random() < 0.8:
            call.static = chance.choices((0, 1, 2), (0.4, 0.45, 0.15))[0]
        else:
            call.number, call.talk_seconds = (
                chance.randrange(12),
                min(call.talk_seconds, chance.randint(3, 25)),
            )
            call.town = chance.choice(("Roma", "Milano"))
        yield call


def _forms(chance: random.Random, past: Past, phones: dict[UUID, str], end: datetime) -> Iterator[Typed]:
    """Let visitors ask for a quote before they call, and some who never call."""
    first = {call.visit.id: call for call in reversed(past.calls) if call.visit and call.caller}
    asked: set[UUID] = set()
    for visit in past.visits:
        call, dice = first.get(visit.id), chance.random()
        at = visit.started_at + chance.uniform(0.2, 0.8) * timedelta(seconds=visit.seconds)
        phone = phones.setdefault(visit.visitor_id, _caller(chance))
        likely = 0 if visit.visitor_id in asked else ASK_AND_CALL if call else ONLY_ASK
        if dice < likely and at < (call.at if call else end):
            asked.add(visit.visitor_id)
            if FORM_PAGE not in visit.pages:
                visit.pages.append(FORM_PAGE)
            yield Typed(at, visit, phone)


def _caller(chance: random.Random) -> str:
    return f"+393{chance.choice((20, 28, 33, 38, 40, 47, 49, 66))}{chance.randrange(10_000_000):07d}"
