"""Decides who made a call, and keeps every verdict."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.attribution.called import surely_called
from calltrack.attribution.crediting import credit, thresholds_of
from calltrack.attribution.densities import Model
from calltrack.attribution.erasing import ERASING
from calltrack.attribution.evidence import Known, load_call, load_evidence, settings_for
from calltrack.attribution.facts import Posterior, Reason, Thresholds
from calltrack.attribution.following import carried_on_by, told_about
from calltrack.attribution.links import keep_links_of_call
from calltrack.attribution.model import Attribution
from calltrack.attribution.posterior import judge
from calltrack.attribution.serving import serving_model
from calltrack.attribution.stored import columns_of, posterior_of
from calltrack.calls.model import Call
from calltrack.infra import outbox
from calltrack.infra.turns import share_turn, take_turn
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import source_key, words_of
from calltrack.numbers.service import note_called

# So many calls are judged in one transaction; what is left is judged by facts of its own.
MOST_JUDGED = 200
STATIC = "static"
# A verdict that moves by less is written over the one before: it would tell nobody anything.
NOTICED = 0.001
_FIGURES = ("probability", "p_campaign", "p_source", "p_nobody")


def attribute_call(session: Session, company_id: UUID, call_id: UUID, now: datetime) -> None:
    """Decide who made the call; store the posterior and record `call.attributed` when it says something new.

    Earlier calls of the number that nobody judged yet come first. A changed verdict is carried on: the later
    calls on the number are judged after it, oldest first, at most 200 in one go, and `call.follows` is
    recorded for those on other numbers and for what is left. The same facts give the same rows, in whatever
    order they came, and a repetition changes nothing.

    Raises:
        NotFound: the company has no such call.
    """
    call = _take_turn_of(session, company_id, call_id)
    _Turn(session, company_id, now).go(call)


def attribute_anew(session: Session, company_id: UUID, call_id: UUID, now: datetime) -> None:
    """Judge a past call again, alone, and tell nobody: whoever asks goes through all calls in time order.

    Raises:
        NotFound: the company has no such call.
    """
    call = _take_turn_of(session, company_id, call_id)
    _Turn(session, company_id, now, tells=False).go_alone(call)


def static_posterior(campaign: str) -> Posterior:
    """Return who called a number that stands for one campaign: somebody who saw it there."""
    source, medium, _ = words_of(campaign)
    return Posterior(
        p_nobody=0.0,
        rest=1.0,
        by_campaign={campaign: 1.0},
        by_source={source_key(source, medium): 1.0},
        reasons=(Reason(code=STATIC, values={"campaign": campaign}),),
        model=STATIC,
    )


def _take_turn_of(session: Session, company_id: UUID, call_id: UUID) -> Call:
    # Before the call is read: an erasure that ends meanwhile would be written over.
    share_turn(session, ERASING, company_id)
    call = load_call(session, company_id, call_id)
    take_turn(session, "attribute", company_id, call.number_id)
    return call


@dataclass
class _Turn:
    """Judging calls of one number, oldest first; the transaction holds the number's turn."""

    session: Session
    company_id: UUID
    now: datetime
    tells: bool = True
    """Whether anybody hears of a changed verdict: later calls, and whoever reacts to `call.attributed`."""
    model: Model = field(init=False)
    thresholds: Thresholds = field(init=False)
    waiting: list[tuple[datetime, UUID]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model = serving_model(self.session, self.company_id)
        self.thresholds = thresholds_of(settings_for(self.session, self.company_id))

    def go(self, first: Call) -> None:
        """Judge the call after those before it, and then whatever follows from it."""
        known = load_evidence(self.session, first)
        if known.unjudged:
            # They are judged from what is there; each looks after those before it at its own fact.
            self._add([*known.unjudged, first.id])
        else:
            self._judge(first, known)
        for _ in range(MOST_JUDGED - 1):
            if not self.waiting:
                return
            _, call_id = heapq.heappop(self.waiting)
            call = load_call(self.session, self.company_id, call_id)
            self._judge(call, load_evidence(self.session, call))
        for _, call_id in sorted(self.waiting):
            outbox.record(self.session, self.company_id, "call.follows", call_id, self.now)

    def go_alone(self, call: Call) -> None:
        """Judge the call from what stands before it, and nothing that follows from it."""
        self._judge(call, load_evidence(self.session, call))

    def _add(self, call_ids: Iterable[UUID]) -> None:
        waits = {id_ for _, id_ in self.waiting}
        for call_id in set(call_ids) - waits:
            call = load_call(self.session, self.company_id, call_id)
            heapq.heappush(self.waiting, (call.started_at, call.id))

    def _judge(self, call: Call, known: Known) -> None:
        session = self.session
        present = session.scalar(
            select(Attribution).where(
                Attribution.company_id == call.company_id,
                Attribution.call_id == call.id,
                Attribution.is_current,
            )
        )
        if call.erased_at is not None and present is not None:
            return  # Nothing names its caller any more: judged anew it would say less.
        found = judge(known.evidence, self.model) if known.static is None else static_posterior(known.static)
        fresh = columns_of(found) | credit(found, self.thresholds).columns()
        if present is not None and all(getattr(present, name) == value for name, value in fresh.items()):
            return
        moves = present is None or columns_of(posterior_of(present)) != columns_of(found)
        is_told = _store(session, call, present, fresh, self.now)
        if is_told and self.tells:
            outbox.record(session, call.company_id, "call.attributed", call.id, self.now)
        if moves:
            self._tell(call, found, is_first=present is None)

    def _tell(self, call: Call, found: Posterior, *, is_first: bool) -> None:
        """Let everything know that rests on this verdict; the first one makes its caller known, too."""
        news = keep_links_of_call(self.session, call, found.by_visitor)
        if not self.tells:
            return
        if called := surely_called(found):
            note_called(self.session, self.company_id, [UUID(visit) for visit in called], self.now)
        on_number = carried_on_by(self.session, call)
        self._add(on_number)
        if (news or is_first) and call.caller_hash is not None:
            told = told_about(self.session, self.company_id, call.caller_hash, news, call.started_at)
            for call_id in told:
                if call_id not in on_number:
                    outbox.record(self.session, self.company_id, "call.follows", call_id, self.now)


def _store(
    session: Session, call: Call, present: Attribution | None, fresh: dict[str, Any], now: datetime
) -> bool:
    """Keep a verdict; tells whether it is another one than before."""
    if present is not None and _is_hardly_another(present, fresh):
        for name, value in fresh.items():
            setattr(present, name, value)
        session.flush()
        return False
    if present is not None:
        present.is_current = False
        session.flush()
    session.add(
        Attribution(
            company_id=call.company_id,
            id=new_id(now),
            call_id=call.id,
            is_current=True,
            decided_at=now,
            **fresh,
        )
    )
    session.flush()
    return True


def _is_hardly_another(present: Attribution, fresh: dict[str, Any]) -> bool:
    same = all(
        getattr(present, name) == fresh[name]
        for name in ("model", "level", "visit_id", "source", "medium", "campaign")
    )
    codes = [
        [one[0] for one in reasons if not isinstance(one, str)]
        for reasons in (present.reasons, fresh["reasons"])
    ]
    return (
        same
        and codes[0] == codes[1]
        and all(abs(getattr(present, name) - fresh[name]) < NOTICED for name in _FIGURES)
    )
