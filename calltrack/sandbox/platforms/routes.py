"""The twins over HTTP, the page that shows what they received, and the switches for faults."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from flask import Blueprint, Response, render_template, request

from calltrack.kernel.clock import Clock, utc_now
from calltrack.sandbox.platforms import identity
from calltrack.sandbox.platforms.faults import Faults
from calltrack.sandbox.platforms.journal import Effect, Journal, Seen
from calltrack.sandbox.platforms.spend_book import SpendBook, Told
from calltrack.sandbox.platforms.twin import Desk, as_json
from calltrack.sandbox.platforms.twins import TWINS

SHOWN_ROWS: Final = 60
_ACTIONS: Final = {id_: name for twin in TWINS for id_, name in (twin.actions or {}).items()}


def create_blueprint(folder: Path | None, now: Clock = utc_now, spend: SpendBook | None = None) -> Blueprint:
    """Build the twins' blueprint for the sandbox process.

    The twins live in the memory of one process; what counted is also kept in `folder/platforms.jsonl`
    (None: in memory only), so that a restart of the sandbox forgets nothing.
    """
    journal = Journal(None if folder is None else folder / "platforms.jsonl")
    faults = Faults([*(target for twin in TWINS for target in twin.targets), identity.TARGET])
    pages = Blueprint(
        "sandbox_platforms",
        __name__,
        url_prefix="/sandbox",
        static_folder="static",
        static_url_path="/platforms/static",
        template_folder="templates",
    )
    desk = Desk(journal, faults, now, folder, spend or SpendBook())
    for twin in TWINS:
        twin.add(pages, desk)
    identity.add(pages, desk)
    _add_page(pages, journal, now)
    _add_switches(pages, faults)
    _add_spend(pages, desk.spend)
    return pages


def _add_page(pages: Blueprint, journal: Journal, now: Clock) -> None:
    @pages.get("/platforms")
    def page() -> str:
        """Show what the twins received."""
        return render_template("platforms.html", **_overview(journal, now))

    @pages.get("/platforms/recent")
    def recent() -> Response:
        """The same as JSON, for the page's own refresh."""
        return as_json(_overview(journal, now), 200)

    @pages.get("/platforms/effects")
    def effects() -> Response:
        """What counted: once per conversion and platform, with every value it has had."""
        limit = request.args.get("limit", default=100_000, type=int)
        wanted = journal.effects(request.args.get("platform", ""), request.args.get("id", ""))
        with journal.lock:
            rows = [_effect_row(effect) for effect in wanted[: max(limit, 0)]]
            counts = dict(journal.counts)
        return as_json({"total": len(wanted), "effects": rows, "counts": counts}, 200)

    @pages.delete("/platforms/effects")
    def clear() -> Response:
        """Forget what counted."""
        journal.clear()
        return Response(status=204)


def _add_switches(pages: Blueprint, faults: Faults) -> None:
    def standing() -> dict[str, object]:
        return {"scripts": faults.waiting(), "modes": faults.modes._asdict()}

    @pages.get("/platforms/faults")
    def shown() -> Response:
        """Show the fault scripts and modes."""
        return as_json(standing(), 200)

    @pages.post("/platforms/faults")
    def added() -> Response:
        """Add steps to a script or change modes: {"target": "datamanager", "next": [...], "modes": {...}}."""
        try:
            wish = msgspec.json.decode(request.get_data(), type=_Wish)
            faults.set_modes(**wish.modes)
            faults.add(wish.target, wish.next)
        except (msgspec.MsgspecError, ValueError) as fault:
            return as_json({"error": str(fault)}, 400)
        return as_json(standing(), 200)

    @pages.delete("/platforms/faults")
    def removed() -> Response:
        """Behave again."""
        faults.reset()
        return Response(status=204)


def _add_spend(pages: Blueprint, book: SpendBook) -> None:
    @pages.post("/platforms/spend/<platform>")
    def put_spend(platform: str) -> Response:
        """Put figures in the place of the made ones: campaigns, days, parts, clicks (see `Told`)."""
        try:
            book.put(platform, msgspec.json.decode(request.get_data(), type=Told))
        except (msgspec.MsgspecError, ValueError) as fault:
            return as_json({"error": str(fault)}, 400)
        return Response(status=204)

    @pages.delete("/platforms/spend/<platform>")
    def forget_spend(platform: str) -> Response:
        """Return to the made figures."""
        try:
            book.put(platform, None)
        except ValueError as fault:
            return as_json({"error": str(fault)}, 400)
        return Response(status=204)


class _Wish(msgspec.Struct, forbid_unknown_fields=True):
    target: str = "datamanager"
    next: list[str] = []
    modes: dict[str, float | bool] = {}


def _overview(journal: Journal, now: Clock) -> dict[str, object]:
    with journal.lock:
        newest = list(journal.recent)[::-1]
        counts = dict(journal.counts)
    platforms = [
        {
            "name": name,
            "label": label,
            "counted": counts.get(f"{name}.counted", 0),
            "replaced": counts.get(f"{name}.replaced", 0),
            "repeated": counts.get(f"{name}.repeated", 0),
            "retracted": counts.get(f"{name}.retracted", 0),
            "refused": counts.get(f"{name}.refused", 0),
            "rows": [_seen_row(seen) for seen in newest if seen.platform == name][:SHOWN_ROWS],
        }
        for name, label in ((twin.name, twin.label) for twin in TWINS)
    ]
    return {"platforms": platforms, "at": now().isoformat(timespec="seconds")}


def _seen_row(seen: Seen) -> dict[str, object]:
    account, _, action = seen.target.partition("/")
    tones = {
        "counted": "good",
        "replaced": "good",
        "repeated": "warn",
        "retracted": "warn",
        "checked only": "warn",
    }
    words = {"replaced": "value changed", "repeated": "seen before", "retracted": "taken back"}
    amount = "" if seen.value is None else f"{seen.value:,.2f} {seen.currency}".strip()
    return {
        "time": datetime.fromtimestamp(seen.at, UTC).strftime("%d %b %H:%M:%S"),
        "target": _ACTIONS.get(action, action) or account,
        "account": account,
        "click": seen.click,
        "value": amount,
        "id": seen.id,
        "status": words.get(seen.status, seen.status),
        "tone": tones.get(seen.status, "bad"),
    }


def _effect_row(effect: Effect) -> dict[str, object]:
    return {
        "platform": effect.platform,
        "target": effect.target,
        "id": effect.id,
        "click": effect.click,
        "occurred_at": effect.occurred_at,
        "value": effect.values[-1],
        "values": effect.values,
        "currency": effect.currency,
        "has_contacts": effect.has_contacts,
        "first_at": effect.first_at,
        "changed_at": effect.changed_at,
        "received": effect.received,
        "retracted": effect.retracted,
    }
