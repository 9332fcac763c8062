"""`calltrack preview` and `calltrack classify`: the live code of a destination over rows in a file."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calltrack.delivery.advice import ADVICE, advice_for
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.base import Destination
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.destinations.preview import SENT_AS, Judged, Shown, classify_rows
from calltrack.destinations.preview import preview as preview_rows
from calltrack.destinations.rows import Row, read_row
from calltrack.destinations.settings import DestinationSettings
from calltrack.infra.http import HttpAnswer
from calltrack.kernel.errors import BadInput
from calltrack.sandbox.platforms.accounts import example_settings

Json = dict[str, Any]


def preview(name: str, rows: str, settings: str | None, now: str | None) -> int:
    """Print the verdict on each row and the requests that would leave; 1 if a row cannot be read."""
    destination = _destination(name)
    loaded = _settings(destination, settings)
    moment = _moment(now)
    read, unread = _read_rows(rows)
    seen = preview_rows(destination, loaded, read, moment)
    _print({
        "destination": destination.name,
        "now": moment.isoformat(),
        "rows": [_judged(destination, one) for one in seen.judged] + unread,
        "requests": [_shown(one) for one in seen.requests],
    })  # fmt: skip
    return 1 if unread else 0


def classify(
    name: str, status: int, response: str, rows: str, settings: str | None, headers: list[str]
) -> int:
    """Print what an answer to a request of these rows means for each of them; 1 if a row cannot be read."""
    destination = _destination(name)
    loaded = _settings(destination, settings)
    read, unread = _read_rows(rows)
    if unread:
        _print({"destination": destination.name, "rows": unread})
        return 1
    answer = HttpAnswer(status, dict(_header(one) for one in headers), _bytes(response))
    try:
        outcomes = classify_rows(destination, loaded, read, answer)
    except ValueError as problem:
        sys.exit(f"{problem}. Give the rows that were in the request, in its order.")
    _print({
        "destination": destination.name,
        "status": status,
        "rows": [_outcome(destination, row, one) for row, one in zip(read, outcomes, strict=True)],
    })  # fmt: skip
    return 0


def _destination(name: str) -> Destination[Any]:
    found = DESTINATIONS.get(name.replace("-", "_").lower())
    if found is None:
        sys.exit(f"There is no destination {name!r}; choose one of {', '.join(DESTINATIONS)}.")
    return found


def _settings(destination: Destination[Any], path: str | None) -> DestinationSettings:
    """Return the documented example settings, with the file's values over them."""
    values = example_settings(destination.name)
    if path is not None:
        try:
            given = json.loads(_bytes(path))
        except ValueError as problem:
            sys.exit(f"{path} is not JSON: {problem}.")
        if not isinstance(given, dict):
            sys.exit(f"{path} must hold one JSON object with the settings of {destination.name}.")
        values |= given
    try:
        return destination.Settings.load(values, sandbox=True)
    except ValidationError as problem:
        named = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'settings'}: {error['msg']}" for error in problem.errors()
        )
        sys.exit(f"The settings of {destination.name} are wrong: {named}.")


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        sys.exit(f"--now {text!r} is no time; write it like 2026-11-20T12:00:00Z.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_rows(path: str) -> tuple[list[Row], list[Json]]:
    read: list[Row] = []
    unread: list[Json] = []
    for number, line in enumerate(_bytes(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            read.append(read_row(line))
        except BadInput as problem:
            unread.append(
                {"line": number, "id": _id_in(line), "verdict": "unreadable", "reason": str(problem)}
            )
    return read, unread


def _id_in(line: bytes) -> str | None:
    try:
        id_ = json.loads(line)["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return id_ if isinstance(id_, str) else None


def _bytes(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as problem:
        sys.exit(f"{path} cannot be read: {problem.strerror}.")


def _header(text: str) -> tuple[str, str]:
    name, found, value = text.partition(":")
    if not found:
        sys.exit(f"--header {text!r} must look like 'Retry-After: 30'.")
    return name.strip().lower(), value.strip()


def _judged(destination: Destination[Any], one: Judged) -> Json:
    verdict = one.verdict
    return {
        "id": one.row.id,
        "verdict": SENT_AS[verdict.decision],
        "until": verdict.until.astimezone(UTC).isoformat() if verdict.until else None,
        "code": verdict.code,
        "reason": verdict.reason,
        "next_step": _next_step(destination, one),
        "warnings": list(one.row.warnings),
    }


def _next_step(destination: Destination[Any], one: Judged) -> str:
    """Return what a person can do about the verdict: the same line as beside the call in the dashboard."""
    decision, code = one.verdict.decision, one.verdict.code
    if decision == "never" and code in ADVICE:
        return advice_for(code, destination.label, one.row.upload.kind).next_step
    return "Nothing to do: it goes by itself at that time." if decision == "wait" else ""


def _shown(one: Shown) -> Json:
    try:
        body = json.loads(one.body) if one.body else None
    except ValueError:
        body = one.body
    not_before = one.not_before.astimezone(UTC).isoformat() if one.not_before else None
    return {
        "rows": list(one.rows), "not_before": not_before, "method": one.method, "url": one.url,
        "headers": one.headers, "body": body,
    }  # fmt: skip


def _outcome(destination: Destination[Any], row: Row, one: Outcome) -> Json:
    after = one.after
    if after is None and one.class_ is Class.LATER:
        after = destination.wait_before(1)
    return {
        "id": row.id,
        "class": one.class_.name,
        "after_seconds": after.total_seconds() if after is not None else None,
        "code": one.code,
        "message": one.message,
        "next_step": one.hint,
        "pauses_destination": one.class_ is Class.CONFIG and one.pauses,
    }


def _print(value: Json) -> None:
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
