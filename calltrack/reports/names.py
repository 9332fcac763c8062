"""What a report's rows are called: for people, in pages, files and mails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.accounts.queries import locations
from calltrack.kernel.phone import pretty
from calltrack.numbers.queries import NamedRow, named
from calltrack.reports.ad_groups import ad_group_names, match_types, name_written
from calltrack.reports.asking import Asked, words_told
from calltrack.reports.day_sql import NOT_KNOWN, OTHER
from calltrack.reports.dimensions import DIMENSIONS, Dimension
from calltrack.reports.queries import Key
from calltrack.reports.report import Report
from calltrack.reports.spend_queries import NO_PART, UNMATCHED
from calltrack.stages.segments import segment_names

LONGEST_HOUR: Final = 3
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SPECIAL: Final = {
    OTHER: "All others together",
    UNMATCHED: "Spend without a match",
    NOT_KNOWN: "Visit not known",
}
_SOURCES = {
    ("google", "cpc"): "Google Ads",
    ("google", "organic"): "Google search",
    ("bing", "cpc"): "Microsoft Ads",
    ("bing", "organic"): "Bing search",
    ("facebook", "cpc"): "Meta ads",
    ("facebook", "paid_social"): "Meta ads",
    ("facebook", "social"): "Facebook",
    ("instagram", "social"): "Instagram",
    ("tiktok", "paid_social"): "TikTok ads",
    ("linkedin", "paid_social"): "LinkedIn ads",
    ("direct", "none"): "Direct",
}


@dataclass(frozen=True)
class Names:
    """The names of locations, numbers and segments, by their ids in hex; of a report's ad groups."""

    places: Mapping[str, str] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    ad_groups: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    """What each number is for: `pool Roma`, or what a static one stands for."""
    match_types: Mapping[str, str] = field(default_factory=dict)
    """How a keyword is matched with what people type: `exact, phrase`; by keyword, where that is known."""

    def row(self, dimension: Dimension, key: Key) -> str:
        """Return what a row is called."""
        if key[0] in _SPECIAL:
            return _SPECIAL[key[0]]
        if dimension.id == "medium":
            return key[0] or "Unknown"
        if dimension.id in ("source", "campaign"):
            source = source_name(key[0], key[1])
            return " · ".join((source, key[2] or "no campaign named")) if key[0] and len(key) > 2 else source
        name = self.detail(dimension, key[0])
        use = self.uses.get(key[0]) if dimension.id == "number" else None
        return f"{name} · {use}" if use else name

    def detail(self, dimension: Dimension, detail: str) -> str:
        """Return what a keyword, page, place or hour is called."""
        if detail in _SPECIAL:
            return _SPECIAL[detail]
        if detail == NO_PART and dimension.id == "number":
            return "Spend of no single number"
        if detail == NO_PART:
            return f"No {dimension.name.lower()} told by the platform"
        if not detail:
            return dimension.no_detail
        if dimension.id == "ad_group":
            return self.ad_groups.get(detail) or name_written(detail)
        if dimension.id == "hour" and detail.isdecimal() and len(detail) <= LONGEST_HOUR:
            return hour_name(int(detail))
        return (
            self.places.get(detail, "no longer there") if dimension.id in ("location", "number") else detail
        )

    def filters(self, asked: Asked) -> str:
        """Return the filters in words; empty where all is shown."""
        told = words_told(asked.source, asked.medium, asked.campaign)
        if asked.segment:
            told.append(f"persons in the segment “{self.segments.get(asked.segment, 'no longer there')}”")
        if asked.within:
            by = DIMENSIONS[asked.within[0]]
            told.append(f"{by.name.lower()} {self.detail(by, asked.within[1])}")
        return ", ".join(told)


def hour_name(hour: int) -> str:
    """Return an hour of the week: `Mon 09:00`."""
    return f"{DAYS[hour // 24 % 7]} {hour % 24:02}:00"


def names_of(session: Session, company_id: UUID, found: Report | None = None) -> Names:
    """Return the names of locations, numbers (released ones too) and segments; of a report's ad groups."""
    places = {one.id.hex: one.name for one in locations(session, company_id)}
    numbers = named(session, company_id)
    places |= {one.id.hex: pretty(one.e164) for one in numbers}
    segments = segment_names(session, company_id)
    if found is None:
        return Names(places, segments)
    by, within = found.asked.dimension.id, found.asked.within or ("", "")
    words = {row.key[0] for row in found.rows}
    groups = (words if by == "ad_group" else set()) | ({within[1]} if within[0] == "ad_group" else set())
    return Names(
        places,
        segments,
        ad_group_names(session, company_id, groups) if groups else {},
        {one.id.hex: use_of(one) for one in numbers} if by == "number" else {},
        match_types(session, company_id, words) if by == "keyword" else {},
    )


def use_of(number: NamedRow) -> str:
    """Return what a number is for: `pool Roma`, `overflow of Roma`, `static: Billboard, campaign summer`."""
    if number.kind == "static":
        stands_for = source_name(number.source, number.medium)
        return f"static: {stands_for}{f', {number.campaign}' if number.campaign else ''}"
    return f"{'overflow of' if number.kind == 'overflow' else 'pool'} {number.pool or ''}".strip()


def source_name(name: str | None, medium: str | None = "") -> str:
    """Return a source as people call it: `Google Ads`, `Direct`, `partner.it / referral`."""
    if not name:
        return "Unknown"
    if known := _SOURCES.get((name, medium or "none")):
        return known
    words = name if name.isascii() and "." in name else name[:1].upper() + name[1:]
    return f"{words} / {medium}" if medium and medium != "none" else words
