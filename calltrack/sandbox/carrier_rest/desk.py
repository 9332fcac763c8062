"""What all resources of the twin share: who may ask, which fault is due, what is remembered."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec

from flask import Response, request

from calltrack.sandbox.carrier import Switchboard
from calltrack.sandbox.carrier.script import LegScript, SimulatedNumber
from calltrack.sandbox.carrier_rest.answers import Refusal, refusal
from calltrack.sandbox.carrier_rest.records import Records
from calltrack.sandbox.platforms.faults import Faults, play

P = ParamSpec("P")
TARGETS = (
    "carrier",
    "search",
    "numbers",
    "applications",
    "calls",
    "messages",
    "recordings",
    "lookups",
    "rules",
)
"""Names under which faults can be set: every request, or one resource."""
MESSAGES = {401: "Authenticate", 403: "Forbidden", 429: "Too Many Requests", 503: "Service unavailable"}
CODES = {401: 20003, 403: 20006, 404: 20404, 429: 20429}


@dataclass
class Behaviour:
    """How people and lines behave when the product calls or writes to them; may be changed at any time."""

    speed: float = 10
    """Of calls the product begins; 0 waits for nothing."""
    phones: dict[str, LegScript] = field(default_factory=dict)
    """What happens at certain numbers; everybody else answers and talks for a minute."""
    digits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What is keyed in at certain numbers, one entry for each time somebody asks."""
    message_ends: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    """How messages to certain numbers end: status and error code; all others are delivered."""
    landlines: set[str] = field(default_factory=set)
    """Numbers Lookup calls a landline, whatever they look like."""


@dataclass
class Desk:
    """The shared parts."""

    records: Records
    faults: Faults
    board: Switchboard
    auth_token: Callable[[str], str]
    """Token of an account; raises LookupError for an unknown one."""
    directory: Callable[[], list[SimulatedNumber]]
    """Numbers the account had before the twin sold any."""
    via: Mapping[str, str] | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)

    def answers(self, target: str) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
        """Wrap a resource: authenticate, play the fault that is due, word every refusal."""

        def wrap(answer: Callable[P, Response]) -> Callable[P, Response]:
            @wraps(answer)
            def answered(*args: P.args, **kwargs: P.kwargs) -> Response:
                def carried_out() -> Response:
                    try:
                        return answer(*args, **kwargs)
                    except Refusal as refused:
                        return refusal(refused)

                try:
                    self._authenticate(request.view_args or {})
                except Refusal as refused:
                    return refusal(refused)
                step = self.faults.next("carrier") or self.faults.next(target)
                return carried_out() if step is None else play(step, carried_out, _worded)

            # Resources have the same verbs; Flask knows a view by its name.
            answered.__name__ = f"{target}_{answer.__name__}"
            return answered

        return wrap

    def _authenticate(self, parts: Mapping[str, str]) -> None:
        given = request.authorization
        user = (given.username if given is not None else None) or ""
        password = (given.password if given is not None else None) or ""
        try:
            wanted = self.auth_token(user)
        except LookupError:
            wanted = ""
        if not wanted or not hmac.compare_digest(wanted.encode(), password.encode()):
            raise Refusal(401, 20003, "Authenticate")
        if parts.get("account", user) != user:
            raise Refusal(404, 20404, f"The requested resource {request.path} was not found")


def _worded(status: int, reason: str) -> Response:
    """Word a fault as the carrier does; a reason is one of its own codes, such as 21631."""
    if reason.isdigit():
        return refusal(Refusal(400, int(reason), REASONS.get(int(reason), "Refused by the fault script")))
    return refusal(Refusal(status, CODES.get(status, 20500), MESSAGES.get(status, "Internal Server Error")))


REASONS = {
    21422: "PhoneNumber Not Available",
    21631: "AddressSid is empty: this number needs an address",
    21649: "BundleSid is empty: this number needs a regulatory bundle",
    21650: "The bundle does not satisfy the regulation",
    21651: "The address is not in the area of the number",
    21610: "Attempt to send to unsubscribed recipient",
    30034: "Message from an unregistered number",
}
