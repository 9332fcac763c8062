"""A look ahead: what other rules would have made of the past days' calls. Nothing is stored."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.conversions.facts import KnownCall, facts_between
from calltrack.conversions.names import names_of
from calltrack.conversions.tree_rules import Tree, judge, window_of
from calltrack.conversions.tree_words import Names, reason_of

DAYS = 30
MOST_DAYS = 90
MOST_SHOWN = 200


@dataclass(frozen=True)
class Change:
    """A call that would be marked or valued otherwise; `before` and `after`: lead, purchase, both or nothing.

    Where only the value of the lead differs, `after` says so.
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

    `worth`: the value of the lead in minor units, where the rules decided on it.
    """

    lead: bool = False
    purchase: bool = False
    lead_told: bool = False
    bought: bool = False
    worth: int | None = None


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
           max(v.value_minor) FILTER (
               WHERE v.kind = 'lead' AND v.status = 'counted' AND v.decided_by = 'rule') AS worth,
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
    calls = [one for one in facts_between(session, company_id, since, now) if one.has_ended]
    rows = session.execute(_MARKS, {"company_id": company_id, "since": since - window, "until": now}).all()
    marks = {
        row.call_id: Marked(row.lead, row.purchase, row.lead_told, row.bought, row.worth) for row in rows
    }
    past = [row for row in rows if row.started_at < since]
    return compare(tree, calls, marks, _persons(past, rows), days, names_of(session, company_id))


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
    tree: Tree,
    calls: Sequence[KnownCall],
    marks: Mapping[UUID, Marked],
    persons: dict[str, _Person],
    days: int,
    names: Names,
) -> DryRun:
    """Judge the calls in the order they began, each with what the tree made of the same person before."""
    window, found = window_of(tree), []
    now_marked = then_marked = 0
    for call in calls:
        present = marks.get(call.id, Marked())
        person = persons.setdefault(call.person, _Person()) if call.person else _Person()
        after, reason = _judge(tree, call, present, person, window, names)
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


def _judge(
    tree: Tree, call: KnownCall, present: Marked, person: _Person, window: timedelta, names: Names
) -> tuple[Marked, str]:
    """Return what the call would hold, as `settle` decides it: people's words stand above the rules."""
    facts = replace(call.facts, earlier=tuple(person.counted))
    verdict = judge(tree, facts)
    reason = reason_of(tree, facts, verdict, names)
    is_told = present.lead_told or call.facts.told in ("lead", "none")
    lead = present.lead if is_told else verdict.mark == "lead"
    if not lead and not is_told and present.lead:
        recent = any(call.started_at - at < window for at in person.leads)
        later = (at - call.started_at for at in person.bought)
        lead = not recent and any(timedelta(0) <= gap < window for gap in later)
    makes = verdict.mark == "purchase" and verdict.value_minor is not None and not call.facts.told
    worth = present.worth if lead else None
    if lead and not is_told and verdict.mark == "lead":
        worth = verdict.value_minor
    return replace(present, lead=lead, purchase=present.bought or makes, worth=worth), reason


def _mark(marked: Marked, before: Marked | None = None) -> str:
    held = [word for word, holds in (("lead", marked.lead), ("purchase", marked.purchase)) if holds]
    if before and (marked.lead, marked.purchase) == (before.lead, before.purchase):
        return " and ".join(held).replace("lead", "lead with another value")
    return " and ".join(held) or "nothing"
