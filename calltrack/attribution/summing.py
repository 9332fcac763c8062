"""Put the shares of all explanations together: per visit, visitor, campaign and source, and nobody."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from calltrack.attribution.densities import Floats
from calltrack.attribution.facts import Candidate, Earlier, Posterior
from calltrack.attribution.holders import Holders

# A visit less likely than this is not listed; it stays in the sums per campaign and source. All that is
# listed is stored with the call, so that a later call carries on the same posterior live and in a replay.
LISTED_FROM = 1e-4
MOST_LISTED = 100


@dataclass(slots=True)
class _Sums:
    """What has been put together so far; `rows` and `names` say whose each key is."""

    holders: Holders
    rows: dict[str, int] = field(default_factory=dict)
    """Of the holders: only the likeliest are ever named."""
    names: dict[str, Candidate] = field(default_factory=dict)
    p: dict[str, float] = field(default_factory=dict)
    carried: dict[str, float] = field(default_factory=dict)
    by_campaign: dict[str, float] = field(default_factory=dict)
    by_source: dict[str, float] = field(default_factory=dict)
    p_nobody: float = 0.0
    rest: float = 0.0

    def add(self, one: Candidate, p: float, carried: float) -> None:
        key = _key(one.visit, one.campaign, one.source)
        self.names.setdefault(key, one)
        self.p[key] = self.p.get(key, 0.0) + p
        if carried:
            self.carried[key] = self.carried.get(key, 0.0) + carried

    def name_of(self, key: str) -> Candidate:
        """Return whose a key is."""
        row = self.rows.get(key)
        return self.names[key] if row is None else self.holders.named(row)


def summed(
    holders: Holders,
    shares: Floats,
    carried: Sequence[tuple[Earlier, float]],
    p_nobody: float,
    version: str,
) -> Posterior:
    """Return the posterior of a call from the share of each visit, of each earlier call, and of nobody."""
    sums = _Sums(holders, p_nobody=p_nobody)
    _add_visits(sums, shares)
    for before, share in carried:
        _add_carried(sums, before.posterior, share)
    return _posterior(sums, math.fsum(share for _, share in carried), version)


def _add_visits(sums: _Sums, shares: Floats) -> None:
    holders = sums.holders
    # Each sum is put together row by row, and the origins in the order in which they first appear.
    by_origin = np.bincount(holders.origin, weights=shares, minlength=len(holders.origins))
    appear, first = np.unique(holders.origin, return_index=True)
    for place in appear[np.argsort(first)].tolist():
        campaign, source = holders.origins[place]
        p = float(by_origin[place])
        _add_all(sums.by_campaign, {campaign: p}, 1.0)
        _add_all(sums.by_source, {source: p}, 1.0)
    listed = shares >= LISTED_FROM
    for row in np.flatnonzero(listed).tolist():
        key = holders.visits[row] or _key("", *holders.origins[holders.origin[row]])
        sums.rows.setdefault(key, row)
        sums.p[key] = sums.p.get(key, 0.0) + float(shares[row])
    sums.rest += float(shares[~listed].sum())


def _add_carried(sums: _Sums, told: Posterior, share: float) -> None:
    sums.p_nobody += share * told.p_nobody
    left = 1 - told.p_nobody
    _add_all(sums.by_campaign, told.by_campaign, share)
    _add_all(sums.by_source, told.by_source, share)
    for one in told.candidates if share >= LISTED_FROM else ():
        if share * one.p < LISTED_FROM:
            break  # They come likeliest first: what follows is less.
        sums.add(one, share * one.p, share * one.p)
        left -= one.p
    sums.rest += share * max(left, 0.0)


def _add_all(level: dict[str, float], old: Mapping[str, float], share: float) -> None:
    for key, p in old.items():
        level[key] = level.get(key, 0.0) + share * p


def _posterior(sums: _Sums, p_repeat: float, version: str) -> Posterior:
    ranked = sorted(sums.p.items(), key=lambda item: (-item[1], item[0]))
    listed = tuple(
        _candidate(sums.name_of(key), p, sums.carried.get(key, 0.0)) for key, p in ranked[:MOST_LISTED]
    )
    return Posterior(
        candidates=listed,
        p_nobody=sums.p_nobody,
        rest=sums.rest + math.fsum(p for _, p in ranked[MOST_LISTED:]),
        by_visitor=per_visitor(listed),
        by_campaign=sums.by_campaign,
        by_source=sums.by_source,
        p_repeat=p_repeat,
        model=version,
    )


def _key(visit: str, campaign: str, source: str) -> str:
    # What was erased has no id left: campaign and source tell it apart.
    return visit or f"\0{campaign}\0{source}"


def per_visitor(candidates: Iterable[Candidate]) -> dict[str, float]:
    """Return what the listed candidates come to per visitor, without the erased."""
    sums: dict[str, float] = {}
    for one in candidates:
        if one.visitor:
            sums[one.visitor] = sums.get(one.visitor, 0.0) + one.p
    return sums


def _candidate(one: Candidate, p: float, carried: float) -> Candidate:
    return Candidate(
        visit=one.visit,
        visitor=one.visitor,
        campaign=one.campaign,
        source=one.source,
        p=p,
        carried=carried,
    )
