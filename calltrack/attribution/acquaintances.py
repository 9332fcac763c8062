"""Whose phone is whose: what forms, customer records and earlier calls have told so far.

Told in time order, asked at the moment of a call, so that no call is judged by what came after it. How many
phones are known is counted as a day begins (UTC): calls of one day may then reach us in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from calltrack.attribution.densities import DAY

# Somebody may type another person's number into a form.
BY_FORM = 0.97
# Less than this is not worth remembering of a call.
REMEMBERED_FROM = 0.05


@dataclass
class Acquaintances:
    """Phones and visitors of one company, grown as facts arrive."""

    by_caller: dict[str, dict[str, float]] = field(default_factory=dict)
    by_visitor: dict[str, dict[str, float]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    day: float = float("-inf")
    known_as_it_began: int = 0

    def reach(self, at: float) -> None:
        """Time has come to this moment: what is told next happened then or later."""
        if at // DAY > self.day:
            self.day, self.known_as_it_began = at // DAY, len(self.by_caller)

    def told_by_form(self, visitor: str, phone: str) -> None:
        """A visitor typed a phone number, or a customer record names it."""
        self._link(visitor, phone, BY_FORM)

    def told_by_call(self, caller: str | None, by_visitor: Mapping[str, float]) -> None:
        """A call was judged: its caller is each visitor as surely as `Posterior.by_visitor` says."""
        if caller is None:
            return
        self.calls[caller] = self.calls.get(caller, 0) + 1
        self.by_caller.setdefault(caller, {})
        for visitor, p in by_visitor.items():
            if visitor and p >= REMEMBERED_FROM:
                self._link(visitor, caller, p)

    def forget(self, visitor: str) -> None:
        """A visitor was erased."""
        for caller in self.by_visitor.pop(visitor, {}):
            self.by_caller[caller].pop(visitor, None)

    def is_known(self, caller: str | None) -> bool:
        """Tell whether the phone is known from anywhere."""
        return caller is not None and caller in self.by_caller

    def linked_to(self, caller: str | None) -> Mapping[str, float]:
        """Return how sure it is, per visitor, that this phone is theirs."""
        return {} if caller is None else self.by_caller.get(caller, {})

    def taken_from(self, caller: str | None, visitors: Iterable[str]) -> Mapping[str, float]:
        """Return, of these visitors, how sure it is that their phone is known and another one than this."""
        return {
            visitor: max((p for phone, p in phones.items() if phone != caller), default=0.0)
            for visitor in visitors
            if (phones := self.by_visitor.get(visitor))
        }

    def known_callers(self) -> int:
        """Return how many phones were known as the day began."""
        return self.known_as_it_began

    def _link(self, visitor: str, phone: str, p: float) -> None:
        for side, one, other in (
            (self.by_caller, phone, visitor),
            (self.by_visitor, visitor, phone),
        ):
            known = side.setdefault(one, {})
            known[other] = max(known.get(other, 0.0), p)
