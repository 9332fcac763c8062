"""Reads what the verdict on a call rests on: who was shown its number, earlier calls, whose phone it is.

Three bounded reads: the newest holdings of the number, its latest calls with their posteriors, and what is
known of the caller and of the visitors at hand. All of it as it was when the phone rang.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary

from calltrack.accounts.model import Company
from calltrack.accounts.rules import CompanySettings, settings_of
from calltrack.attribution.densities import FORGOTTEN
from calltrack.attribution.facts import CallAt, Earlier, Evidence, Holding
from calltrack.attribution.replay_book import RECENT_CALLS, RECENT_SECONDS
from calltrack.attribution.shown import shown_to
from calltrack.attribution.stored import carried_of
from calltrack.calls.model import Call
from calltrack.kernel.errors import NotFound
from calltrack.numbers.uses import use_at

REACH, RECENT = timedelta(seconds=FORGOTTEN), timedelta(seconds=RECENT_SECONDS)
# A page may stay open for long: what was shown two days before the reach may have been seen within it.
OPEN_FOR = timedelta(days=2)

# The latest calls of the number, and the caller's last one to it, each with its present verdict, if any.
_EARLIER = text(
    """
    SELECT c.id, c.started_at, c.caller_region, coalesce(c.caller_hash = :caller, false) AS same_caller,
           a.id AS verdict, a.model, a.p_nobody, a.rest, a.p_repeat, a.p_campaign, a.source, a.medium,
           a.campaign, CAST(a.candidates AS text) AS candidates, a.by_campaign, a.by_source
    FROM (
        (SELECT id, started_at, caller_hash, caller_region FROM call
         WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND number_id = :number_id
           AND started_at < :at AND started_at >= :recent
         ORDER BY started_at DESC, id DESC LIMIT :most)
        UNION
        (SELECT id, started_at, caller_hash, caller_region FROM call
         WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND caller_hash = :caller
           AND number_id = :number_id AND started_at < :at AND started_at >= :oldest
         ORDER BY started_at DESC, id DESC LIMIT 1)
    ) c
    LEFT JOIN LATERAL (
        SELECT * FROM attribution one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.call_id = c.id AND one.is_current
        LIMIT 1
    ) a ON true
    ORDER BY c.started_at, c.id
    """
).bindparams(bindparam("caller", type_=LargeBinary()))


@dataclass(frozen=True)
class Known:
    """What a call is judged from: a static number's campaign, or the evidence of a number shown in turn.

    `unjudged` names earlier calls of the number that have no verdict yet, oldest first.
    """

    evidence: Evidence
    static: str | None = None
    unjudged: tuple[UUID, ...] = field(default=())


def load_call(session: Session, company_id: UUID, call_id: UUID) -> Call:
    """Return the call; raises NotFound when the company has none of that id."""
    call = session.get(Call, (company_id, call_id))
    if call is None:
        raise NotFound("There is no such call.")
    return call


def settings_for(session: Session, company_id: UUID) -> CompanySettings:
    """Return the company's limits."""
    return settings_of(session.scalars(select(Company.settings).where(Company.id == company_id)).one())


def load_evidence(session: Session, call: Call) -> Known:
    """Read everything that may say who made the call; the same facts give the same evidence."""
    at, caller = call.started_at, call.caller_hash
    # By the use it had when it rang: a number that was moved since keeps its history.
    number = use_at(session, call.company_id, call.number_id, at)
    facts = call_at(call)
    if number.kind == "static":
        return Known(Evidence(call=facts), number.origin)
    rows = _earlier(session, call)
    seen = shown_to(session, call.company_id, call.number_id, caller, at - REACH - OPEN_FOR, at)
    evidence = Evidence(
        call=facts,
        holdings=seen.holders,
        earlier=tuple(
            Earlier(
                at=row.started_at.timestamp(),
                posterior=carried_of(row),
                same_caller=row.same_caller,
                region=row.caller_region or "",
            )
            for row in rows
            if row.verdict
        ),
        linked=seen.links.linked,
        taken=seen.links.taken,
        typed=seen.links.typed,
        caller_is_known=seen.caller.is_known,
        known_callers=seen.caller.known_callers if caller else 0,
        calls_before=seen.caller.calls_before,
    )  # fmt: skip
    return Known(evidence, None, tuple(row.id for row in rows if not row.verdict))


def call_at(row: Any) -> CallAt:
    """Return a call as the rules see it."""
    return CallAt(
        at=row.started_at.timestamp(),
        number=row.number_id.hex,
        caller=row.caller_hash.hex() if row.caller_hash else None,
        region=row.caller_region or "",
    )


def one_per_visit(holdings: Iterable[Holding]) -> tuple[Holding, ...]:
    """Join the times one visit was shown the number (a lapsed lease is renewed) into one holding."""
    joined: dict[str, Holding] = {}
    for one in holdings:
        known = joined.get(one.visit)
        joined[one.visit] = _join(known, one) if known else one
    return tuple(joined.values())


def _join(one: Holding, other: Holding) -> Holding:
    latest = max(one, other, key=attrgetter("last_seen"))
    return replace(
        latest,
        shown_from=min(one.shown_from, other.shown_from),
        taps=tuple(sorted((*one.taps, *other.taps))),
        copied_at=_first(one.copied_at, other.copied_at),
        contact_at=_first(one.contact_at, other.contact_at),
    )


def _first(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _earlier(session: Session, call: Call) -> list[Any]:
    at: datetime = call.started_at
    asked = {
        "company_id": call.company_id, "number_id": call.number_id, "caller": call.caller_hash, "at": at,
        "recent": at - RECENT, "oldest": at - REACH, "most": RECENT_CALLS,
    }  # fmt: skip
    return list(session.execute(_EARLIER, asked))
