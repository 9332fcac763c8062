"""Why a call is no lead, in the words of the rule that decided."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.conversions.model import CallVerdict
from calltrack.conversions.settle import bench_of, rule
from calltrack.conversions.word_rules import lead_word
from calltrack.conversions.words import words_of
from calltrack.journeys.service import persons_of_calls


def why_no_lead(session: Session, company_id: UUID, call_id: UUID) -> str:
    """Return who said so, else the rules' sentence; nothing while the call runs, or where it is a lead."""
    call = session.get(Call, (company_id, call_id))
    if call is None or call.outcome is None:
        return ""
    if said := said_nothing(session, company_id, call_id):
        return said
    stored = session.get(CallVerdict, (company_id, call_id))
    if stored is not None:
        return stored.reason if stored.mark == "nothing" else ""
    person_id = persons_of_calls(session, company_id, [call_id]).get(call_id)
    ruled = rule(session, call, person_id, bench_of(session, company_id, _any_time(call)))
    return ruled.reason if ruled.verdict.mark == "nothing" else ""


def said_nothing(session: Session, company_id: UUID, call_id: UUID) -> str:
    """Return the sentence on who said last that the caller is no customer; empty where nobody did."""
    call = session.get(Call, (company_id, call_id))
    word = lead_word(words_of(session, call)) if call else None
    if word is None or word.kind != "none":
        return ""
    return f"Not a customer, said by {word.by}. {word.reason}".rstrip()


@dataclass(frozen=True)
class RuledRow:
    """What the rules made of a call: mark, the rule's id (empty: none fits), version and sentence."""

    mark: str
    rule_id: str
    version: int
    reason: str


def verdict_of(session: Session, company_id: UUID, call_id: UUID) -> RuledRow | None:
    """Return what the rules made of a call the last time it was judged; None: not yet."""
    row = session.get(CallVerdict, (company_id, call_id))
    return RuledRow(row.mark, row.rule_id, row.version, row.reason) if row else None


def _any_time(call: Call) -> datetime:
    return call.changed_at
