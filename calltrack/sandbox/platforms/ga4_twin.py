"""The twin of GA4's Measurement Protocol: 204 to everything, and only what is right is counted.

The same checks are told by its validation server under `/debug`, which, like Google's, checks neither the
measurement id nor the secret and counts nothing.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from calltrack.sandbox.platforms.accounts import GA4_API_SECRET, GA4_MEASUREMENT_ID
from calltrack.sandbox.platforms.counting import count_first, count_request, note
from calltrack.sandbox.platforms.journal import Effect, Journal
from calltrack.sandbox.platforms.twin import Desk, Twin, as_json

PLATFORM: Final = "ga4"
MAX_EVENTS: Final = 25
MAX_PARAMS: Final = 25
MAX_NAME: Final = 40
MAX_VALUE: Final = 100
MAX_BYTES: Final = 130_000
WINDOW: Final = timedelta(hours=72)
RESERVED: Final = frozenset({
    "ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure", "app_background",
    "app_clear_data", "app_exception", "app_remove", "app_store_refund", "app_store_subscription_cancel",
    "app_store_subscription_convert", "app_store_subscription_renew", "app_update", "app_upgrade",
    "dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open", "error", "first_open",
    "first_visit", "in_app_purchase", "notification_dismiss", "notification_foreground", "notification_open",
    "notification_receive", "os_update", "screen_view", "session_start", "user_engagement",
})  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_GIVEN: Final = frozenset(("GRANTED", "DENIED"))

Fault = tuple[str, str, str]
"""Where, what in words, and Google's code."""


class Event(msgspec.Struct):
    """One event."""

    name: str
    params: dict[str, Any] = {}


