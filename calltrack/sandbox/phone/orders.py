"""What somebody ordered on the phone page, read once: a call script, or the reason why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import to_e164
from calltrack.sandbox.carrier.script import OUTCOMES, WITHHELD, CallScript, Order, Outcome

COUNTRY = "IT"  # Of numbers written without a country: the demo is an Italian mover.
WITHHELD_WORDS = ("", "withheld", "anonymous")
MOST_KEYS = 20
ORDERS: tuple[Order, ...] = ("fifo", "shuffled", "reversed")
FIELDS = frozenset(
    (
        "from",
        "to",
        "outcome",
        "talk_seconds",
        "ring_seconds",
        "voicemail_seconds",
        "speed",
        "order",
        "duplicates",
        "keys",
    )
)


def read_order(order: object) -> CallScript:
    """Turn the JSON of `POST /sandbox/calls` into a script; BadInput says what to change."""
    if not isinstance(order, dict):
        raise BadInput('Send a JSON object such as {"from": "+393331234567", "to": "+390687650001"}.')
    if unknown := sorted(set(map(str, order)) - FIELDS):
        raise BadInput(f"Unknown field {unknown[0][:40]!r}; the fields are {', '.join(sorted(FIELDS))}.")
    outcome = _choice(order, "outcome", OUTCOMES)
    speed = _amount(order, "speed", 1, 1000)
    return CallScript(
        from_=_caller(order.get("from", "")),
        to=_number(order, "to"),
        outcome=cast(Outcome, outcome),
        talk_seconds=int(_amount(order, "talk_seconds", 180, 14_400)),
        ring_seconds=int(_amount(order, "ring_seconds", 6, 60)),
        digits=_keys(order),
        voicemail_seconds=int(_amount(order, "voicemail_seconds", 0, 600)),
        speed=speed,
        # A call that is played faster than it lasts must not report times that have not come yet.
        timestamps="virtual" if speed == 1 else "wall",
        order=cast(Order, _choice(order, "order", ORDERS)),
        duplicates=_amount(order, "duplicates", 0, 1),
    )


def _caller(value: object) -> str:
    if not isinstance(value, str):
        raise BadInput('"from" is the caller\'s number as a text; leave it empty for a withheld number.')
    return WITHHELD if value.strip().lower() in WITHHELD_WORDS else to_e164(value.strip(), COUNTRY)


def _number(order: Mapping[str, Any], name: str) -> str:
    value = order.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f'"{name}" is the number to call, such as "+390687650001".')
    return to_e164(value.strip(), COUNTRY)


def _keys(order: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys the caller presses, one each time a key is asked for."""
    value = order.get("keys", "")
    if not isinstance(value, str) or len(value) > MOST_KEYS or set(value) - set("0123456789*#"):
        raise BadInput(f'"keys" is a text of at most {MOST_KEYS} keys, such as "12"; * and # are keys, too.')
    return tuple(value)


def _choice(order: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = order.get(name, choices[0])
    if not isinstance(value, str) or value not in choices:
        raise BadInput(f'"{name}" is one of {", ".join(choices)}.')
    return value


def _amount(order: Mapping[str, Any], name: str, default: float, most: float) -> float:
    value = order.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise BadInput(f'"{name}" is a number between 0 and {most:g}.')
    return value
