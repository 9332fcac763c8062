"""What can be raised or cut by itself: a campaign, or several that share one budget at their platform."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from uuid import UUID

from calltrack.kernel.origin import words_of

NAMED: Final = 3
"""A budget of more campaigns than these is named by the first and a count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignRow:
    """A matched campaign of an ad account."""

    id: UUID
    account_id: UUID
    platform: str
    external_id: str
    name: str
    key: str
    """The campaign's word in visits and verdicts."""
    budget_id: str
    is_shared: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """One budget as advice moves it: the campaigns' words, and the platforms' campaigns behind them."""

    key: str
    """The first of its words: what a company's limits are kept under."""
    name: str
    keys: tuple[str, ...]
    labels: tuple[str, ...]
    campaigns: tuple[CampaignRow, ...]

    @property
    def id(self) -> str:
        """Return a name that is safe in addresses and forms."""
        return id_of(self.key)

    @property
    def is_shared(self) -> bool:
        """Whether several campaigns live on it."""
        return len(self.keys) > 1


def id_of(key: str) -> str:
    """Return a campaign's word as twelve hex digits."""
    return blake2b(key.encode(), digest_size=6).hexdigest()


def units_of(campaigns: Sequence[CampaignRow]) -> tuple[Unit, ...]:
    """Return the budgets of matched campaigns, ordered by name.

    Campaigns with one word cannot be told apart in what they bring, and those on one shared budget cannot be
    changed apart: either way they are one.
    """
    root = _joined(campaigns)
    together: dict[str, list[CampaignRow]] = defaultdict(list)
    for row in campaigns:
        together[root[row.key]].append(row)
    labels = labels_of(root)
    found = []
    for rows in together.values():
        keys = tuple(sorted({row.key for row in rows}))
        named = tuple(labels[key] for key in keys)
        found.append(Unit(key=keys[0], name=_name(named), keys=keys, labels=named, campaigns=tuple(rows)))
    return _told_apart(found)


def labels_of(keys: Iterable[str]) -> dict[str, str]:
    """Return what people call each campaign; where two share a name, its source, then its medium, follows."""
    all_ = sorted(set(keys))
    tries = [{key: _label(key, more) for key in all_} for more in range(3)]
    counts = [Counter(names.values()) for names in tries]
    return {
        key: next((names[key] for names, count in zip(tries, counts, strict=True) if count[names[key]] == 1),
                  f"{tries[2][key]} {id_of(key)[:4]}")
        for key in all_
    }  # fmt: skip


def _label(key: str, more: int) -> str:
    source, medium, campaign = words_of(key)
    rest = (source, medium)[:more] if campaign else (medium,)[:more]
    named = campaign or source or "unnamed"
    return f"{named} ({', '.join(rest)})" if rest else named


def _name(labels: Sequence[str]) -> str:
    if len(labels) <= NAMED:
        return " + ".join(labels)
    return f"{labels[0]} + {len(labels) - 1} more"


def _told_apart(units: Sequence[Unit]) -> tuple[Unit, ...]:
    twice = {name for name, count in Counter(unit.name for unit in units).items() if count > 1}
    named = [
        unit
        if unit.name not in twice
        else Unit(
            key=unit.key,
            name=f"{unit.name} {unit.id[:4]}",
            keys=unit.keys,
            labels=unit.labels,
            campaigns=unit.campaigns,
        )
        for unit in units
    ]
    return tuple(sorted(named, key=lambda unit: (unit.name.casefold(), unit.key)))


def _joined(campaigns: Sequence[CampaignRow]) -> Mapping[str, str]:
    """Return for each word the first word of those it cannot be changed apart from."""
    parent = {row.key: row.key for row in campaigns}

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    first: dict[tuple[UUID, str], str] = {}
    for row in campaigns:
        if row.is_shared and row.budget_id:
            other = first.setdefault((row.account_id, row.budget_id), row.key)
            one, two = sorted((root(row.key), root(other)))
            parent[two] = one
    return {key: root(key) for key in parent}
