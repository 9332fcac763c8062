"""What advertising cost at the twins: figures that fit the demo company's visits, or those a test puts in.

Made figures are the same at every question, but for the day of now, which grows by the hour.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

VISITS_A_DAY: Final = 38
# Each keyword of a campaign is in an ad group of its own, matched its own way.
GROUPS: Final = ("Parola esatta", "Parole simili")
MATCH_TYPES: Final = ("EXACT", "PHRASE")
BY_WEEKDAY: Final = (1.2, 1.1, 1.05, 1.0, 0.95, 0.85, 0.7)


class Campaign(msgspec.Struct, frozen=True):
    """A campaign; `share` of the demo's visits come by it, and a click costs `click_micros`."""

    id: str
    name: str
    budget_micros: int = 25_000_000
    is_shared: bool = False
    share: float = 0.0
    click_micros: int = 1_000_000
    utm: str = ""
    keywords: tuple[str, ...] = ()


class Figures(msgspec.Struct, frozen=True):
    """What a campaign, or a part of it, cost on a day (YYYY-MM-DD)."""

    campaign: str
    day: str
    cost_micros: int
    clicks: int = 0
    impressions: int = 0
    ad_group_id: str = ""
    ad_group: str = ""
    criterion: str = ""
    keyword: str = ""
    match_type: str = ""


class Click(msgspec.Struct, frozen=True):
    """A click that Google can tell of."""

    gclid: str
    day: str
    campaign: str
    ad_group_id: str = ""
    ad_group: str = ""
    keyword: str = ""
    match_type: str = ""


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that an account has, as a test puts it in; the account's number does not matter then."""

    name: str = "Account"
    currency: str = "EUR"
    timezone: str = "Europe/Rome"
    campaigns: list[Campaign] = []
    days: list[Figures] = []
    parts: list[Figures] = []
    clicks: list[Click] = []


DEMO: Final[dict[str, tuple[Campaign, ...]]] = {
    "google_ads": (
        Campaign("21450000001", "Ricerca | Traslochi Roma", 13_000_000, share=0.17, click_micros=2_200_000,
                 utm="traslochi-roma", keywords=("traslochi roma", "ditta traslochi roma")),
        Campaign("21450000002", "Ricerca | Traslochi Milano", 14_000_000, share=0.15, click_micros=2_600_000,
                 utm="traslochi-milano", keywords=("traslochi milano", "trasloco casa milano")),
        Campaign("21450000003", "preventivo-trasloco", 30_000_000, share=0.13, click_micros=9_500_000,
                 utm="preventivo-trasloco", keywords=("preventivo trasloco", "costo trasloco")),
        Campaign("21450000004", "Marchio Aurelia", 2_000_000, share=0.05, click_micros=700_000,
                 utm="marchio-aurelia", keywords=("traslochi aurelia",)),
        Campaign("21450000005", "Display | Prova creatività", 3_000_000, share=0.04, click_micros=2_000_000),
    ),
    "meta": (
        Campaign("120210000000000001", "Trasloco-Estate", 20_000_000, share=0.12, click_micros=4_400_000,
                 utm="trasloco-estate"),
    ),
    "microsoft": (
        Campaign("512000001", "Traslochi-IT", 5_000_000, share=0.05, click_micros=2_000_000,
                 utm="traslochi-it"),
    ),
}  # fmt: skip


