"""How well a run of calls was credited, measured against the truth."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.worlds.assumptions import DAY
from tests.worlds.events import World

TEST_FROM = 14 * DAY
BINS = 10
CONFIDENT = 0.9


@dataclass(frozen=True)
class Credited:
    """What one call was credited to, and how sure that was."""

    visit: str | None
    campaign: str | None
    source: str | None
    top_visit: str | None = None
    p_visit: float = 1.0
    p_campaign: float = 1.0


@dataclass(frozen=True)
class Scores:
    """Shares of the real calls of the test days that were credited rightly, and how honest confidence was."""

    calls: int
    visit: float
    campaign: float
    source: float
    precision: float
    """Right credits per visit credited with confidence, unwanted calls included."""
    coverage: float
    """Real calls whose visit was credited with confidence."""
    ece: float
    """Mean distance between what was said and what was true, of the likeliest visit."""
    brier: float
    campaign_precision: float
    by_kind: Mapping[str, tuple[float, float, float]]
    """Kind of call -> its share, and the shares of right visits and campaigns."""


def from_outputs(outputs: Iterable[Mapping[str, Any]]) -> dict[str, Credited]:
    """Read the call lines of a replay's output."""
    found = {}
    for line in outputs:
        if "call" not in line:
            continue
        top: Mapping[str, Any] = next(iter(line["candidates"]), {"visit": None, "p": 0.0})
        found[line["call"]] = Credited(
            line["credited_visit"],
            line["credited_campaign"],
            line["credited_source"],
            top["visit"],
            top["p"],
            max(line["by_campaign"].values(), default=0.0),
        )
    return found


def from_visits(found: Mapping[str, str | None], world: World) -> dict[str, Credited]:
    """Credit whatever campaign and source the credited visit has."""
    campaigns = {one["visit"]: one["campaign"] for one in world.events if one["type"] == "visit"}
    sources = {one["visit"]: one["source"] for one in world.events if one["type"] == "visit"}
    return {
        call: Credited(visit, campaigns[visit], sources[visit], visit)
        if visit
        else Credited(None, None, None)
        for call, visit in found.items()
    }


def score(credited: Mapping[str, Credited], world: World, since: float = TEST_FROM) -> Scores:
    """Measure credits against the truth, from the test days on."""
    tested = [(credited[call], told) for call, told in world.truth.items() if told.at >= since]
    real = [(one, told) for one, told in tested if told.visit is not None]
    sure = [(one, told) for one, told in tested if one.p_visit >= CONFIDENT and one.top_visit]
    sure_campaign = [(one, told) for one, told in tested if one.p_campaign >= CONFIDENT and one.campaign]
    kinds = defaultdict(list)
    for one, told in real:
        kinds[told.kind].append((one.visit == told.visit, one.campaign == told.campaign))
    said = [(one.p_visit, one.top_visit == told.visit) for one, told in tested if one.top_visit]
    return Scores(
        calls=len(real),
        visit=_share(one.visit == told.visit for one, told in real),
        campaign=_share(one.campaign == told.campaign for one, told in real),
        source=_share(one.source == told.source for one, told in real),
        precision=_share(one.top_visit == told.visit for one, told in sure),
        coverage=sum(told.visit is not None for _, told in sure) / len(real),
        ece=_ece(said),
        brier=sum((p - right) ** 2 for p, right in said) / max(len(said), 1),
        campaign_precision=_share(one.campaign == told.campaign for one, told in sure_campaign),
        by_kind={
            kind: (
                len(rows) / len(real),
                _share(visit for visit, _ in rows),
                _share(campaign for _, campaign in rows),
            )
            for kind, rows in sorted(kinds.items())
        },
    )


def _share(claims: Iterable[bool]) -> float:
    listed = list(claims)
    return sum(listed) / len(listed) if listed else 1.0


def _ece(said: list[tuple[float, bool]]) -> float:
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for p, right in said:
        bins[min(int(p * BINS), BINS - 1)].append((p, right))
    gaps = (abs(sum(p for p, _ in rows) - sum(right for _, right in rows)) for rows in bins)
    return sum(gaps) / max(len(said), 1)
