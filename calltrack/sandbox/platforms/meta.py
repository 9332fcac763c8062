"""The twin of Meta's Conversions API: all or nothing; the first event of a name and id counts for 48 hours.

Magic inputs: a click id (`fbc`) whose fbclid begins with INVALID refuses its whole request without being
named; datasets that begin with 404 do not exist, those with 403 are closed to the token; a token that begins
with `expired` has expired. A test event code shows the events and counts nothing (Meta itself counts them).
"""

import hashlib
import hmac
import secrets
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from calltrack.sandbox.platforms.accounts import META_ACCESS_TOKEN, META_APP_SECRET
from calltrack.sandbox.platforms.journal import Effect, Journal, Seen
from calltrack.sandbox.platforms.meta_checks import MAX_EVENTS, Fault, check, invalid
from calltrack.sandbox.platforms.twin import Desk, Twin, as_json

PLATFORM: Final = "meta"
SAME_FOR: Final = 48 * 3600
SHOWN: Final = 50
_PROOF: Final = hmac.new(META_APP_SECRET.encode(), META_ACCESS_TOKEN.encode(), hashlib.sha256).hexdigest()
_BY_STATUS: Final = {401: (190, 463), 403: (200, 0), 404: (100, 33), 429: (4, 0), 500: (1, 0), 503: (2, 0)}
_MESSAGES: Final = {
    1: "An unknown error occurred",
    2: "Service temporarily unavailable",
    4: "Application request limit reached",
    100: "Invalid parameter",
    190: "Error validating access token: Session has expired",
    200: "Permissions error",
}


class _Body(msgspec.Struct):
    data: list[Any] = []
    test_event_code: str = ""


def refused(
    status: int, code: int, now: datetime, fault: Fault | None = None, *, message: str = ""
) -> Response:
    """Return an error as the Graph API words it."""
    subcode = fault.subcode if fault is not None else 0
    error: dict[str, object] = {
        "message": message or _MESSAGES.get(code, "Invalid parameter"),
        "type": "OAuthException",
        "code": code,
        "is_transient": code in (1, 2),
        "fbtrace_id": f"A{secrets.token_urlsafe(16)}",
    }
    if subcode:
        error["error_subcode"] = subcode
    if fault is not None and fault.title:
        error |= {"error_user_title": fault.title, "error_user_msg": fault.message}
    headers = {"date": format_datetime(now.astimezone(UTC), usegmt=True)}
    if code in (4, 17, 32, 613) or 80000 <= code <= 80014:
        usage = {"type": "ads_management", "call_count": 100, "total_cputime": 20, "total_time": 20}
        usage_of = {"0": [usage | {"estimated_time_to_regain_access": 1}]}
        headers["x-business-use-case-usage"] = msgspec.json.encode(usage_of).decode()
    return as_json({"error": error}, status, headers)


def take(desk: Desk, dataset: str, body: bytes) -> Response:
    """Answer `POST /{dataset}/events`."""
    now, journal = desk.now(), desk.journal
    denied = refusal_for(dataset, now)
    if denied is not None:
        return denied
    try:
        wanted = msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        wanted = _Body()
    fault = _fault(wanted.data, now)
    with journal.lock:
        journal.counts["meta.requests"] += 1
        if fault is not None:
            journal.counts["meta.refused"] += 1
            seen = Seen(now.timestamp(), PLATFORM, dataset, "", "", None, "", f"refused {fault.subcode}")
            journal.recent.append(seen)
            return refused(400, 100, now, fault)
        _count(journal, dataset, wanted, now.timestamp())
    receipt = {"events_received": len(wanted.data), "messages": [], "fbtrace_id": secrets.token_urlsafe(16)}
    return as_json(receipt)


def stats(desk: Desk, dataset: str, since: int, until: int) -> Response:
    """Answer `GET /{dataset}/stats?aggregation=event`: events received by name, here in one stretch."""
    denied = refusal_for(dataset, desk.now())
    if denied is not None:
        return denied
    counts: Counter[str] = Counter()
    for effect in desk.journal.effects(PLATFORM):
        account, _, name = effect.target.partition("/")
        if account == dataset and since <= effect.first_at < until:
            counts[name] += 1
    less = desk.faults.modes.less
    rows = [{"value": name, "count": less(count)} for name, count in sorted(counts.items())]
    start = datetime.fromtimestamp(since, UTC).isoformat()
    return as_json({"data": [{"aggregation": "event", "start_time": start, "data": rows}]})


def _fault(events: list[Any], now: datetime) -> Fault | None:
    if not events:
        return invalid("data", "is required")
    if len(events) > MAX_EVENTS:
        return invalid("data", f"holds more than {MAX_EVENTS} events")
    fault = check(events, now)
    if fault is None and any(_click(event).startswith("INVALID") for event in events):
        return invalid("user_data.fbc", "was not made by Meta")
    return fault


