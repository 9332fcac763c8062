"""What a replay has seen so far: who was shown which number, who called, and what was found out about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from calltrack.attribution.acquaintances import Acquaintances
from calltrack.attribution.densities import DAY, FORGOTTEN
from calltrack.attribution.facts import MOST_HOLDINGS, CallAt, Earlier, Evidence, Holding, Posterior
from calltrack.attribution.history import History, Told
from calltrack.attribution.replay_events import Sign, VisitBegins
from calltrack.kernel.errors import BadInput
from calltrack.numbers.masses import weight

# Later calls may repeat these of the calls to a number.
RECENT_CALLS, RECENT_SECONDS = 40, 14 * DAY


@dataclass
class Shown:
    """A visit and the number it was shown; `visit` and `visitor` are names by order, as rules see them."""

    id: str
    visit: str
    number: int
    visitor: str
    begun: VisitBegins
    last_seen: float
    left: bool = False
    taps: tuple[float, ...] = ()
    copied_at: float | None = None
    contact_at: float | None = None
    called: bool = False
    _holding: Holding | None = field(default=None, repr=False)

    def note(self, sign: Sign) -> None:
        """Take a sign of life."""
        self._holding = None
        self.last_seen = sign.at
        self.left = sign.kind == "leave"
        if sign.kind == "tap":
            self.taps = (*self.taps, sign.at)
        elif sign.kind == "copy" and self.copied_at is None:
            self.copied_at = sign.at
        elif sign.contact and self.contact_at is None:
            self.contact_at = sign.at

    def weight(self) -> float:
        """Return how likely the visit is to call, for the choice of numbers."""
        return weight(
            self.last_seen - self.begun.at,
            contact=self.contact_at is not None,
            copied=self.copied_at is not None,
            called=self.called,
        )

    def holding(self) -> Holding:
        """Return the visit as the posterior sees it."""
        if self._holding is None:
            self._holding = Holding(
                visit=self.visit,
                visitor=self.visitor,
                campaign=self.begun.campaign,
                source=self.begun.source,
                shown_from=self.begun.at,
                last_seen=self.last_seen,
                left=self.left,
                taps=self.taps,
                copied_at=self.copied_at,
                contact_at=self.contact_at,
                device=self.begun.device,
                region=self.begun.region,
                returning=self.begun.returning,
            )
        return self._holding


class Book:
    """All visits and calls of one replay."""

    def __init__(self, numbers: int) -> None:
        self._names = [f"{number:06}" for number in range(numbers)]
        self._shown: dict[str, Shown] = {}
        self._by_key: dict[str, Shown] = {}
        self._by_number: list[list[Shown]] = [[] for _ in range(numbers)]
        self._visitors: dict[str, str] = {}
        self._calls: dict[str, CallAt] = {}
        self._earlier: list[list[tuple[CallAt, Posterior]]] = [[] for _ in range(numbers)]

    def name(self, number: int) -> str:
        """Return the number's name, as the rules see it."""
        return self._names[number]

    def visitor(self, id_: str) -> str:
        """Return the visitor's name by order of appearance."""
        return self._visitors.setdefault(id_, f"{len(self._visitors):08}")

    def show(self, begun: VisitBegins, visitor: str, number: int) -> Shown:
        """Note that a new visit is shown a number; refuses a visit that was there before."""
        if begun.visit in self._shown:
            raise BadInput(f"the visit {begun.visit} began before.")
        shown = Shown(begun.visit, f"{len(self._shown):08}", number, visitor, begun, begun.at)
        self._shown[begun.visit] = self._by_key[shown.visit] = shown
        self._by_number[number].append(shown)
        return shown

    def shown(self, id_: str) -> Shown:
        """Return a visit by its id in the file."""
        try:
            return self._shown[id_]
        except KeyError:
            raise BadInput(f"there was no visit {id_} before.") from None

    def by_key(self, key: str) -> Shown:
        """Return a visit by its name by order."""
        return self._by_key[key]

    def keep(self, id_: str, number: int, call: CallAt, found: Posterior) -> None:
        """Keep a call with what was found; refuses one that was there before."""
        if id_ in self._calls:
            raise BadInput(f"the call {id_} was there before.")
        self._calls[id_] = call
        self._earlier[number].append((call, found))

    def evidence(self, number: int, call: CallAt, known: Acquaintances) -> Evidence:
        """Return all that is known as the call begins."""
        holdings = self._holdings(number, call.at)
        linked = known.linked_to(call.caller)
        here = {one.visitor for one in holdings}
        return Evidence(
            call=call,
            holdings=holdings,
            earlier=self._before(number, call),
            linked=dict(linked),
            taken=known.taken_from(call.caller, here),
            caller_is_known=known.is_known(call.caller),
            known_callers=known.known_callers(),
        )

    def history(self, told: Sequence[Told], began: float, until: float) -> History:
        """Return everything before `until`, as learning reads it."""
        return History(
            holdings={
                self._names[number]: tuple(one.holding() for one in rows)
                for number, rows in enumerate(self._by_number)
            },
            calls=tuple(call for call in self._calls.values() if call.at < until),
            told=tuple(told),
            began=began,
            until=until,
        )

    def _holdings(self, number: int, at: float) -> tuple[Holding, ...]:
        rows = self._by_number[number]
        # Nobody remembers what has been forgotten: the list stays as long as memory does.
        if rows and rows[0].last_seen < at - FORGOTTEN:
            rows = self._by_number[number] = [one for one in rows if one.last_seen >= at - FORGOTTEN]
        return tuple(one.holding() for one in rows[-MOST_HOLDINGS:])

    def _before(self, number: int, call: CallAt) -> tuple[Earlier, ...]:
        past = self._earlier[number]
        found = []
        own = False
        for place in range(len(past) - 1, -1, -1):
            one, posterior = past[place]
            if call.at - one.at > FORGOTTEN:
                break
            same = call.caller is not None and one.caller == call.caller
            recent = len(past) - place <= RECENT_CALLS and call.at - one.at <= RECENT_SECONDS
            if (same and not own) or recent:
                found.append(Earlier(at=one.at, posterior=posterior, same_caller=same, region=one.region))
                own = own or same
        return tuple(found)
