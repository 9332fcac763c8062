"""Seen before sent: the verdict on each row and the very requests that would leave, by the live code.

The same functions plan and send deliveries; only the network and the clock are missing here.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, quote_plus

import msgspec

from calltrack.destinations.base import Destination
from calltrack.destinations.outcomes import Outcome, Verdict
from calltrack.destinations.rows import Row
from calltrack.destinations.settings import DestinationSettings
from calltrack.infra.http import HttpAnswer, HttpRequest

HIDDEN: Final = "***"
TOKEN: Final = "access-token-of-this-account"  # noqa: S105 (a placeholder that is hidden before it is shown)
SENT_AS: Final = {"send": "will be accepted", "wait": "wait", "never": "never"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A request as it would leave, secrets hidden, and the rows it carries."""

    method: str
    url: str
    headers: dict[str, str]
    body: str
    rows: tuple[str, ...]
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What would become of a row; `payload` is None where nothing would be sent."""

    row: Row
    verdict: Verdict
    payload: bytes | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The verdict on every row, and the requests for those that would be sent now or later."""

    judged: tuple[Judged, ...]
    requests: tuple[Shown, ...]


def judge(
    destination: Destination[Any], settings: DestinationSettings, rows: Sequence[Row], now: datetime
) -> tuple[Judged, ...]:
    """Return the pre-flight verdict on each row and, unless it is never, its frozen bytes."""
    found = []
    seen: Counter[str] = Counter()
    for row in rows:
        upload = row.upload
        if upload.action != "create":
            # The second change of a conversion in the file is its second change.
            upload = replace(upload, sequence=max(seen[upload.id], upload.sequence))
        seen[upload.id] += 1
        verdict = destination.preflight(upload, settings, now)
        never = verdict.decision == "never"
        found.append(Judged(row, verdict, None if never else destination.freeze(upload, settings)))
    return tuple(found)


def preview(
    destination: Destination[Any], settings: DestinationSettings, rows: Sequence[Row], now: datetime
) -> Preview:
    """Judge the rows and build the requests that would carry them, batched as the ledger batches them."""
    judged = judge(destination, settings, rows, now)
    routes: dict[tuple[datetime | None, str, int], list[tuple[str, bytes]]] = {}
    turns: dict[str, tuple[int, datetime | None]] = {}
    for one in judged:
        if one.payload is not None:
            # Changes of one conversion go one by one, none before the one ahead of it in the file.
            turn, ahead = turns.get(one.row.upload.id, (0, None))
            until = max((at for at in (one.verdict.until, ahead) if at is not None), default=None)
            turns[one.row.upload.id] = (turn + 1, until)
            together = (until, destination.route(one.payload), turn)
            routes.setdefault(together, []).append((one.row.id, one.payload))
    size, shown = destination.max_batch, []
    token = TOKEN if destination.token_request(settings) is not None else None
    for (until, _, _), rows_of_route in routes.items():
        for start in range(0, len(rows_of_route), size):
            batch = rows_of_route[start : start + size]
            request = destination.request([payload for _, payload in batch], settings, until or now, token)
            shown.append(replace(hide(request, settings, tuple(id_ for id_, _ in batch)), not_before=until))
    return Preview(judged, tuple(shown))


def hide(request: HttpRequest, settings: DestinationSettings, rows: tuple[str, ...] = ()) -> Shown:
    """Return the request with every secret of the settings, and the access token, replaced by stars."""
    known = {TOKEN, *settings.secrets().values()}
    # In an address a secret stands percent-encoded, in a body perhaps as JSON writes it.
    written = {form for one in known for form in (one, quote(one, safe=""), quote_plus(one), _json(one))}
    secrets = sorted(written - {""}, key=len, reverse=True)

    def hidden(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, HIDDEN)
        return text

    headers = {name: hidden(value) for name, value in request.headers.items()}
    body = request.body.decode(errors="replace")
    return Shown(request.method, hidden(request.url), headers, hidden(body), rows)


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def classify_rows(
    destination: Destination[Any],
    settings: DestinationSettings,
    rows: Sequence[Row],
    answer: HttpAnswer,
) -> tuple[Outcome, ...]:
    """Return what the answer to a request of just these rows means for each, in their order.

    For platforms that judge later both answers are understood: the receipt and the verdict.

    Raises:
        ValueError: a row cannot be part of any request; the text names it and says why.
    """
    if destination.is_verdict(answer):
        return destination.classify_status(answer, len(rows))
    payloads = []
    for row in rows:
        try:
            payloads.append(destination.freeze(row.upload, settings))
        except ValueError as problem:
            raise ValueError(f"row {row.id}: {problem}") from None
    return destination.classify(answer, payloads)
