"""Which visits a campaign paid for: by its number, else by its exact name, else by a person. Pure.

By number: visits carry the campaign's number in their address (gad_campaignid, utm_id, a numeric
utm_campaign), or Google named it behind their click. Nearly all of them must be under one word.
By name: the campaign's name is the visits' utm_campaign, whatever the case, under a source of that platform.
What could be two is nobody's: an ambiguous name is never guessed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from calltrack.kernel.origin import words_of

By = Literal["", "id", "name", "person"]
# Somebody's mistyped address must not undo what thousands of visits say.
NEARLY_ALL: Final = 0.95
# A word of a visit's source that belongs to a platform.
SOURCES: Final[dict[str, tuple[str, ...]]] = {
    "google_ads": ("google", "adwords", "youtube", "gads"),
    "meta": ("facebook", "fb", "instagram", "ig", "meta", "messenger"),
    "microsoft": ("bing", "microsoft", "msn", "msads", "yahoo"),
}
SHORT: Final = frozenset(("fb", "ig", "gads", "msn"))
NOT_PAID: Final = frozenset(("organic", "referral", "none", "social", "email"))


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as it is matched."""

    id: UUID
    platform: str
    external_id: str
    name: str
    campaign_key: str
    matched_by: str


@dataclass(frozen=True, slots=True)
class Match:
    """What a campaign is matched to; `candidates`: what it could be, where that is not certain."""

    campaign_key: str
    by: By
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What visits tell: visits by number and word, visits by word."""

    by_id: Mapping[str, Mapping[str, int]]
    by_key: Mapping[str, int]


def match_all(campaigns: Iterable[Campaign], evidence: Evidence) -> dict[UUID, Match]:
    """Return the match of each campaign; what a person said stays."""
    listed = list(campaigns)
    told = {one.id for one in listed if _names_its_visits(one, evidence)}
    named = _by_name([one for one in listed if one.id not in told], evidence.by_key)
    found: dict[UUID, Match] = {}
    for one in listed:
        if one.matched_by == "person" or one.id in told:
            found[one.id] = Match(one.campaign_key, "person" if one.matched_by == "person" else "id")
            continue
        found[one.id] = _by_number(one, evidence) or named.get(one.id) or _kept(one)
    return found


def numbers_of_words(by_key: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Return visits by number and word where the campaign's word itself is a number ({campaignid})."""
    found: dict[str, dict[str, int]] = {}
    for key, visits in by_key.items():
        word = words_of(key)[2].strip()
        if word.isascii() and word.isdigit() and 3 <= len(word) <= 20:
            found.setdefault(word, {})[key] = visits
    return found


def fits(platform: str, key: str) -> bool:
    """Tell whether a word's source is one of the platform's; files and entries may be of any."""
    words = SOURCES.get(platform)
    if words is None:
        return True
    source, medium, _ = words_of(key)
    if medium in NOT_PAID and platform != "meta":
        return False
    return any(source == word if word in SHORT else word in source for word in words)


def _names_its_visits(one: Campaign, evidence: Evidence) -> bool:
    """Tell whether a file or entry said itself which visits it paid for: no name is looked for then."""
    is_ours = one.platform not in SOURCES and one.matched_by == "id"
    return is_ours and bool(one.campaign_key) and one.external_id not in evidence.by_id


def _by_number(one: Campaign, evidence: Evidence) -> Match | None:
    visits = evidence.by_id.get(one.external_id, {})
    total = sum(visits.values())
    if not total:
        return None
    best = max(visits, key=lambda key: (visits[key], key))
    if visits[best] >= NEARLY_ALL * total:
        return Match(best, "id")
    if one.matched_by == "id" and one.campaign_key in visits:
        return Match(one.campaign_key, "id", tuple(sorted(visits)))
    return Match("", "", tuple(sorted(visits)))


def _by_name(campaigns: list[Campaign], by_key: Mapping[str, int]) -> dict[UUID, Match]:
    keys: dict[str, list[str]] = {}
    for key in by_key:
        word = words_of(key)[2].strip().casefold()
        if word:
            keys.setdefault(word, []).append(key)
    claims: dict[str, int] = {}
    wanted: dict[UUID, tuple[str, ...]] = {}
    for one in campaigns:
        fitting = [key for key in keys.get(one.name.strip().casefold(), ()) if fits(one.platform, key)]
        wanted[one.id] = tuple(sorted(fitting))
        for key in fitting:
            claims[key] = claims.get(key, 0) + 1
    found: dict[UUID, Match] = {}
    for id_, fitting_keys in wanted.items():
        if len(fitting_keys) == 1 and claims[fitting_keys[0]] == 1:
            found[id_] = Match(fitting_keys[0], "name")
        elif fitting_keys:
            found[id_] = Match("", "", fitting_keys)
    return found


def _kept(one: Campaign) -> Match:
    """What was matched stays while nothing speaks against it: visits may have become few."""
    return (
        Match(one.campaign_key, "name" if one.matched_by == "name" else "id")
        if one.matched_by
        else Match("", "")
    )