class Hit(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `mp/collect`."""

    client_id: str
    events: list[Event]
    timestamp_micros: int | None = None
    user_id: str | None = None
    user_properties: dict[str, Any] = {}
    user_data: dict[str, Any] | None = None
    consent: dict[str, str] = {}
    non_personalized_ads: bool | None = None
    validation_behavior: str | None = None


def read(body: bytes) -> Hit | Fault:
    """Return the hit, or why it is none."""
    if len(body) >= MAX_BYTES:
        return "", "The body is larger than 130 kB.", "EXCEEDED_MAX_ENTITIES"
    try:
        return msgspec.json.decode(body, type=Hit)
    except msgspec.MsgspecError as fault:
        return "events", f"Unable to parse Measurement Protocol JSON payload. {fault}", "VALUE_INVALID"


def check(hit: Hit, now: datetime) -> list[Fault]:
    """Return all that is wrong with a hit."""
    found: list[Fault] = []
    if not hit.client_id or len(hit.client_id) > MAX_VALUE:
        found.append(("client_id", "A client_id is needed.", "VALUE_REQUIRED"))
    if not 1 <= len(hit.events) <= MAX_EVENTS:
        found.append(("events", "Between 1 and 25 events.", "EXCEEDED_MAX_ENTITIES"))
    if any(value not in _GIVEN for value in hit.consent.values()):
        found.append(("consent", "Consent is GRANTED or DENIED.", "VALUE_INVALID"))
    if hit.timestamp_micros is not None:
        at = datetime.fromtimestamp(hit.timestamp_micros / 1_000_000, UTC)
        if not now - WINDOW <= at <= now + timedelta(minutes=15):
            found.append(("timestamp_micros", "The time is outside the last 72 hours.", "VALUE_INVALID"))
    for place, event in enumerate(hit.events):
        found += _check_event(f"events[{place}]", event)
    return found


def _check_event(path: str, event: Event) -> list[Fault]:
    found: list[Fault] = []
    if event.name in RESERVED or event.name.startswith(("_", "firebase_", "ga_", "google_")):
        found.append((path + ".name", f"The name {event.name} is reserved.", "NAME_RESERVED"))
    elif not _NAME.fullmatch(event.name) or len(event.name) > MAX_NAME:
        found.append((path + ".name", f"The name {event.name} is invalid.", "NAME_INVALID"))
    if len(event.params) > MAX_PARAMS:
        found.append((path + ".params", "At most 25 parameters.", "EXCEEDED_MAX_ENTITIES"))
    for name, value in event.params.items():
        if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
            found.append((f"{path}.params.{name}", "The parameter's name is invalid.", "NAME_INVALID"))
        if isinstance(value, str) and len(value) > MAX_VALUE:
            found.append((f"{path}.params.{name}", "At most 100 characters.", "VALUE_OUT_OF_BOUNDS"))
    value, currency = event.params.get("value"), event.params.get("currency")
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        found.append((path + ".params.value", "The value must be a number.", "VALUE_INVALID"))
    if value is not None and not (isinstance(currency, str) and _CURRENCY.fullmatch(currency)):
        found.append((path + ".params.currency", "A value needs a currency.", "VALUE_REQUIRED"))
    if event.name in ("purchase", "refund") and not event.params.get("transaction_id"):
        found.append((path + ".params.transaction_id", "A transaction_id is needed.", "VALUE_REQUIRED"))
    return found


def collect(journal: Journal, query: dict[str, str], body: bytes, now: datetime) -> None:
    """Count what is right and drop the rest without a word."""
    at, stream = now.timestamp(), query.get("measurement_id", "")
    hit = read(body)
    faults = [hit] if isinstance(hit, tuple) else check(hit, now)
    if (stream, query.get("api_secret")) != (GA4_MEASUREMENT_ID, GA4_API_SECRET):
        faults.append(("measurement_id", "", "UNKNOWN_STREAM"))
    if not isinstance(hit, tuple) and hit.client_id.startswith("INVALID"):
        faults.append(("client_id", "", "VALUE_INVALID"))
    count_request(journal, PLATFORM, stream, faults[0][2] if faults else "", at)
    if isinstance(hit, Hit) and not faults:
        for event in hit.events:
            _count(journal, stream, hit, event, now)


def _count(journal: Journal, stream: str, hit: Hit, event: Event, now: datetime) -> None:
    at, params = now.timestamp(), event.params
    happened = datetime.fromtimestamp((hit.timestamp_micros or at * 1e6) / 1e6, UTC).isoformat()
    effect = Effect(
        platform=PLATFORM, target=f"{stream}/{event.name}", id=str(params.get("transaction_id", "")),
        click=hit.client_id, occurred_at=happened, first_at=at, changed_at=at,
        currency=params.get("currency", ""), values=(params.get("value"),),
    )  # fmt: skip
    with journal.lock:
        if event.name == "refund":
            bought = f"{stream}/purchase"
            outcome = journal.retract(PLATFORM, bought, effect.id, at) or "refunded nothing"
            note(journal, effect, outcome)
            journal.write([one for one in [journal.known(PLATFORM, bought, effect.id)] if one])
            return
        if event.name != "purchase":
            # Nothing but a purchase is counted once: the same event again is one more.
            effect.id = _next_id(journal, effect)
        count_first(journal, effect)


def _next_id(journal: Journal, effect: Effect) -> str:
    number, id_ = 1, effect.id or effect.click
    while journal.known(PLATFORM, effect.target, id_) is not None:
        number += 1
        id_ = f"{effect.id}#{number}"
    return id_


def _add(pages: Blueprint, desk: Desk) -> None:
    @pages.post("/ga4/mp/collect")
    def ga4_collect() -> Response:
        """Take events."""

        def take() -> Response:
            collect(desk.journal, request.args.to_dict(), request.get_data(), desk.now())
            return Response(status=204)

        return desk.answer("ga4", take, _refusal)

    @pages.post("/ga4/debug/mp/collect")
    def ga4_debug() -> Response:
        """Say what is wrong with events; nothing counts."""

        def look() -> Response:
            hit = read(request.get_data())
            faults = [hit] if isinstance(hit, tuple) else check(hit, desk.now())
            if not request.args.get("measurement_id"):
                said = "Measurement requires either a measurement_id or firebase_app_id."
                faults.insert(0, ("measurement_id", said, "VALUE_REQUIRED"))
            names = ("fieldPath", "description", "validationCode")
            return as_json({"validationMessages": [dict(zip(names, one, strict=True)) for one in faults]})

        return desk.answer("ga4", look, _refusal)


def _refusal(status: int, reason: str) -> Response:
    return Response(reason, status)


GA4 = Twin(PLATFORM, "Google Analytics 4", ("ga4",), _add, {"generate_lead": "Lead", "purchase": "Purchase"})
