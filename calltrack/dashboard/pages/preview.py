"""Seen before sent: rows as a person writes them, the verdict on each, and the requests that would leave."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.delivery.accounts import open_settings
from calltrack.delivery.model import DestinationAccount
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.preview import Preview, Shown, preview
from calltrack.destinations.rows import Row, read_row
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.wiring import Services

MOST_ROWS: Final = 200
MOST_TEXT: Final = 200_000


@dataclass(frozen=True)
class Unread:
    """A line that is no row, and why."""

    line: int
    problem: str


@page("/destinations/<id:destination_id>/preview", "manager")
def preview_form(services: Services, here: Here, destination_id: UUID) -> ResponseReturnValue:
    """Show an example row to try; nothing is ever sent from here."""
    account = _account(services, here, destination_id)
    return render_template("preview.html", destination=account, typed=_example(here), seen=None, unread=[])


@page("/destinations/<id:destination_id>/preview", "manager", ("POST",))
def preview_rows(services: Services, here: Here, destination_id: UUID) -> ResponseReturnValue:
    """Show what would become of the rows at this destination, by its own settings."""
    account = _account(services, here, destination_id)
    text = request.form.get("rows", "")[:MOST_TEXT]
    rows, unread = _read(text)
    settings = open_settings(services.vault, account)
    seen = preview(DESTINATIONS[account.kind], settings, rows, here.now)
    shown = Preview(seen.judged, tuple(_pretty(one) for one in seen.requests))
    return render_template("preview.html", destination=account, typed=text, seen=shown, unread=unread)


def _account(services: Services, here: Here, destination_id: UUID) -> DestinationAccount:
    with services.db.tenant(here.company.id) as session:
        found = session.get(DestinationAccount, (here.company.id, destination_id))
        if found is None or found.status == "removed" or found.kind not in DESTINATIONS:
            raise NotFound("There is no such destination.")
        session.expunge(found)
        return found


def _read(text: str) -> tuple[list[Row], list[Unread]]:
    rows, unread = [], []
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for number, line in lines[:MOST_ROWS]:
        try:
            rows.append(read_row(line))
        except BadInput as problem:
            unread.append(Unread(number, str(problem)))
    if len(lines) > MOST_ROWS:
        unread.append(Unread(lines[MOST_ROWS][0], f"At most {MOST_ROWS} rows are shown at once."))
    return rows, unread


def _pretty(one: Shown) -> Shown:
    try:
        return replace(one, body=json.dumps(json.loads(one.body), indent=2, ensure_ascii=False))
    except ValueError:
        return one


def _example(here: Here) -> str:
    called = here.now.replace(microsecond=0) - timedelta(hours=2)
    row = {
        "id": "example-1", "kind": "purchase", "event": "conversion", "happened_at": called.isoformat(),
        "value_minor": 85000, "currency": here.company.currency,
        "click": {"gclid": "EXAMPLE-click", "captured_at": (called - timedelta(hours=1)).isoformat()},
        "person": {"phone": "+390669940001", "email": "anna@example.com"},
        "consent": {"ad_user_data": "granted", "ad_personalization": "granted"},
    }  # fmt: skip
    return json.dumps(row)
