"""The twin of TikTok's Events API 2.0: HTTP 200 to nearly everything, the truth in `code`."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from calltrack.sandbox.platforms.accounts import TIKTOK_EVENT_SOURCE_ID, TIKTOK_TOKEN
from calltrack.sandbox.platforms.counting import count_first, count_request
from calltrack.sandbox.platforms.journal import Effect, Journal
from calltrack.sandbox.platforms.twin import Desk, Twin, as_json

PLATFORM: Final = "tiktok"
MAX_EVENTS: Final = 1000
WINDOWS: Final = {"web": timedelta(days=7), "offline": timedelta(days=28), "crm": timedelta(days=28)}
REMEMBERS: Final = timedelta(hours=48)
AHEAD: Final = timedelta(minutes=10)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
# Nobody is found by the hash of nothing.
_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_HTTP: Final = {429: 40100, 401: 40105, 403: 40001, 413: 40002}

Answer = tuple[int, str, dict[str, Any]]
"""TikTok's code, message and data."""


class Event(msgspec.Struct, forbid_unknown_fields=True):
    """One event."""

    event: str
    event_time: int
    event_id: str = ""
    user: dict[str, str] = {}
    page: dict[str, str] = {}
    properties: dict[str, Any] = {}
    lead: dict[str, str] = {}
    limited_data_use: bool = False


class Track(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `event/track`; events are read one by one, so that a bad one harms no other."""

    event_source: str
    event_source_id: str
    data: list[msgspec.Raw]
    test_event_code: str = ""


def track(journal: Journal, token: str, body: bytes, now: datetime) -> Answer:
    """Answer `event/track`."""
    said = _track(journal, token, body, now)
    refused = "" if said[0] in (0, 20001) else str(said[0])
    count_request(journal, PLATFORM, TIKTOK_EVENT_SOURCE_ID, refused, now.timestamp())
    return said


def _track(journal: Journal, token: str, body: bytes, now: datetime) -> Answer:
    if token != TIKTOK_TOKEN:
        return 40105, "Access token is incorrect or has been revoked.", {}
    try:
        wanted = msgspec.json.decode(body, type=Track)
    except msgspec.MsgspecError as unread:
        return 40002, f"Invalid request: {unread}", {}
    if wanted.event_source not in WINDOWS:
        return 40002, "event_source: must be one of web, offline, crm.", {}
    if wanted.event_source_id != TIKTOK_EVENT_SOURCE_ID:
        return 40001, "No permission to operate the event source.", {}
    if not 1 <= len(wanted.data) <= MAX_EVENTS:
        return 40002, f"data: between 1 and {MAX_EVENTS} events.", {}
    events = [_event(raw) for raw in wanted.data]
    faults = [event if isinstance(event, str) else check(event, wanted.event_source, now) for event in events]
    if all(faults):
        return 40002, "; ".join(f"data.{n}.{fault}" for n, fault in enumerate(faults)), {}
    if not wanted.test_event_code:
        for event, fault in zip(events, faults, strict=True):
            if isinstance(event, Event) and not fault:
                _count(journal, wanted.event_source_id, event, now)
    failed = [
        {"order_in_batch": n, "event_id": getattr(events[n], "event_id", ""), "error_message": fault}
        for n, fault in enumerate(faults)
        if fault
    ]
    return (20001, "Partial success.", {"failed_events": failed}) if failed else (0, "OK", {})


def _event(raw: msgspec.Raw) -> Event | str:
    try:
        return msgspec.json.decode(raw, type=Event)
    except msgspec.MsgspecError as fault:
        return f"event: {fault}"


def check(event: Event, source: str, now: datetime) -> str:
    """Return what is wrong with an event, or nothing."""
    at = datetime.fromtimestamp(min(max(event.event_time, 0), 10**11), UTC)
    user, properties = event.user, event.properties
    value = properties.get("value")
    needed = ("phone", "email", "ttclid", "ttp") if source == "web" else ("phone", "email")
    rules = (
        (not event.event, "event: is required"),
        (not event.event_id, "event_id: is required"),
        (at < now - WINDOWS[source], f"event_time: older than {WINDOWS[source].days} days"),
        (at > now + AHEAD, "event_time: lies in the future"),
        (not any(user.get(name) for name in needed), f"user: one of {', '.join(needed)} is required"),
        (_unhashed(user, "phone"), "user.phone: must be a SHA-256 in lower-case hex"),
        (_unhashed(user, "email"), "user.email: must be a SHA-256 in lower-case hex"),
        (not all(value.strip() for value in user.values()), "user: a field must not be empty"),
        (user.get("ttclid", "").startswith("INVALID"), "user.ttclid: Invalid value"),
        (value is not None and not _is_number(value), "properties.value: must be a number"),
        (value is not None and not _is_currency(properties.get("currency")), "properties.currency: invalid"),
    )
    return next((words for broken, words in rules if broken), "")


def _unhashed(user: dict[str, str], name: str) -> bool:
    return name in user and (not _SHA256.fullmatch(user[name]) or user[name] == _EMPTY)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _is_currency(value: object) -> bool:
    return isinstance(value, str) and _CURRENCY.fullmatch(value) is not None


def _count(journal: Journal, source_id: str, event: Event, now: datetime) -> None:
    at, properties = now.timestamp(), event.properties
    effect = Effect(
        platform=PLATFORM, target=f"{source_id}/{event.event}", id=event.event_id,
        click=event.user.get("ttclid", ""),
        occurred_at=datetime.fromtimestamp(event.event_time, UTC).isoformat(),
        first_at=at, changed_at=at, currency=str(properties.get("currency", "")),
        values=(properties.get("value"),), has_contacts=bool({"phone", "email"} & set(event.user)),
    )  # fmt: skip
    with journal.lock:
        number = 1
        while (known := journal.known(PLATFORM, effect.target, effect.id)) is not None:
            if at - known.first_at <= REMEMBERS.total_seconds():
                break
            # TikTok forgets an event id after 48 hours: the same one then is one more.
            number += 1
            effect.id = f"{event.event_id}#{number}"
        count_first(journal, effect)


def _add(pages: Blueprint, desk: Desk) -> None:
    @pages.post("/tiktok/open_api/v1.3/event/track/")
    def tiktok_track() -> Response:
        """Take events."""

        def take() -> Response:
            token = request.headers.get("access-token", "")
            return _answer(*track(desk.journal, token, request.get_data(), desk.now()))

        return desk.answer("tiktok", take, _refusal)


def _refusal(status: int, reason: str) -> Response:
    if reason.isdigit():
        return _answer(int(reason), "The fault script says so.", {})
    return _answer(_HTTP.get(status, 50000), "The fault script says so.", {}, status)


def _answer(code: int, message: str, data: dict[str, Any], status: int = 200) -> Response:
    return as_json(
        {"code": code, "message": message, "request_id": secrets.token_hex(12), "data": data}, status
    )


TIKTOK = Twin(PLATFORM, "TikTok Ads", ("tiktok",), _add, {"Lead": "Lead", "Purchase": "Purchase"})
