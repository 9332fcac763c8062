"""What every answer is made of: error documents, pages of a list, times in filters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from calltrack.sandbox.carrier_rest.records import AT, Record, shown

MORE = "https://www.twilio.com/docs/errors/"
PAGE_SIZE = 50
MOST_PER_PAGE = 1000


class Refusal(Exception):
    """The carrier says no, with HTTP status, its own code and a sentence."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def missing(path: str) -> Refusal:
    """Return the refusal of what is not there (any more)."""
    return Refusal(404, 20404, f"The requested resource {path} was not found")


def refusal(refused: Refusal) -> Response:
    """Return the error document."""
    return as_json(
        {
            "code": refused.code,
            "message": refused.message,
            "more_info": f"{MORE}{refused.code}",
            "status": refused.status,
        },
        refused.status,
    )


def as_json(body: object, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(json.dumps(body), status, content_type="application/json")


def page(key: str, rows: Sequence[Record], uri: str) -> Response:
    """Return one page of a list with the relative addresses of its neighbours.

    The token of the next page is the last SID of this one, so that what comes and goes meanwhile neither
    repeats nor skips a row.
    """
    size, number, start = _window(rows)
    part = rows[start : start + size]
    more = start + size < len(rows)
    given = [(name, value) for name, value in request.args.items(multi=True) if name not in PAGING]

    def address(index: int, token: str = "") -> str:
        extra = [("PageSize", str(size)), ("Page", str(index))] + ([("PageToken", token)] if token else [])
        return f"{uri}?{urlencode(given + extra)}"

    return as_json(
        {
            "first_page_uri": address(0),
            "end": start + len(part) - 1 if part else 0,
            "previous_page_uri": address(number - 1) if number else None,
            key: [shown(row) for row in part],
            "uri": address(number),
            "page_size": size,
            "start": start,
            "next_page_uri": address(number + 1, "PA" + _key(part[-1])) if more else None,
            "page": number,
        }
    )


def meta_page(key: str, rows: Sequence[Record], url: str) -> Response:
    """Return one page of a newer product's list: absolute addresses, told under `meta`."""
    size, number, start = _window(rows)
    part = rows[start : start + size]
    given = [(name, value) for name, value in request.args.items(multi=True) if name not in PAGING]

    def address(index: int, token: str = "") -> str:
        extra = [("PageSize", str(size)), ("Page", str(index))] + ([("PageToken", token)] if token else [])
        return f"{url}?{urlencode(given + extra)}"

    more = start + size < len(rows)
    meta = {
        "first_page_url": address(0),
        "key": key,
        "next_page_url": address(number + 1, "PA" + _key(part[-1])) if more else None,
        "page": number,
        "page_size": size,
        "previous_page_url": address(number - 1) if number else None,
        "url": address(number),
    }
    return as_json({key: [shown(row) for row in part], "meta": meta})


PAGING = frozenset(("PageSize", "Page", "PageToken"))


def _window(rows: Sequence[Record]) -> tuple[int, int, int]:
    """Return page size, page number and the first row of the page asked for."""
    size = request.args.get("PageSize", PAGE_SIZE, type=int)
    number = max(0, request.args.get("Page", 0, type=int))
    if not 1 <= size <= MOST_PER_PAGE:
        raise Refusal(400, 20001, f"PageSize must be between 1 and {MOST_PER_PAGE}")
    token = request.args.get("PageToken", "").removeprefix("PA")
    if not token:
        return size, number, number * size
    places = [index for index, row in enumerate(rows) if _key(row) == token]
    return size, number, places[0] + 1 if places else number * size


def _key(row: Mapping[str, Any]) -> str:
    return str(row.get("sid") or row.get("phone_number"))


def in_time(rows: Sequence[Record], name: str) -> list[Record]:
    """Keep the rows of the time asked for: `StartTime`, `StartTime>` and `StartTime<` for one name."""
    after = _moment(f"{name}>")
    before = _moment(f"{name}<")
    day = _moment(name)
    if day is not None:
        after, before = day, day + timedelta(days=1)
    return [
        row
        for row in rows
        if (after is None or row[AT] >= after.timestamp())
        and (before is None or row[AT] <= before.timestamp())
    ]


def _moment(name: str) -> datetime | None:
    text = request.args.get(name, "")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Refusal(400, 20001, f"Invalid {name}: {text[:40]}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
