"""The events of one call in an order that does not depend on arrival: what every rule of the fold reads."""

from collections.abc import Iterable
from dataclasses import dataclass

from calltrack.telephony.base import CallEvent

# Said beside the call: they tell nothing of its beginning, course or end.
ASIDE = ("looked_up", "transcript")
RANK = {"ringing": 0, "in_progress": 1, "canceled": 2, "no_answer": 3, "busy": 4, "failed": 5, "completed": 6}


@dataclass(frozen=True)
class Told:
    """The events of one call by kind, each message once.

    `record` is the carrier's own record of the caller's leg, `leg_records` those of the legs, by their sid.
    """

    all: list[CallEvent]
    incoming: list[CallEvent]
    leg: list[CallEvent]
    dialed: list[CallEvent]
    ended: list[CallEvent]
    recording: list[CallEvent]
    voicemail: list[CallEvent]
    key: list[CallEvent]
    looked_up: list[CallEvent]
    record: CallEvent | None
    leg_records: dict[str, CallEvent]

    @property
    def reports(self) -> list[CallEvent]:
        """Final reports on the caller's own leg; the last one decides."""
        return [event for event in self.ended if event.is_final]

    @property
    def end_record(self) -> CallEvent | None:
        """The carrier's record of the caller's leg once it is over."""
        return self.record if self.record is not None and self.record.is_final else None


def tell(events: Iterable[CallEvent]) -> Told:
    """Sort the events of one call; repetitions count once.

    Raises:
        ValueError: there is no event.
    """
    once: dict[str, CallEvent] = {}
    for event in events:
        known = once.get(event.key)
        if known is None or (known != event and (_place(event), repr(event)) < (_place(known), repr(known))):
            once[event.key] = event
    if not once:
        raise ValueError("A call without any event has no state")
    ordered = sorted(once.values(), key=_place)
    kinds: dict[str, list[CallEvent]] = {}
    for event in ordered:
        kinds.setdefault(event.kind, []).append(event)
    records: dict[str, list[CallEvent]] = {}
    for event in kinds.get("fetched", []):
        records.setdefault(event.leg_sid or "", []).append(event)
    best = {sid: max(found, key=_weight) for sid, found in records.items()}
    return Told(
        all=[event for event in ordered if event.kind not in ASIDE] or ordered,
        incoming=kinds.get("incoming", []),
        leg=kinds.get("leg", []),
        dialed=kinds.get("dialed", []),
        ended=kinds.get("ended", []),
        recording=kinds.get("recording", []),
        voicemail=kinds.get("voicemail", []),
        key=kinds.get("key", []),
        looked_up=kinds.get("looked_up", []),
        record=best.pop("", None),
        leg_records=best,
    )


def first(words: Iterable[str | None]) -> str:
    """Return the first word that says something."""
    return next((word for word in words if word), "")


def last(numbers: Iterable[int | None]) -> int | None:
    """Return the last number that was told."""
    return next((number for number in reversed(list(numbers)) if number is not None), None)


def _place(event: CallEvent) -> tuple[int, int, object, str]:
    """Where an event stands: the incoming, then the passing, then the final ones; by number, then time."""
    stage = 0 if event.kind == "incoming" else 2 if event.is_final else 1
    return (stage, -1 if event.sequence is None else event.sequence, event.at, event.key)


def _weight(record: CallEvent) -> tuple[bool, int, int, str]:
    """Which of several records of one leg is believed: of its end, with the price, the longest."""
    price = -1 if record.price_micros is None else record.price_micros
    return (record.is_final, price, record.duration_seconds or 0, record.key)
