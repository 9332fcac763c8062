"""Who made a call: every explanation weighed, normalised, and summed per visitor, campaign and source."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from calltrack.attribution.columns import columns_at, visit_rates
from calltrack.attribution.densities import Floats, Model
from calltrack.attribution.facts import (
    LIKELIEST,
    Candidate,
    Credit,
    Evidence,
    Posterior,
    Thresholds,
)
from calltrack.attribution.holders import Holders
from calltrack.attribution.reasons import reasons_for
from calltrack.attribution.summing import summed
from calltrack.attribution.weights import Before, Ring, areas_of, nobody_weight, repeat_weights, visit_fits


def judge(evidence: Evidence, model: Model) -> Posterior:
    """Return who made the call. Equal facts in any order give the same posterior, to the last digit."""
    call = evidence.call
    holders = Holders.of(evidence.holdings).known_at(call.at)
    earlier = sorted(evidence.earlier, key=lambda one: (one.at, one.same_caller))
    ring = ring_of(evidence)
    visits = _visit_weights(evidence, ring, holders, model)
    befores = [Before(one.at, one.region, one.same_caller) for one in earlier]
    repeats = repeat_weights(ring, model, befores)
    nobody = nobody_weight(ring, model)
    total = math.fsum([float(visits.sum()), *repeats, nobody])
    found = summed(
        holders,
        visits / total,
        [(one, weight / total) for one, weight in zip(earlier, repeats, strict=True) if weight],
        nobody / total,
        model.version,
    )
    return replace(found, reasons=reasons_for(evidence, holders, found))


def ring_of(evidence: Evidence) -> Ring:
    """Return the call as the weights see it."""
    call = evidence.call
    return Ring(
        at=call.at,
        number=call.number,
        region=call.region,
        is_withheld=call.caller is None,
        is_known=evidence.caller_is_known,
        known_callers=evidence.known_callers,
    )


def credited(posterior: Posterior, thresholds: Thresholds = LIKELIEST) -> Credit:
    """Return what the call is credited to: at each level the likeliest, if sure enough and above nobody.

    Where the likeliest visit was erased no visit is credited: the next one is somebody else's.
    """
    top = likeliest(posterior)
    p_nobody = posterior.p_nobody
    return Credit(
        visit=top.visit if top and _is_sure(top.p, p_nobody, thresholds.visit) else None,
        campaign=_likeliest(posterior.by_campaign, p_nobody, thresholds.campaign),
        source=_likeliest(posterior.by_source, p_nobody, thresholds.source),
    )


def likeliest(posterior: Posterior) -> Candidate | None:
    """Return the likeliest visit; None where there is none, or where it was erased."""
    top = next(iter(posterior.candidates), None)
    return top if top and top.visit else None


def without(posterior: Posterior, visitor: str) -> Posterior:
    """Return the posterior after a visitor was erased: no id is left, campaign and source sums are."""
    kept = (
        replace(one, visit="", visitor="") if one.visitor == visitor else one for one in posterior.candidates
    )
    by_visitor = {name: p for name, p in posterior.by_visitor.items() if name != visitor}
    return replace(posterior, candidates=tuple(kept), by_visitor=by_visitor)


def _visit_weights(evidence: Evidence, ring: Ring, holders: Holders, model: Model) -> Floats:
    if not holders:
        return np.zeros(0)
    tables = model.tables
    columns = columns_at(holders, ring.at, tables.campaign_rows)
    last = max((one.at for one in evidence.earlier if one.same_caller), default=-math.inf)
    fits = visit_fits(
        ring,
        model,
        linked=_of_visitors(evidence.linked, holders.visitors),
        taken=_of_visitors(evidence.taken, holders.visitors),
        area=areas_of(holders.regions or [""] * len(holders), ring.region),
        is_older=holders.shown_from <= last,
    )
    return visit_rates(columns, tables) * fits


def _of_visitors(sure: Mapping[str, float], visitors: Sequence[str]) -> Floats:
    if not sure:
        return np.zeros(len(visitors))
    return np.array([sure.get(one, 0.0) for one in visitors])


def _is_sure(p: float, p_nobody: float, threshold: float) -> bool:
    return p > p_nobody and p >= threshold


def _likeliest(level: Mapping[str, float], p_nobody: float, threshold: float) -> str | None:
    ranked: Iterable[tuple[float, str]] = sorted((-p, key) for key, p in level.items())
    for negative, key in ranked:
        return key if _is_sure(-negative, p_nobody, threshold) else None
    return None
