"""Brings a call's conversions in line with what was said about it and with the rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.conversions import ledger
from calltrack.conversions.facts import KnownCall, facts_of
from calltrack.conversions.history import counted_around, has_bought
from calltrack.conversions.ledger import Decision
from calltrack.conversions.model import CallVerdict, Conversion
from calltrack.conversions.names import names_of
from calltrack.conversions.rules import RULE
from calltrack.conversions.tree_rules import Facts, Verdict, facts_asked, judge, window_of
from calltrack.conversions.tree_words import Names, reason_of
from calltrack.conversions.versions import Rulebook, Version, rulebook
from calltrack.conversions.word_rules import Ended, Standing, Word, in_order, lead_word, standings
from calltrack.conversions.words import words_of


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every call of one sitting is judged with; `because` is written where a lead no longer holds."""

    book: Rulebook
    names: Names
    now: datetime
    because: Ended = "rule"


@dataclass(frozen=True)
class Ruled:
    """What the rules make of a call, in their words, and what is known of the person around it."""

    verdict: Verdict
    version: Version
    reason: str
    known: bool
    """Whether the same person was counted within the window before."""
    bought_after: bool
    """Whether this call or a later one of the person within the window holds a counted purchase."""


def bench_of(session: Session, company_id: UUID, now: datetime, because: Ended = "rule") -> Bench:
    """Return what calls of the company are judged with now."""
    book = rulebook(session, company_id)
    asked = {fact for version in book.versions for fact in facts_asked(version.tree)}
    names = names_of(session, company_id) if asked & {"location", "number", "pool"} else {}
    return Bench(book=book, names=names, now=now, because=because)


def settle(
    session: Session, call: Call, person_id: UUID | None, bench: Bench, words: Sequence[Word] | None = None
) -> list[UUID]:
    """Make the call's purchases and its lead what words and rules say; returns the conversions that changed.

    `words` are all words about the call where one was just said. Then the rules decide about the lead only if
    they judged the call before or ask for words: else it may still be going on. Running it again changes
    nothing.
    """
    said = list(words) if words is not None else words_of(session, call)
    ruled = rule(session, call, person_id, bench)
    is_ripe = words is None or _is_ripe(session, call, ruled)
    if is_ripe:
        _store_verdict(session, call, ruled, bench.now)
    changed = _settle_purchases(session, call, person_id, said, ruled, bench)
    if changed:
        # A purchase that is new keeps the lead before it.
        ruled = replace(ruled, bought_after=ruled.bought_after or has_bought(session, call))
    if not is_ripe and lead_word(said) is None:
        return changed
    return changed + _settle_lead(session, call, person_id, said, ruled, bench)


def _is_ripe(session: Session, call: Call, ruled: Ruled) -> bool:
    was_judged = session.get(CallVerdict, (call.company_id, call.id)) is not None
    return was_judged or "outcome" in facts_asked(ruled.version.tree)


def rule(session: Session, call: Call, person_id: UUID | None, bench: Bench) -> Ruled:
    """Judge a call by the version of the rules that applies to it; stores nothing."""
    version = bench.book.at(call.started_at)
    around = counted_around(session, call, person_id, window_of(version.tree))
    with_words = "keyword" in facts_asked(version.tree)
    known = facts_of(session, call.company_id, [call.id], with_words=with_words)[call.id]
    facts = with_earlier(known, around.known_at)
    verdict = judge(version.tree, facts)
    bought = around.bought_after or has_bought(session, call)
    reason = reason_of(version.tree, facts, verdict, bench.names)
    return Ruled(verdict, version, reason, around.was_lead, bought)


def with_earlier(known: KnownCall, earlier: Sequence[datetime]) -> Facts:
    """Return the call's facts with the times at which the same person was counted before."""
    return replace(known.facts, earlier=tuple(earlier))


def _store_verdict(session: Session, call: Call, ruled: Ruled, now: datetime) -> None:
    values = {
        "mark": ruled.verdict.mark,
        "rule_id": ruled.verdict.rule.id if ruled.verdict.rule else "",
        "version": ruled.version.number,
        "reason": ruled.reason,
        "judged_at": now,
    }
    row = insert(CallVerdict).values(company_id=call.company_id, call_id=call.id, **values)
    session.execute(row.on_conflict_do_update(index_elements=["company_id", "call_id"], set_=values))


def _settle_purchases(
    session: Session,
    call: Call,
    person_id: UUID | None,
    said: Sequence[Word],
    ruled: Ruled,
    bench: Bench,
) -> list[UUID]:
    wanted = standings(said, _ruled_word(call, ruled, bench))
    rows = {row.external_id: row for row in ledger.purchases_of(session, call)}
    _take_over(rows, wanted, said)
    changed = []
    for name, one in wanted.items():
        id_ = _settle_one(session, call, person_id, rows.get(name), one, bench.now)
        changed += [id_] if id_ else []
    for name, row in rows.items():
        if name not in wanted and row.decided_by == RULE:
            decision = _by_rule(ruled, bench)
            changed += [row.id] if ledger.retract(session, row, decision, _because(bench)) else []
    return changed


