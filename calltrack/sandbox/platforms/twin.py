"""What every twin is made of: a name, its fault targets, and the routes it adds over the shared desk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from flask import Blueprint, Response, request

from calltrack.kernel.clock import Clock
from calltrack.sandbox.platforms.faults import Faults, play
from calltrack.sandbox.platforms.journal import Journal
from calltrack.sandbox.platforms.spend_book import SpendBook

MAX_BODY: Final = 16_000_000
_ENCODER: Final = msgspec.json.Encoder()

Refuse = Callable[[int, str], Response]
"""Words an error as this platform does: HTTP status, and the platform's own code or reason ("" for none)."""


@dataclass(frozen=True)
class Desk:
    """What the twins of one sandbox share."""

    journal: Journal
    faults: Faults
    now: Clock
    folder: Path | None
    """Where a twin may keep files of its own; None: nowhere, in memory only."""
    spend: SpendBook = field(default_factory=SpendBook)
    """What advertising cost."""

    def answer(self, target: str, answer: Callable[[], Response], refuse: Refuse) -> Response:
        """Answer the present request, or play the next step of the target's fault script."""
        request.get_data(cache=True, parse_form_data=True)
        step = self.faults.next(target)
        if (request.content_length or 0) > MAX_BODY:
            return refuse(413, "")
        return answer() if step is None else play(step, answer, refuse)


@dataclass(frozen=True)
class Twin:
    """One platform's twin: one file with its routes, one line in `twins.py`.

    `name` is the destination's name and the `platform` of its effects in the journal. Counts are kept as
    `<name>.requests`, `.counted`, `.replaced`, `.repeated`, `.refused`.
    """

    name: str
    label: str
    targets: tuple[str, ...]
    """Names under which fault scripts can be set for it."""
    add: Callable[[Blueprint, Desk], None]
    actions: Mapping[str, str] | None = None
    """Names people know conversion actions by, for the page."""


def as_json(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(_ENCODER.encode(body), status, dict(headers or {}), content_type="application/json")
