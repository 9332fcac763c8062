"""The twin put together: desk, simulator and every resource on one blueprint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from flask import Blueprint, Response, request

from calltrack.config import SANDBOX_CARRIER_PATH
from calltrack.sandbox.carrier import SimulatedNumber, Switchboard
from calltrack.sandbox.carrier_rest import (
    applications,
    calls,
    lookup,
    messages,
    numbers,
    papers,
    recordings,
    search,
    switches,
)
from calltrack.sandbox.carrier_rest.answers import missing, refusal
from calltrack.sandbox.carrier_rest.desk import TARGETS, Behaviour, Desk
from calltrack.sandbox.carrier_rest.records import Record, Records
from calltrack.sandbox.platforms.faults import Faults

HOSTS = {
    "/2010-04-01/": "api.twilio.com",
    "/v2/PhoneNumbers/": "lookups.twilio.com",
    "/v1/PhoneNumbers/": "pricing.twilio.com",
    "/v2/RegulatoryCompliance/": "numbers.twilio.com",
}


class Twin:
    """One carrier: its records, its simulator, and the server the real client asks."""

    def __init__(
        self,
        auth_token: Callable[[str], str],
        directory: Callable[[], list[SimulatedNumber]] = list,
        *,
        file: Path | None = None,
        via: Mapping[str, str] | None = None,
        behaviour: Behaviour | None = None,
    ) -> None:
        """Put it together; see `Desk` for the parts. `file` keeps the records over a restart."""
        self.board = Switchboard(via=via, observer=self._observe)
        self.desk = Desk(
            Records(file), Faults(TARGETS), self.board, auth_token, directory, via, behaviour or Behaviour()
        )
        self.blueprint = Blueprint("sandbox_carrier", __name__, url_prefix=SANDBOX_CARRIER_PATH)
        self.blueprint.before_request(_right_host)
        for resource in (search, numbers, applications, calls, recordings, papers, lookup):
            resource.add(self.blueprint, self.desk)
        self.post = messages.add(self.blueprint, self.desk)
        switches.add(self.blueprint, self.desk, self.post)

    def ringing(self) -> list[SimulatedNumber]:
        """Return every number that can be dialled, with the hooks the carrier has for it."""
        return numbers.ringing(self.desk)

    def receive(self, from_: str, to: str, text: str) -> Record:
        """Play a message somebody sends to one of our numbers."""
        record, _ = messages.receive(self.desk, self.post, from_, to, text)
        return record

    def close(self) -> None:
        """Let calls and messages under way come to their end, and start no more."""
        self.board.close()
        self.post.close()

    def _observe(
        self, kind: Literal["call", "leg", "recording"], fields: Mapping[str, str], at: datetime
    ) -> None:
        if kind == "recording":
            recordings.observe(self.desk, fields, at)
        else:
            calls.observe(self.desk, kind, fields, at)


def _right_host() -> Response | None:
    """Refuse a path that the host it was meant for does not have: the base hides such a mistake."""
    host = request.headers.get("X-Twilio-Original-Host")
    path = request.path.removeprefix(SANDBOX_CARRIER_PATH)
    wanted = next((name for start, name in HOSTS.items() if path.startswith(start)), None)
    if wanted is not None and host not in (None, wanted):
        return refusal(missing(path))
    return None