def refusal_for(dataset: str, now: datetime) -> Response | None:
    """Return why this caller may not use the dataset or audience; None: it may."""
    word, _, token = request.headers.get("authorization", "").partition(" ")
    token = token if word.lower() == "bearer" else request.args.get("access_token", "")
    if token.startswith("expired"):
        return refused(401, 190, now, Fault(463, "", ""))
    if token != META_ACCESS_TOKEN:
        said = "Invalid OAuth access token - Cannot parse access token"
        return refused(401, 190, now, message=said)
    if not hmac.compare_digest(request.args.get("appsecret_proof", _PROOF).encode(), _PROOF.encode()):
        return refused(400, 100, now, message="Invalid appsecret_proof provided in the API argument")
    if dataset.startswith("404") or not (dataset.isascii() and dataset.isdigit()):
        said = f"Unsupported post request. Object with ID '{dataset}' does not exist"
        return refused(400, 100, now, Fault(33, "", ""), message=said)
    return refused(403, 200, now) if dataset.startswith("403") else None


def _count(journal: Journal, dataset: str, wanted: _Body, at: float) -> None:
    changed: list[Effect] = []
    first_shown = len(wanted.data) - SHOWN
    for place, event in enumerate(wanted.data):
        target, click = f"{dataset}/{event['event_name']}", _click(event)
        custom = event.get("custom_data") or {}
        value, currency = custom.get("value"), str(custom.get("currency", "")).upper()
        id_ = event.get("event_id") or secrets.token_hex(8)
        if wanted.test_event_code:
            outcome = "test"
        else:
            effect = _effect(journal, target, id_, event, at)
            outcome = journal.apply(effect)
            changed.append(journal.known(PLATFORM, target, effect.id) or effect)
        journal.counts[f"meta.{outcome}"] += 1
        if place >= first_shown:
            journal.recent.append(Seen(at, PLATFORM, target, id_, click, value, currency, outcome))
    journal.write(changed)


def _effect(journal: Journal, target: str, id_: str, event: dict[str, Any], at: float) -> Effect:
    """Return the event as an effect: within 48 hours the known one again, with nothing in it changed."""
    turn, id_now = 1, id_
    known = journal.known(PLATFORM, target, id_now)
    while known is not None and at - known.first_at >= SAME_FOR:
        turn, id_now = turn + 1, f"{id_}#{turn + 1}"
        known = journal.known(PLATFORM, target, id_now)
    custom = event.get("custom_data") or {}
    person = event["user_data"]
    return Effect(
        platform=PLATFORM,
        target=target,
        id=id_now,
        click=_click(event),
        occurred_at=datetime.fromtimestamp(event["event_time"], UTC).isoformat(),
        first_at=at,
        changed_at=at,
        currency="" if known else str(custom.get("currency", "")).upper(),
        values=(None if known else custom.get("value"),),
        has_contacts=bool({"em", "ph"} & person.keys()),
    )


def _click(event: dict[str, Any]) -> str:
    """Return the fbclid within the event's `fbc`, if it has one."""
    parts = str(event["user_data"].get("fbc", "")).split(".")
    return parts[3] if len(parts) > 3 else ""


def worded(desk: Desk, status: int, reason: str) -> Response:
    """Word an error of a fault script as the Graph API does."""
    code, _, subcode = reason.partition("/")
    if not code.isdigit():
        number, under = _BY_STATUS.get(status, (1, 0))
        return refused(status, number, desk.now(), Fault(under, "", "") if under else None)
    under = int(subcode) if subcode.isdigit() else 0
    fault = Fault(under, "", "The fault script says so.") if under else None
    return refused(401 if code == "190" else status, int(code), desk.now(), fault)


def _add(pages: Blueprint, desk: Desk) -> None:
    def refuse(status: int, reason: str) -> Response:
        return worded(desk, status, reason)

    @pages.post("/meta/<version>/<dataset>/events")
    def events(version: str, dataset: str) -> Response:
        """Take events."""
        return desk.answer("meta", lambda: take(desk, dataset, request.get_data()), refuse)

    @pages.get("/meta/<version>/<dataset>/stats")
    def counted(version: str, dataset: str) -> Response:
        """Tell how many events came."""
        since = request.args.get("start_time", default=0, type=int)
        until = request.args.get("end_time", default=2**31, type=int)
        return desk.answer("meta_stats", lambda: stats(desk, dataset, since, until), refuse)

    # Here, as insights take their words for refusals from this file.
    from calltrack.sandbox.platforms import meta_spend

    @pages.get("/meta/<version>/act_<account>/insights")
    def insights(version: str, account: str) -> Response:
        """Tell what campaigns cost."""
        return desk.answer("meta_insights", lambda: meta_spend.insights(desk, account), refuse)

    @pages.get("/meta/<version>/act_<account>")
    def ad_account(version: str, account: str) -> Response:
        """Tell of an ad account."""
        return desk.answer("meta_insights", lambda: meta_spend.account(desk, account), refuse)


META = Twin(PLATFORM, "Meta", ("meta", "meta_stats", "meta_insights"), _add)
