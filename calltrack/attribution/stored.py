"""A posterior as a row keeps it, and back: what is stored is exactly what a later call carries on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol, overload
from uuid import UUID

import msgspec

from calltrack.attribution.facts import Candidate, Posterior, Reason
from calltrack.attribution.summing import per_visitor
from calltrack.kernel.origin import campaign_key, source_key, words_of

UNNAMED = campaign_key("", "", "")


class Row(Protocol):
    """The columns of `Attribution` that hold a posterior."""

    model: str
    p_nobody: float
    rest: float
    p_repeat: float
    p_campaign: float
    source: str
    medium: str
    campaign: str
    candidates: list[Any]
    by_campaign: dict[str, Any]
    by_source: dict[str, Any]
    reasons: list[Any]


def columns_of(found: Posterior) -> dict[str, Any]:
    """Return the columns that keep a posterior, as they come back from the database."""
    return {
        "model": found.model,
        "p_nobody": float(found.p_nobody),
        "rest": float(found.rest),
        "p_repeat": float(found.p_repeat),
        "by_campaign": {key: float(p) for key, p in found.by_campaign.items()},
        "by_source": {key: float(p) for key, p in found.by_source.items()},
        "candidates": [
            [one.visit, one.visitor, one.campaign, float(one.p), float(one.carried)]
            for one in found.candidates
        ],
        "reasons": [[one.code, dict(one.values)] for one in found.reasons],
    }


def posterior_of(row: Row) -> Posterior:
    """Return the posterior that a row keeps, also one of before there were sums in it."""
    if not row.by_campaign:
        return _of_before(row, row.candidates, reasons_of(row.reasons))
    candidates = tuple(map(_candidate_of, row.candidates))
    return Posterior(
        candidates=candidates,
        p_nobody=row.p_nobody,
        rest=row.rest,
        by_visitor=per_visitor(candidates),
        by_campaign=row.by_campaign,
        by_source=row.by_source,
        p_repeat=row.p_repeat,
        reasons=tuple(reasons_of(row.reasons)),
        model=row.model,
    )


def carried_of(row: Any) -> Posterior:
    """Return of an earlier call's posterior what a later call may carry on; `candidates` is JSON as text."""
    if not row.by_campaign:
        return _of_before(row, msgspec.json.decode(row.candidates))
    return Posterior(
        candidates=Kept(row.candidates),
        p_nobody=row.p_nobody,
        rest=row.rest,
        by_campaign=row.by_campaign,
        by_source=row.by_source,
        p_repeat=row.p_repeat,
        model=row.model,
    )


class Kept(Sequence[Candidate]):
    """Stored candidates, read when somebody looks: of most earlier calls next to nothing is carried on."""

    def __init__(self, told: str) -> None:
        """Take them as the database has them."""
        self._told = told
        self._rows: list[Any] | None = None

    def __len__(self) -> int:
        return len(self._read())

    @overload
    def __getitem__(self, place: int) -> Candidate: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Candidate]: ...
    def __getitem__(self, place: int | slice) -> Candidate | Sequence[Candidate]:
        rows = self._read()[place]
        return [_candidate_of(one) for one in rows] if isinstance(place, slice) else _candidate_of(rows)

    def _read(self) -> list[Any]:
        if self._rows is None:
            self._rows = msgspec.json.decode(self._told)
        return self._rows


def reasons_of(stored: Iterable[Any]) -> list[Reason]:
    """Return stored reasons; a sentence of before comes as the reason `said`."""
    return [
        Reason(code="said", values={"words": one})
        if isinstance(one, str)
        else Reason(code=one[0], values=one[1])
        for one in stored
    ]


def likeliest_visit(candidates: Iterable[Any]) -> tuple[UUID | None, float]:
    """Return the likeliest visit of stored candidates; (None, 0) if there is none, or if it was erased.

    The next one is somebody else's.
    """
    visit, p = max(map(_visit_and_p, candidates), key=lambda one: one[1], default=("", 0.0))
    return (UUID(visit), p) if visit else (None, 0.0)


def _visit_and_p(one: Any) -> tuple[str, float]:
    if isinstance(one, dict):
        return one["visit_id"], float(one["probability"])
    return one[0], float(one[3])


def _candidate_of(stored: Sequence[Any]) -> Candidate:
    visit, visitor, key, p, carried = stored
    return Candidate(
        visit=visit, visitor=visitor, campaign=key, source=_source_of(key), p=p, carried=carried
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _source_of(campaign: str) -> str:
    source, medium, _ = words_of(campaign)
    return source_key(source, medium)


def _of_before(row: Row, stored: Iterable[Any], reasons: Iterable[Reason] = ()) -> Posterior:
    """Read a verdict of the first form: sums are those of its candidates, what was not listed is unnamed.

    A static number had no candidates, and its campaign was certain.
    """
    candidates = tuple(_candidate_of_before(one) for one in stored if isinstance(one, dict))
    left = max(1 - row.p_nobody - math.fsum(one.p for one in candidates), 0.0)
    by_campaign: dict[str, float] = {}
    for one in candidates:
        by_campaign[one.campaign] = by_campaign.get(one.campaign, 0.0) + one.p
    key = campaign_key(row.source, row.medium, row.campaign) if not candidates else UNNAMED
    if left:
        by_campaign[key] = by_campaign.get(key, 0.0) + left
    by_source: dict[str, float] = {}
    for campaign, p in by_campaign.items():
        by_source[_source_of(campaign)] = by_source.get(_source_of(campaign), 0.0) + p
    return Posterior(
        candidates=candidates,
        p_nobody=row.p_nobody,
        rest=left,
        by_visitor=per_visitor(candidates),
        by_campaign=by_campaign,
        by_source=by_source,
        reasons=tuple(reasons),
        model=row.model,
    )


def _candidate_of_before(one: dict[str, Any]) -> Candidate:
    source, medium, campaign = (one.get(name) or "" for name in ("source", "medium", "campaign"))
    return Candidate(
        visit=UUID(one["visit_id"]).hex,
        visitor=UUID(one["visitor_id"]).hex if one.get("visitor_id") else "",
        campaign=campaign_key(source, medium, campaign),
        source=source_key(source, medium),
        p=float(one.get("probability") or 0),
    )