def _ruled_word(call: Call, ruled: Ruled, bench: Bench) -> Word | None:
    verdict = ruled.verdict
    if verdict.mark != "purchase" or verdict.value_minor is None:
        return None
    return Word(
        kind="purchase",
        said_at=call.started_at,
        by=RULE,
        via="rule",
        currency=verdict.currency or bench.book.currency,
        value_minor=verdict.value_minor,
        reason=ruled.reason,
    )


def _take_over(rows: dict[str, Conversion], wanted: dict[str, Standing], said: Sequence[Word]) -> None:
    """Let the first order that names itself take over the call's own purchase: both tell of the same one."""
    if "" not in rows or "" in wanted:
        return
    named = [word.external_id for word in in_order(said) if word.kind == "purchase" and word.external_id]
    first = next((name for name in dict.fromkeys(named) if name not in rows and name in wanted), None)
    if first is not None:
        rows[first] = rows.pop("")
        rows[first].external_id = first


def _settle_one(
    session: Session,
    call: Call,
    person_id: UUID | None,
    row: Conversion | None,
    one: Standing,
    now: datetime,
) -> UUID | None:
    decision = Decision(
        by=one.by, via=one.via, reason=one.reason, now=now, currency=one.currency, value_minor=one.value_minor
    )
    if row is None:
        if not one.counts:
            return None
        ledger.count(
            session, call, "purchase", decision,
            person_id=person_id, occurred_at=one.occurred_at, external_id=one.external_id,
        )  # fmt: skip
        made = ledger.conversion_of(session, call, "purchase", one.external_id)
        return made.id if made else None
    if one.counts:
        changed = ledger.restate(session, row, decision)
    else:
        changed = ledger.retract(session, row, decision, one.ended_by or "none")
    ledger.explain(row, decision, one.ended_by)
    return row.id if changed else None


def _settle_lead(
    session: Session,
    call: Call,
    person_id: UUID | None,
    said: Sequence[Word],
    ruled: Ruled,
    bench: Bench,
) -> list[UUID]:
    present = ledger.conversion_of(session, call, "lead")
    word = lead_word(said)
    if word is not None:
        decision = _by_word(word, ruled, bench)
        changed = _follow_word(session, call, person_id, present, word, decision)
    elif present is not None and present.decided_by != RULE and not _is_open_again(said):
        return []
    else:
        changed = _follow_rule(session, call, person_id, present, ruled, bench)
    found = ledger.conversion_of(session, call, "lead")
    return [found.id] if changed and found else []


def _follow_word(
    session: Session,
    call: Call,
    person_id: UUID | None,
    present: Conversion | None,
    word: Word,
    decision: Decision,
) -> bool:
    if word.kind == "none":
        changed = ledger.retract(session, present, decision, "none")
        if present:
            ledger.explain(present, decision, "none")
        return changed
    at = word.occurred_at
    changed = ledger.count(session, call, "lead", decision, person_id=person_id, occurred_at=at)
    if present:
        # A person confirmed the rule's lead: from now on the rule leaves it alone.
        ledger.explain(present, decision, "")
    return changed


def _follow_rule(
    session: Session,
    call: Call,
    person_id: UUID | None,
    present: Conversion | None,
    ruled: Ruled,
    bench: Bench,
) -> bool:
    decision = _by_rule(ruled, bench)
    if ruled.verdict.mark == "lead":
        return ledger.count(session, call, "lead", decision, person_id=person_id)
    # Who bought was a lead: a purchase keeps the lead before it standing, unless an earlier lead is its own.
    if not ruled.known and ruled.bought_after:
        return False
    return ledger.retract(session, present, replace(decision, value_minor=None), _because(bench))


def _is_open_again(said: Sequence[Word]) -> bool:
    """Tell whether somebody said `none` and then told of a purchase: the rules decide on the lead again."""
    return any(word.kind in ("lead", "none") for word in said)


def _by_word(word: Word, ruled: Ruled, bench: Bench) -> Decision:
    worth = ruled.verdict if word.kind == "lead" and ruled.verdict.mark == "lead" else None
    return Decision(
        by=word.by,
        via=word.via,
        reason=word.reason,
        now=bench.now,
        currency=(worth.currency if worth else None) or bench.book.currency,
        value_minor=worth.value_minor if worth else None,
    )


def _by_rule(ruled: Ruled, bench: Bench) -> Decision:
    return Decision(
        by=RULE,
        reason=ruled.reason,
        now=bench.now,
        currency=ruled.verdict.currency or bench.book.currency,
        value_minor=ruled.verdict.value_minor if ruled.verdict.mark == "lead" else None,
    )


def _because(bench: Bench) -> Ended:
    return bench.because or "rule"
