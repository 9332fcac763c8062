"""The twin's own switches: faults, how people behave, and messages somebody sends us."""

from __future__ import annotations

from dataclasses import asdict
from typing import TypeVar

import msgspec
from flask import Blueprint, Response, request

from calltrack.sandbox.carrier.script import LegResult, LegScript
from calltrack.sandbox.carrier_rest.answers import as_json
from calltrack.sandbox.carrier_rest.desk import Behaviour, Desk
from calltrack.sandbox.carrier_rest.messages import Post, receive
from calltrack.sandbox.carrier_rest.records import shown

T = TypeVar("T")


class _Phone(msgspec.Struct, forbid_unknown_fields=True):
    result: LegResult = "answer"
    ring_seconds: int = 3
    talk_seconds: int = 60
    whisper: str | None = "1"


class _End(msgspec.Struct, forbid_unknown_fields=True):
    status: str = "delivered"
    error_code: int | None = None


class _Wish(msgspec.Struct, forbid_unknown_fields=True):
    speed: float = 10
    phones: dict[str, _Phone] = {}
    digits: dict[str, list[str]] = {}
    message_ends: dict[str, _End] = {}
    landlines: list[str] = []


class _Faults(msgspec.Struct, forbid_unknown_fields=True):
    target: str = "carrier"
    next: list[str] = []


class _Text(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    from_: str
    to: str
    text: str


def add(pages: Blueprint, desk: Desk, post: Post) -> None:
    """Add the switches; they take JSON only, so that no foreign page can turn them unasked."""
    _add_faults(pages, desk)

    @pages.get("/behaviour")
    def behaviour() -> Response:
        """Show how people behave."""
        return as_json({**asdict(desk.behaviour), "landlines": sorted(desk.behaviour.landlines)})

    @pages.put("/behaviour")
    def set_behaviour() -> Response:
        """Set how people behave; what is not named is as it is at the start."""
        try:
            wish = _read(_Wish)
            if not 0 <= wish.speed <= 1000:
                raise ValueError("speed must be between 0 and 1000")
        except (msgspec.MsgspecError, ValueError) as fault:
            return as_json({"error": str(fault)}, 400)
        desk.behaviour = Behaviour(
            speed=wish.speed,
            phones={number: LegScript(**msgspec.structs.asdict(one)) for number, one in wish.phones.items()},
            digits={number: tuple(keys) for number, keys in wish.digits.items()},
            message_ends={number: (end.status, end.error_code) for number, end in wish.message_ends.items()},
            landlines=set(wish.landlines),
        )
        return Response(status=204)

    @pages.post("/messages")
    def received() -> Response:
        """Send one of our numbers a message: {"from": "+39...", "to": "+39...", "text": "..."}."""
        try:
            wish = _read(_Text)
            record, answer = receive(desk, post, wish.from_, wish.to, wish.text)
        except (msgspec.MsgspecError, ValueError, LookupError) as fault:
            return as_json({"error": str(fault)}, 400)
        told = None if answer is None else {"status": answer.status, "body": answer.body[:2000]}
        return as_json({"message": shown(record), "hook": told}, 201)


def _add_faults(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/faults")
    def faults() -> Response:
        """Show the fault scripts."""
        return as_json(desk.faults.waiting())

    @pages.post("/faults")
    def add_faults() -> Response:
        """Append steps to a script, such as {"target": "numbers", "next": ["429:Retry-After=1"]}."""
        try:
            wish = _read(_Faults)
            desk.faults.add(wish.target, wish.next)
        except (msgspec.MsgspecError, ValueError) as fault:
            return as_json({"error": str(fault)}, 400)
        return as_json(desk.faults.waiting())

    @pages.delete("/faults")
    def forget_faults() -> Response:
        """Behave again."""
        desk.faults.reset()
        return Response(status=204)


def _read(kind: type[T]) -> T:
    if request.mimetype != "application/json":
        raise ValueError("Send JSON with the header Content-Type: application/json.")
    return msgspec.json.decode(request.get_data(), type=kind)