class SpendBook:
    """The figures of all twins. Thread-safe."""

    def __init__(self, clicked: Callable[[date], Iterable[tuple[str, str]]] | None = None) -> None:
        """Take what tells the demo's clicks of a day: click id and campaign word of each visit."""
        self._clicked = clicked or (lambda _: ())
        self._lock = threading.Lock()
        self._told: dict[str, Told] = {}

    def put(self, platform: str, told: Told | None) -> None:
        """Put a test's figures in the place of the made ones; None: the made ones again."""
        if platform not in DEMO:
            raise ValueError(f"platform must be one of {', '.join(DEMO)}")
        with self._lock:
            if told is None:
                self._told.pop(platform, None)
            else:
                self._told[platform] = told

    def is_made(self, platform: str) -> bool:
        """Tell whether the platform's figures are made ones."""
        return platform not in self._told

    def account(self, platform: str) -> Told:
        """Return what is told of the account itself."""
        return self._told.get(platform) or Told("Traslochi Aurelia")

    def campaigns(self, platform: str) -> dict[str, Campaign]:
        """Return the campaigns by id."""
        told = self._told.get(platform)
        return {one.id: one for one in (told.campaigns if told else DEMO[platform])}

    def days(self, platform: str, first: str, last: str, now: datetime) -> list[Figures]:
        """Return what each campaign cost each day; days without impressions are left out, as platforms do."""
        told = self._told.get(platform)
        if told is not None:
            return [one for one in told.days if first <= one.day <= last]
        return [_day(one, day, now) for day in _days(first, last, now) for one in DEMO[platform]]

    def parts(self, platform: str, first: str, last: str, now: datetime, *, keywords: bool) -> list[Figures]:
        """Return the same by keyword, or by ad group."""
        told = self._told.get(platform)
        if told is not None:
            return [one for one in told.parts if first <= one.day <= last and bool(one.criterion) is keywords]
        found: list[Figures] = []
        for day in _days(first, last, now):
            for one in DEMO[platform]:
                found += _parts(one, _day(one, day, now), keywords=keywords)
        return found

    def clicks(self, platform: str, day: str) -> Sequence[Click]:
        """Return the clicks of a day."""
        told = self._told.get(platform)
        if told is not None:
            return [one for one in told.clicks if one.day == day]
        by_utm = {one.utm: one for one in DEMO[platform] if one.utm}
        return [
            _click(by_utm[utm], gclid, day)
            for gclid, utm in self._clicked(date.fromisoformat(day))
            if utm in by_utm
        ]


def _days(first: str, last: str, now: datetime) -> list[date]:
    today = now.astimezone(ZoneInfo("Europe/Rome")).date()
    begin, end = date.fromisoformat(first), min(date.fromisoformat(last), today)
    return [begin + timedelta(days=number) for number in range((end - begin).days + 1)]


def _day(one: Campaign, day: date, now: datetime) -> Figures:
    noise = _number(f"{one.id} {day}")
    clicks = VISITS_A_DAY * one.share * BY_WEEKDAY[day.weekday()] * (0.8 + noise * 0.4)
    local = now.astimezone(ZoneInfo("Europe/Rome"))
    if day == local.date():
        clicks *= (local.hour * 60 + local.minute) / 1440
    count = round(clicks)
    price = round(one.click_micros * (0.9 + 0.2 * _number(f"price {one.id} {day}")) / 10_000) * 10_000
    return Figures(one.id, str(day), count * price, count, max(count * 14, 20))


def _parts(one: Campaign, of: Figures, *, keywords: bool) -> list[Figures]:
    """Spread a campaign's day over its ad groups, or over the keyword in each; sums are exact.

    A campaign without keywords has one ad group of the whole.
    """
    found, count = [], max(len(one.keywords), 1)
    for place in range(count):
        cost, clicks, seen = (
            total * (place + 1) // count - total * place // count
            for total in (of.cost_micros, of.clicks, of.impressions)
        )
        part = Figures(one.id, of.day, cost, clicks, seen, **_group(one, place))
        if not keywords:
            found.append(part)
        elif one.keywords:
            told = {"keyword": one.keywords[place], "match_type": MATCH_TYPES[place % 2]}
            found.append(msgspec.structs.replace(part, criterion=f"{3000 + place}", **told))
    return found


def _group(one: Campaign, place: int) -> dict[str, str]:
    name = GROUPS[place % 2] if one.keywords else "Annunci"
    return {"ad_group_id": f"{one.id}{7 + place}", "ad_group": name}


def _click(one: Campaign, gclid: str, day: str) -> Click:
    place = int(_number(gclid) * len(one.keywords))
    word = one.keywords[place] if one.keywords else ""
    return Click(gclid, day, one.id, **_group(one, place), keyword=word,
                 match_type=MATCH_TYPES[place % 2] if word else "")  # fmt: skip


def _number(text: str) -> float:
    """Return a number from 0 up to 1 that belongs to a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48
