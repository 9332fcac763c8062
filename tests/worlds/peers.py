"""What other systems document: how they hand numbers out, and whom they credit a call to."""

from dataclasses import dataclass, field
from random import Random

from tests.worlds.events import Event, World

SCREEN = 75.0


@dataclass
class Seat:
    """One number: who holds it, since when, and until when it is not free."""

    index: int
    visit: str | None = None
    visitor: str | None = None
    free_at: float = -1e9
    last_seen: float = -1e9
    given_at: float = -1e9


@dataclass
class Peer:
    """A pool with a rule of assignment, and the last holder credited with each call.

    `lease` is how long after the last sign of life a number stays taken; with None numbers are handed out by
    who has been off screen longest, and shared when all are on screen. `remembers`: a known caller keeps the
    visit his first call was credited to.
    """

    numbers: int
    lease: float | None
    remembers: bool = False
    seed: int = 1
    seats: list[Seat] = field(init=False)
    shown: dict[str, Seat] = field(init=False, default_factory=dict)
    callers: dict[str, str | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.seats = [Seat(index) for index in range(self.numbers)]
        self._random = Random(self.seed)
        self._kept: dict[str, Seat] = {}
        self._visitor: dict[str, str] = {}

    def credits(self, world: World) -> dict[str, str | None]:
        """Return the visit that each call is credited to."""
        found: dict[str, str | None] = {}
        for event in world.events:
            if event["type"] == "call":
                found[event["call"]] = self._call(event)
            elif event["type"] == "visit":
                self._visit(event)
            else:
                self._sign_of_life(event)
        return found

    def _visit(self, event: Event) -> None:
        now = event["t"]
        seat = self._own(event["visitor"], now) or self._free(now)
        self._visitor[event["visit"]] = event["visitor"]
        if seat is None:
            return
        seat.visit, seat.visitor, seat.given_at = event["visit"], event["visitor"], now
        self.shown[event["visit"]] = self._kept[event["visitor"]] = seat
        self._touch(seat, now, left=False)

    def _own(self, visitor: str, now: float) -> Seat | None:
        seat = self._kept.get(visitor)
        if seat is None or seat.visitor != visitor:
            return None
        return seat if self.lease is None or seat.free_at > now else None

    def _free(self, now: float) -> Seat | None:
        free = [seat for seat in self.seats if seat.free_at <= now]
        if self.lease is not None:
            return self._random.choice(free) if free else None
        if free:
            return min(free, key=lambda seat: (seat.last_seen, seat.index))
        return min(self.seats, key=lambda seat: (seat.given_at, seat.index))

    def _sign_of_life(self, event: Event) -> None:
        seat = self.shown.get(event["visit"])
        if seat is not None and (seat.visitor == self._visitor[event["visit"]] or self.lease is None):
            self._touch(seat, event["t"], left=event["type"] == "leave")

    def _touch(self, seat: Seat, now: float, *, left: bool) -> None:
        seat.last_seen = now
        seat.free_at = now + self.lease if self.lease is not None else now + (0.0 if left else SCREEN)

    def _call(self, event: Event) -> str | None:
        caller = event["caller"]
        if self.remembers and caller in self.callers:
            return self.callers[caller]
        if "dials_number" in event:
            seat: Seat | None = self.seats[event["dials_number"]]
        else:
            seat = self.shown.get(event["dials_visit"])
        holder = seat.visit if seat else None
        if caller is not None and holder is not None:
            self.callers[caller] = holder
        return holder


def random_lease(numbers: int, minutes: float = 30, *, remembers: bool = False) -> Peer:
    """A random free number, leased, and an untracked number when none is free: the documented peer."""
    return Peer(numbers, minutes * 60, remembers)


def longest_idle(numbers: int, *, remembers: bool = False) -> Peer:
    """The number that has been off screen longest, no lease, shared when all are on screen."""
    return Peer(numbers, None, remembers)
