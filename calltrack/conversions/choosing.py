"""Which of several calls an outcome is about: calls and times in, the choice with its reason out. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

# How far a call may lie from the told time, when the caller's number leads to it.
WITHIN = timedelta(hours=24)
# Two calls whose distances differ by less cannot be told apart by a clock somebody else wrote.
TOO_CLOSE = timedelta(minutes=1)
# An outcome told for a moment just before its call began: clocks differ.
CLOCKS_DIFFER = timedelta(minutes=10)


@dataclass(frozen=True)
class Candidate:
    """A call that a clue leads to."""

    call_id: UUID
    started_at: datetime
    caller_hash: bytes | None


@dataclass(frozen=True)
class Choice:
    """The call (None: none was chosen) and the sentence that says how, or why not."""

    call_id: UUID | None
    reason: str
    ambiguous: bool = False


def nearest(calls: Collection[Candidate], at: datetime, zone: str, *, day_only: bool = False) -> Choice:
    """Choose among a caller's calls the one nearest to the told time, at most 24 hours away.

    With `day_only` the time stands at noon of the day meant: the only call of that day is taken; more than
    one cannot be told apart.
    """
    if day_only:
        return _of_the_day(calls, at, zone)
    distances = [(abs(one.started_at - at), one) for one in calls]
    near = sorted((one for one in distances if one[0] <= WITHIN), key=lambda one: (one[0], one[1].started_at))
    if not near:
        return Choice(None, _none_near(calls, at, zone))
    if len(near) > 1 and near[1][0] - near[0][0] < TOO_CLOSE:
        first, second = (_clock(at, zone) for at in sorted(one.started_at for _, one in near[:2]))
        return Choice(None, f"Two calls of this caller are equally near: {first} and {second}.", True)
    others = f", the nearest of {len(near)} within 24 hours" if len(near) > 1 else ""
    return Choice(near[0][1].call_id, f"caller and time: the call {_distance(near[0][0])} away{others}")


def latest(calls: Collection[Candidate], until: datetime, zone: str, what: str) -> Choice:
    """Choose the last call that began before the outcome happened; `what` names the clue for the reason.

    Calls of different callers behind one clue (a link that was passed on) are not chosen among.
    """
    before = [one for one in calls if one.started_at <= until + CLOCKS_DIFFER]
    if not before:
        first = min(one.started_at for one in calls)
        return Choice(None, f"The {what} leads to a call, but it began later, on {_clock(first, zone)}.")
    if len({one.caller_hash or one.call_id for one in before}) > 1:
        return Choice(None, f"The {what} leads to calls of {_callers(before)} different callers.", True)
    chosen = max(before, key=lambda one: (one.started_at, one.call_id))
    others = f", the last of {len(before)} calls" if len(before) > 1 else ""
    return Choice(chosen.call_id, f"{what}{others}")


def _of_the_day(calls: Collection[Candidate], noon: datetime, zone: str) -> Choice:
    day = noon.astimezone(ZoneInfo(zone)).date()
    of_day = [one for one in calls if one.started_at.astimezone(ZoneInfo(zone)).date() == day]
    if len(of_day) == 1:
        return Choice(of_day[0].call_id, "caller and day: the only call of that day")
    if of_day:
        return Choice(
            None, f"This caller called {len(of_day)} times that day; send the time of the call.", True
        )
    return Choice(None, _none_near(calls, noon, zone))


def _none_near(calls: Collection[Candidate], at: datetime, zone: str) -> str:
    told = _clock(at, zone)
    if not calls:
        return f"No call of this number within 24 hours of {told}."
    closest = _clock(min(calls, key=lambda one: abs(one.started_at - at)).started_at, zone)
    return f"No call of this number within 24 hours of {told}; the nearest was {closest}."


def _callers(calls: Sequence[Candidate]) -> int:
    return len({one.caller_hash or one.call_id for one in calls})


def _distance(gap: timedelta) -> str:
    seconds = int(gap.total_seconds())
    number, unit = (seconds, "second") if seconds < 60 else (seconds // 60, "minute")
    if seconds >= 7_200:
        number, unit = seconds // 3_600, "hour"
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _clock(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
