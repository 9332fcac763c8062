"""What all reports of a call we began say together: pure, the same for any order and any repetition."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

TAKE_KEY = "1"
SCORES = {"1": "purchase", "2": "lead", "3": "none"}
OVER = frozenset(("completed", "busy", "no_answer", "failed", "canceled"))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One report. what: answer (the first phone picked up), key, dialed (the caller's leg ended), status.

    at: when it happened by the carrier's clock, else when it was received.
    """

    what: str
    at: datetime
    call_sid: str
    status: str = ""
    digits: str = ""
    bridged: bool | None = None
    talk_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class OutboundState:
    """How a call we began went. `caller_status` is how the leg to the caller ended; '' when never rung."""

    call_sid: str | None = None
    status: str = ""
    digits: str = ""
    keyed_at: datetime | None = None
    joined_at: datetime | None = None
    talk_seconds: int = 0
    caller_status: str = ""
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing can follow."""
        return self.ended_at is not None


def fold(kind: str, steps: Iterable[Step]) -> OutboundState:
    """Return the state from all reports; of the keys the call asks for the last one holds."""
    told = sorted(steps, key=lambda step: (step.at, step.what, step.status, step.digits))
    valid = SCORES if kind == "score" else {TAKE_KEY: ""}
    keys = [step for step in told if step.what == "key" and step.digits in valid]
    dialed = [step for step in told if step.what == "dialed"]
    joined = [step for step in dialed if _is_joined(step)]
    ends = [step for step in told if step.what == "status" and step.status in OVER]
    talked = sum(step.talk_seconds or 0 for step in joined)
    return OutboundState(
        call_sid=told[0].call_sid if told else None,
        status=ends[-1].status if ends else "",
        digits=keys[-1].digits if keys else "",
        keyed_at=keys[-1].at if keys else None,
        joined_at=min(_joined_at(step) for step in joined) if joined else None,
        talk_seconds=talked,
        caller_status=dialed[-1].status if dialed else "",
        ended_at=ends[-1].at if ends else None,
    )


def to_plain(step: Step) -> dict[str, Any]:
    """Return what is stored of a step."""
    return {name: value for name, value in vars(step).items() if value not in (None, "")}


def _is_joined(step: Step) -> bool:
    # Where the carrier does not say whether two were joined, a leg that was completed was.
    return bool(step.bridged or (step.bridged is None and step.status == "completed"))


def _joined_at(step: Step) -> datetime:
    return step.at - timedelta(seconds=step.talk_seconds or 0)
