"""A look ahead: what other rules would have made of the past days' calls. Nothing is stored."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.conversions.facts import KnownCall, facts_between
from calltrack.conversions.names import names_of
from calltrack.conversions.tree_rules import Tree, facts_asked, judge, window_of
from calltrack.conversions.tree_words import Names, reason_of

DAYS = 30
MOST_DAYS = 90
MOST_SHOWN = 200


Amount = tuple[int, str]


@dataclass(frozen=True)
class Change:
    """A call that would be marked or valued otherwise; `before` and `after`: lead, purchase, both or nothing.

    Where only the value of one of them differs, `after` says so.
    """

    call_id: UUID
    started_at: datetime
    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class DryRun:
    """How many calls there were, how many count now and would count, and those that differ, newest first.

    `changes` holds at most 200 of the `changed` calls.
    """

    days: int
    calls: int
    marked_now: int
    marked_then: int
    changed: int
    changes: tuple[Change, ...]

    @property
    def sentence(self) -> str:
        """Return it in one sentence."""
        differ = "none changes" if not self.changed else f"{self.changed} change"
        differ += "s" if self.changed == 1 else ""
        return (
            f"In the last {self.days} days these rules would have marked {self.marked_then} of {self.calls}"
            f" calls (now: {self.marked_now}); {differ}."
        )


@dataclass(frozen=True)
class Marked:
    """What a call holds now. `lead_told`: people decided on its lead; `bought`: people told of a purchase.

    `worth`, `price`: minor units and currency of lead and purchase, where the rules decided on them.
    """

    lead: bool = False
    purchase: bool = False
    lead_told: bool = False
    bought: bool = False
    worth: Amount | None = None
    price: Amount | None = None


@dataclass(frozen=True)
class Judging:
    """What the calls are judged by: the tree, how far it looks back, names for its reasons, the currency."""

    tree: Tree
    window: timedelta
    names: Names
    currency: str


@dataclass
class _Person:
    """What is known of a person while the calls go by."""

    counted: list[datetime] = field(default_factory=list)
    leads: list[datetime] = field(default_factory=list)
    bought: list[datetime] = field(default_factory=list)


_MARKS = text(
    """
    SELECT c.id AS call_id, c.started_at, coalesce(p.person_id::text, encode(c.caller_hash, 'hex')) AS person,
           bool_or(v.kind = 'lead' AND v.status = 'counted') AS lead,
           bool_or(v.kind = 'purchase' AND v.status = 'counted') AS purchase,
           bool_or(v.kind = 'purchase' AND v.status = 'counted' AND v.via <> 'rule') AS bought,
           bool_or(v.kind = 'lead' AND v.decided_by <> 'rule') AS lead_told,
           max(ARRAY[v.value_minor::text, v.currency]) FILTER (WHERE v.kind = 'lead'
               AND v.status = 'counted' AND v.decided_by = 'rule' AND v.value_minor IS NOT NULL) AS worth,
           max(ARRAY[v.value_minor::text, v.currency]) FILTER (WHERE v.kind = 'purchase'
               AND v.status = 'counted' AND v.via = 'rule' AND v.value_minor IS NOT NULL) AS price,
           bool_or(v.status = 'counted' AND (v.kind = 'lead' OR v.via IN ('rule', 'call_back'))) AS counted
    FROM call c
    JOIN conversion v ON v.company_id = c.company_id AND v.call_id = c.id
    LEFT JOIN person_caller p ON p.company_id = c.company_id AND p.caller_hash = c.caller_hash
    WHERE c.company_id = :company_id AND c.started_at >= :since AND c.started_at < :until
    GROUP BY c.id, c.started_at, person
    """
)


def dry_run(session: Session, company_id: UUID, tree: Tree, now: datetime, days: int = DAYS) -> DryRun:
    """Judge the calls of the past days (1 to 90) by the tree, in the order they began, and compare."""
    days = min(max(days, 1), MOST_DAYS)
    since, window = now - timedelta(days=days), window_of(tree)
    known = facts_between(session, company_id, since, now, with_words="keyword" in facts_asked(tree))
    calls = [one for one in known if one.has_ended]
    rows = session.execute(_MARKS, {"company_id": company_id, "since": since - window, "until": now}).all()
    marks = {row.call_id: _marked(row) for row in rows}
    past = [row for row in rows if row.started_at < since]
    currency = session.execute(select(Company.currency).where(Company.id == company_id)).scalar_one()
    judging = Judging(tree, window, names_of(session, company_id), currency)
    return compare(judging, calls, marks, _persons(past, rows), days)


def _marked(row: Any) -> Marked:
    return Marked(row.lead, row.purchase, row.lead_told, row.bought, _amount(row.worth), _amount(row.price))


def _amount(told: list[str] | None) -> Amount | None:
    return (int(told[0]), told[1]) if told else None


def _persons(past: Iterable[Any], rows: Iterable[Any]) -> dict[str, _Person]:
    found: dict[str, _Person] = defaultdict(_Person)
    for row in past:
        if row.person and row.counted:
            found[row.person].counted.append(row.started_at)
        if row.person and row.lead:
            found[row.person].leads.append(row.started_at)
    for row in rows:
        if row.person and row.bought:
            found[row.person].bought.append(row.started_at)
    return found


def compare(
    judging: Judging,
    calls: Sequence[KnownCall],
    marks: Mapping[UUID, Marked],
    persons: dict[str, _Person],
    days: int,
) -> DryRun:
    """Judge the calls in the order they began, each with what the tree made of the same person before."""
    found = []
    now_marked = then_marked = 0
    for call in calls:
        present = marks.get(call.id, Marked())
        person = persons.setdefault(call.person, _Person()) if call.person else _Person()
        after, reason = _judge(judging, call, present, person)
        now_marked += present.lead or present.purchase
        then_marked += after.lead or after.purchase
        if after.lead:
            person.leads.append(call.started_at)
        if after.lead or (after.purchase and not after.bought):
            person.counted.append(call.started_at)
        if after != present:
            found.append(Change(call.id, call.started_at, _mark(present), _mark(after, present), reason))
    newest = tuple(reversed(found))[:MOST_SHOWN]
    return DryRun(days, len(calls), now_marked, then_marked, len(found), newest)


def _judge(judging: Judging, call: KnownCall, present: Marked, person: _Person) -> tuple[Marked, str]:
    """Return what the call would hold, as `settle` decides it: people's words stand above the rules."""
    facts = replace(call.facts, earlier=tuple(person.counted))
    verdict = judge(judging.tree, facts)
    reason = reason_of(judging.tree, facts, verdict, judging.names)
    is_told = present.lead_told or call.facts.told in ("lead", "none")
    lead = present.lead if is_told else verdict.mark == "lead"
    if not lead and not is_told and present.lead:
        recent = any(call.started_at - at < judging.window for at in person.leads)
        later = (at - call.started_at for at in person.bought)
        lead = not recent and any(timedelta(0) <= gap < judging.window for gap in later)
    amount = None
    if verdict.value_minor is not None:
        amount = (verdict.value_minor, verdict.currency or judging.currency)
    # Who told of a purchase without a value left it to the rules.
    makes = verdict.mark == "purchase" and amount is not None and call.facts.told in ("", "purchase")
    worth = present.worth if lead else None
    if lead and not is_told and verdict.mark == "lead":
        worth = amount
    price = present.price if present.bought else amount if makes else None
    purchase = present.bought or makes
    return replace(present, lead=lead, purchase=purchase, worth=worth, price=price), reason


def _mark(marked: Marked, before: Marked | None = None) -> str:
    """Say what a call holds; beside what it holds now, also whether that is of another value."""
    same = before and (marked.lead, marked.purchase) == (before.lead, before.purchase)
    others = (
        (before.worth != marked.worth, before.price != marked.price) if before and same else (False, False)
    )
    held = (("lead", marked.lead, others[0]), ("purchase", marked.purchase, others[1]))
    words = [f"{word} with another value" if is_other else word for word, holds, is_other in held if holds]
    return " and ".join(words) or "nothing"
