"""Learn what a caller's phone says: own or another one, known or not, and the region of its number."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from calltrack.attribution.densities import Floats, Model
from calltrack.attribution.expectation import Expectation
from calltrack.attribution.history import Prepared
from calltrack.attribution.weights import SAME, UNKNOWN

IMAGINED, IMAGINED_AREA = 10.0, 5.0


def learn_phones(prepared: Prepared, found: Expectation, own: Floats, model: Model, start: Model) -> Model:
    """Learn from how the judged calls' phones and regions agree with the visits they were credited to."""
    model = _learn_areas(prepared, model)
    model = replace(model, area_match=_area_match(prepared, own, model, start))
    return _learn_known(prepared, found, model, start)


def _learn_areas(prepared: Prepared, model: Model) -> Model:
    """Count each caller once: one who rings ten times says no more about where people live."""
    regions = {(call.caller or str(call.at)): call.region for call in prepared.history.calls if call.region}
    counts = Counter(regions.values())
    kinds = len(counts) + 1
    total = sum(counts.values()) + IMAGINED_AREA
    each = IMAGINED_AREA / kinds
    areas = {region: (count + each) / total for region, count in sorted(counts.items())}
    return replace(model, areas=areas, area_elsewhere=each / total)


def _area_match(prepared: Prepared, own: Floats, model: Model, start: Model) -> float:
    """Learn from the calls and visits whose regions are known both; without any the start's figure stays."""
    matched = seen = 0.0
    for place, call in enumerate(prepared.history.calls):
        if not call.region:
            continue
        rows = slice(prepared.starts[place], prepared.starts[place + 1])
        by_chance = (1 - model.area_match) * model.areas.get(call.region, model.area_elsewhere)
        meant = model.area_match / (model.area_match + by_chance)
        matched += float(own[rows][prepared.area[rows] == SAME].sum()) * meant
        seen += float(own[rows][prepared.area[rows] != UNKNOWN].sum())
    return min((matched + IMAGINED * start.area_match) / (seen + IMAGINED), 0.98)


def _learn_known(prepared: Prepared, found: Expectation, model: Model, start: Model) -> Model:
    first = strange = owners = other = nobody = nobody_known = 0.0
    for call, judged in zip(prepared.history.calls, found.calls, strict=True):
        if call.caller is None:
            continue
        share = judged.own
        first += float(share.sum())
        nobody += judged.nobody
        if judged.is_known:
            nobody_known += judged.nobody
            strange += float((share * (1 - judged.linked)).sum())
            owners += float((share * judged.linked).sum())
        else:
            other += float((share * judged.taken).sum())
    known = (strange + IMAGINED * start.known_caller) / (first + IMAGINED)
    kept = (owners + IMAGINED * start.own_phone) / (owners + other + IMAGINED)
    unwanted = (nobody_known + IMAGINED * start.nobody_known) / (nobody + IMAGINED)
    return replace(
        model,
        known_caller=float(np.clip(known, 0.002, 0.5)),
        own_phone=float(np.clip(kept, 0.3, 0.98)),
        nobody_known=float(np.clip(unwanted, 0.002, 0.5)),
    )
