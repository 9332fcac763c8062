"""The twin of Google's Data Manager API: refuses what Google refuses, then processes in its own time."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Final

import msgspec

from calltrack.sandbox.platforms.data_manager_checks import (
    Event,
    Ingest,
    Target,
    Violation,
    check,
    click_of,
    read,
    timestamp,
)
from calltrack.sandbox.platforms.faults import Modes
from calltrack.sandbox.platforms.journal import Effect, Journal, Part, Receipt, Seen

PLATFORM: Final = "google_data_manager"
OLDEST: Final = timedelta(days=90)
SHOWN: Final = 50
_PREFIX: Final = "PROCESSING_ERROR_REASON_"

Json = dict[str, object]


class Answer(msgspec.Struct):
    """A status and a body."""

    status: int
    body: Json


def error(status: int, reason: str, message: str, violations: list[Violation] | None = None) -> Answer:
    """Return an error as Google words it: google.rpc.Status with ErrorInfo, BadRequest and RequestInfo."""
    names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
    names |= {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
    name = names.get(status, "UNKNOWN")
    kind = "type.googleapis.com/google.rpc."
    details: list[Json] = [
        {"@type": kind + "ErrorInfo", "reason": reason or name, "domain": "datamanager.googleapis.com"},
    ]
    if violations:
        fields = [msgspec.to_builtins(violation) for violation in violations]
        details.append({"@type": kind + "BadRequest", "fieldViolations": fields})
    details.append({"@type": kind + "RequestInfo", "requestId": secrets.token_hex(8)})
    return Answer(status, {"error": {"code": status, "message": message, "status": name, "details": details}})


def ingest(journal: Journal, modes: Modes, body: bytes, now: datetime) -> Answer:
    """Answer `events:ingest`: all or nothing at once, the rest by and by."""
    request = read(body)
    violations = [request] if isinstance(request, Violation) else check(request, now)
    if isinstance(request, Violation) or violations:
        _count_refused(journal, violations, now)
        return error(400, "INVALID_ARGUMENT", "There was a problem with the request.", violations)
    accounts = {
        target.operatingAccount.accountId for target in request.destinations if target.operatingAccount
    }
    if any(account.startswith("403") for account in accounts):
        return error(403, "PERMISSION_DENIED", "The caller does not have permission.")
    if request.validateOnly:
        return Answer(200, {})
    receipt = _process(journal, modes, request, now)
    return Answer(200, {"requestId": receipt.id})


def status(journal: Journal, modes: Modes, request_id: str, now: datetime) -> Answer:
    """Answer `requestStatus:retrieve`."""
    receipt = journal.receipt(request_id)
    if receipt is None:
        violation = Violation("request_id", "No such request.", "INVALID_REQUEST_ID")
        return error(400, "INVALID_ARGUMENT", "There was a problem with the request.", [violation])
    done = now.timestamp() >= receipt.at + modes.processing_seconds
    parts = [_part_status(part, done, modes) for part in receipt.parts]
    return Answer(200, {"requestStatusPerDestination": parts})


def _part_status(part: Part, done: bool, modes: Modes) -> Json:
    records = str(modes.less(part.count))
    said: Json = {"destination": part.destination, "eventsIngestionStatus": {"recordCount": records}}
    failed = {index for indices in part.errors.values() for index in indices}
    if not done:
        return {**said, "requestStatus": "PROCESSING"}
    if not failed:
        return {**said, "requestStatus": "SUCCESS"}
    counts: list[Json] = [
        {"reason": reason, "recordCount": str(len(indices))}
        | ({} if modes.counts_only else {"recordIndices": indices})
        for reason, indices in part.errors.items()
    ]
    state = "FAILED" if len(failed) == part.count else "PARTIAL_SUCCESS"
    return {**said, "requestStatus": state, "errorInfo": {"errorCounts": counts}}


def _process(journal: Journal, modes: Modes, request: Ingest, now: datetime) -> Receipt:
    at, oldest = now.timestamp(), now - OLDEST
    names = [_target_name(target) for target in request.destinations]
    places = {target.reference: place for place, target in enumerate(request.destinations)}
    everywhere = list(range(len(names)))
    parts = [Part(msgspec.Raw(msgspec.json.encode(target)), 0, {}) for target in request.destinations]
    changed: list[Effect | Receipt] = []
    with journal.lock:
        counts, first_shown = journal.counts, len(request.events) - SHOWN
        counts["google_data_manager.requests"] += 1
        counts["google_data_manager.events"] += len(request.events)
        for index, event in enumerate(request.events):
            reason = _rejection(event, request, modes, oldest)
            to = [places[name] for name in event.destinationReferences] or everywhere
            for place in to:
                parts[place].count += 1
                outcome = reason
                if not outcome:
                    effect = _effect(event, names[place], at, index)
                    outcome = journal.apply(effect)
                    changed.append(journal.known(PLATFORM, effect.target, effect.id) or effect)
                    if outcome == "repeated" and modes.report_duplicates:
                        parts[place].errors.setdefault(_PREFIX + "DUPLICATE_TRANSACTION_ID", []).append(index)
                else:
                    parts[place].errors.setdefault(_PREFIX + outcome, []).append(index)
                counts[f"google_data_manager.{outcome}"] += 1
                if index >= first_shown:
                    journal.recent.append(_seen(event, names[place], at, outcome))
        receipt = Receipt(f"sandbox-{secrets.token_hex(12)}", at, parts)
        journal.keep_receipt(receipt)
        journal.write([*changed, receipt])
    return receipt


def _rejection(event: Event, request: Ingest, modes: Modes, oldest: datetime) -> str:
    """Return why Google would not count the event, or nothing."""
    ids = event.adIdentifiers
    if ids is not None:
        if ids.gclid.startswith("INVALID"):
            return "INVALID_GCLID"
        if ids.gbraid.startswith("INVALID"):
            return "INVALID_GBRAID"
        if ids.wbraid.startswith("INVALID"):
            return "INVALID_WBRAID"
        if ids.gclid.startswith("OTHERACCOUNT"):
            return "INVALID_OPERATING_ACCOUNT_FOR_CLICK"
        if modes.too_recent_click and (ids.gclid or ids.gbraid or ids.wbraid):
            return "TOO_RECENT_CLICK"
    consent = event.consent or request.consent
    if consent is not None and consent.adUserData == "CONSENT_DENIED":
        return "DENIED_CONSENT"
    happened = timestamp(event.eventTimestamp)
    if happened is not None and happened < oldest:
        return "EVENT_TOO_OLD"
    return ""


def _effect(event: Event, target: str, at: float, index: int) -> Effect:
    # Without a transaction id Google knows a conversion by its click and time.
    click = click_of(event)
    id_ = event.transactionId or (f"{click}@{event.eventTimestamp}" if click else f"{at}-{index}")
    return Effect(
        platform=PLATFORM,
        target=target,
        id=id_,
        click=click,
        occurred_at=event.eventTimestamp,
        first_at=at,
        changed_at=at,
        currency=event.currency,
        values=(event.conversionValue,),
        has_contacts=event.userData is not None,
    )


def _seen(event: Event, target: str, at: float, outcome: str) -> Seen:
    return Seen(
        at,
        PLATFORM,
        target,
        event.transactionId,
        click_of(event),
        event.conversionValue,
        event.currency,
        outcome,
    )


def _target_name(target: Target) -> str:
    account = target.operatingAccount.accountId if target.operatingAccount is not None else ""
    return f"{account}/{target.productDestinationId}"


_PLACE: Final = re.compile(r"\[\d+\]")


def _count_refused(journal: Journal, violations: list[Violation], now: datetime) -> None:
    with journal.lock:
        journal.counts["google_data_manager.requests"] += 1
        journal.counts["google_data_manager.refused"] += 1
        first = violations[0]
        where = _PLACE.sub("[]", first.field) or "request"
        journal.recent.append(
            Seen(now.timestamp(), PLATFORM, where, "", "", None, "", f"refused {first.reason}")
        )
