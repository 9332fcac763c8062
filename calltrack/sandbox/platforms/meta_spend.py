"""The insights of the Meta twin: cost by campaign and day, page by page, with cursors."""

import base64
import json
from datetime import datetime
from typing import Any, Final

from flask import Response, request

from calltrack.sandbox.platforms.meta import refusal_for, refused
from calltrack.sandbox.platforms.meta_checks import Fault
from calltrack.sandbox.platforms.spend_book import SpendBook
from calltrack.sandbox.platforms.twin import Desk, as_json

PLATFORM: Final = "meta"
MOST_ROWS: Final = 500
USUAL_ROWS: Final = 25


def account(desk: Desk, number: str) -> Response:
    """Answer `GET /act_{id}`."""
    denied = refusal_for(number, desk.now())
    if denied is not None:
        return denied
    told = desk.spend.account(PLATFORM)
    return as_json(
        {"id": f"act_{number}", "name": told.name, "currency": told.currency, "timezone_name": told.timezone}
    )


def insights(desk: Desk, number: str) -> Response:
    """Answer `GET /act_{id}/insights` for campaigns by day."""
    now = desk.now()
    denied = refusal_for(number, now)
    if denied is not None:
        return denied
    try:
        stretch = json.loads(request.args.get("time_range", ""))
        first, last = str(stretch["since"]), str(stretch["until"])
        limit = min(int(request.args.get("limit", USUAL_ROWS)), MOST_ROWS)
        start = int(base64.b64decode(request.args.get("after", "")) or b"0")
    except (ValueError, KeyError, TypeError):
        return refused(400, 100, now, Fault(1815001, "", "time_range, limit or after cannot be read"))
    if request.args.get("level") != "campaign" or request.args.get("time_increment") != "1":
        return refused(400, 100, now, Fault(1815001, "", "this twin tells campaigns by day"))
    rows = _rows(desk.spend, first, last, now)
    page: dict[str, Any] = {"data": rows[start : start + limit]}
    if page["data"]:
        after = base64.b64encode(str(start + limit).encode()).decode()
        page["paging"] = {"cursors": {"before": "MA==", "after": after}}
        if start + limit < len(rows):
            page["paging"]["next"] = f"{request.base_url}?after={after}"
    return as_json(page)


def _rows(book: SpendBook, first: str, last: str, now: datetime) -> list[dict[str, str]]:
    names = {id_: one.name for id_, one in book.campaigns(PLATFORM).items()}
    return [
        {
            "campaign_id": one.campaign,
            "campaign_name": names[one.campaign],
            "spend": f"{one.cost_micros / 1_000_000:.2f}",
            "impressions": str(one.impressions),
            "inline_link_clicks": str(one.clicks),
            "date_start": one.day,
            "date_stop": one.day,
        }
        for one in book.days(PLATFORM, first, last, now)
    ]
