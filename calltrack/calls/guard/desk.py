"""Deciding, while a caller waits, whether the call is put through: from memory alone.

The order matters: a caller the company refused hears a refusal whatever else is true; a number calls must not
go to, and a day that is used up, stop every call; nuisance comes last.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal
from uuid import UUID

from calltrack.accounts.forwarding_rules import refusal
from calltrack.calls.guard.cap_rules import reached
from calltrack.calls.guard.memory import Memory
from calltrack.calls.guard.policy import Policies, Policy
from calltrack.calls.guard.shared import shared_hash
from calltrack.calls.guard.source import GuardSource
from calltrack.calls.guard.spam_rules import Signals, judge_caller
from calltrack.infra.crypto import Vault
from calltrack.infra.log import log
from calltrack.telephony.base import CallEvent

Action = Literal["", "challenge", "reject", "cut", "bar"]
MOST_REMEMBERED = 20_000


@dataclass(frozen=True)
class Asked:
    """A call that rings in: whose number, and where it would be put through."""

    company_id: UUID
    number_id: UUID
    target: str


@dataclass(frozen=True)
class Decision:
    """What is done with the caller; no action: put through.

    reject: refused unanswered. challenge: must press a key. cut: a cap is reached. bar: calls must not go to
    the line. The last two hear that nobody can answer.
    """

    action: Action = ""
    reason: str = ""


# Reading a number takes longer than all the rest of a decision.
_refusal = lru_cache(maxsize=16_384)(refusal)


class Guard:
    """Decides for one voice process. Safe to share between threads."""

    def __init__(self, source: GuardSource, vault: Vault) -> None:
        """Take where protection is known from, and the keys."""
        self._source = source
        self._vault = vault
        self._memory = Memory()
        self._decided: OrderedDict[str, Decision] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def source(self) -> GuardSource:
        """Where protection is known from."""
        return self._source

    def stop(self) -> None:
        """End the background thread."""
        self._source.stop()

    def decide(self, asked: Asked, event: CallEvent, now: datetime) -> Decision:
        """Return what is done with a call that rings in; the same call gets the same answer again."""
        with self._lock:
            known = self._decided.get(event.call_sid)
        if known is not None:
            return known
        policies = self._source.policies
        policy = policies.of(asked.company_id)
        decision = Decision() if policy is None else self._decide(policies, policy, asked, event, now)
        if decision.action:
            log.warning("guard: call %s, %s (%s)", event.call_sid, decision.action, decision.reason)
        else:
            self._count(policy, asked, event, now)
        with self._lock:
            self._decided[event.call_sid] = decision
            if len(self._decided) > MOST_REMEMBERED:
                self._decided.popitem(last=False)
        return decision

    def may_ring(self, company_id: UUID, number_id: UUID, target: str, now: datetime) -> str | None:
        """Return why no further leg may be rung for a company; None: it may."""
        policies = self._source.policies
        policy = policies.of(company_id)
        if policy is None:
            return None
        stop = self._stop(policies, policy, Asked(company_id, number_id, target), now)
        return stop.reason if stop else None

    def refusal_of(self, company_id: UUID, target: str) -> str | None:
        """Return why a line is never rung for a company, whatever was used of its day; None: it may."""
        policy = self._source.policies.of(company_id)
        # A telephone system (SIP) costs the company nothing; a flow without a line of its own names none.
        if policy is None or not target.startswith("+"):
            return None
        return _refusal(target, policy.countries)

    def let_through(self, asked: Asked, event: CallEvent, now: datetime) -> Decision:
        """Put a caller through who pressed the key, unless a cap is reached meanwhile."""
        policies = self._source.policies
        policy = policies.of(asked.company_id)
        stop = None if policy is None else self._stop(policies, policy, asked, now)
        if stop is None:
            self._count(policy, asked, event, now)
        return stop or Decision()

    def noted(self, event: CallEvent, now: datetime) -> CallEvent:
        """Note what was told of a call, and return it with what the guard did with the caller."""
        self._saw(event, now)
        if event.kind != "incoming" or event.guard:
            return event
        with self._lock:
            decision = self._decided.get(event.call_sid)
        return replace(event, guard=decision.action) if decision and decision.action else event

    def _saw(self, event: CallEvent, now: datetime) -> None:
        if event.kind == "dialed" and event.bridged:
            self._memory.talked(event.call_sid, event.talk_seconds or 0, now)
        if event.kind == "ended" and event.is_final:
            self._memory.ended(event.call_sid, event.duration_seconds, now)

    def _decide(
        self, policies: Policies, policy: Policy, asked: Asked, event: CallEvent, now: datetime
    ) -> Decision:
        company_id, caller = asked.company_id, event.from_
        if caller is None:
            if event.from_withheld and policy.protection.block_withheld:
                return Decision("reject", "the number is withheld")
        elif policies.is_blocked(self._vault, company_id, caller, now):
            return Decision("reject", "on the block list")
        stop = self._stop(policies, policy, asked, now)
        if stop is not None:
            return stop
        if caller is None:
            return Decision()
        return self._nuisance(policies, policy, asked, event, caller, now)

    def _nuisance(
        self, policies: Policies, policy: Policy, asked: Asked, event: CallEvent, caller: str, now: datetime
    ) -> Decision:
        company_id, number_id = asked.company_id, asked.number_id
        seen = self._memory.call(company_id, number_id, self._vault.look_up(company_id, caller), now)
        if policy.protection.spam_action == "mark":
            return Decision()
        shares = policy.protection.share
        signals = Signals(
            stir=event.stir,
            calls_lately=seen.calls_lately,
            numbers_lately=seen.numbers_lately,
            short=seen.short,
            answered=seen.answered,
            is_trusted=seen.is_trusted,
            reports=policies.reports(shared_hash(self._vault, caller)) if shares else 0,
        )
        judged = judge_caller(signals)
        if judged.mark != "spam":
            return Decision()
        return Decision(policy.protection.spam_action, "; ".join(judged.reasons))

    def _stop(self, policies: Policies, policy: Policy, asked: Asked, now: datetime) -> Decision | None:
        company_id = asked.company_id
        refused = self.refusal_of(company_id, asked.target)
        if refused is not None:
            return Decision("bar", f"the forwarding number: {refused}")
        day = now.astimezone(policy.zone).date()
        number, company = (
            policies.used(company_id, place, day).most(self._memory.used(company_id, place, day, now))
            for place in (asked.number_id, None)
        )
        cap = reached(policy.caps, number, company)
        return Decision("cut", f"the day's {cap} are used up") if cap else None

    def _count(self, policy: Policy | None, asked: Asked, event: CallEvent, now: datetime) -> None:
        day = now.astimezone(policy.zone).date() if policy else now.date()
        hash_ = self._vault.look_up(asked.company_id, event.from_) if event.from_ else None
        self._memory.put_through(asked.company_id, asked.number_id, event.call_sid, hash_, day, now)


def open_guard(system_url: str, folder: Path, vault: Vault) -> Guard:
    """Build and start the guard of a voice process; its snapshot is kept in the folder."""
    source = GuardSource(system_url, folder / "guard.json")
    source.start()
    return Guard(source, vault)
