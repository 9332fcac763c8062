"""The twin of Microsoft Advertising's REST API: rows judged one by one; click, time and goal count once.

Magic inputs: a click id that begins with INVALID is refused; one that begins with OTHERACCOUNT is taken and
never attributed, as Microsoft does with another account's click; the goal "New goal" is too new; accounts
that begin with 403 are closed to the user. A change whose original is not known is taken and does nothing.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from calltrack.destinations.microsoft_reasons import CODES
from calltrack.sandbox.platforms import oauth
from calltrack.sandbox.platforms.accounts import (
    CLIENT_ID,
    CLIENT_SECRET,
    MICROSOFT_CUSTOMER_ID,
    MICROSOFT_DEVELOPER_TOKEN,
    MICROSOFT_REFRESH_TOKEN,
)
from calltrack.sandbox.platforms.journal import Effect, Journal, Seen
from calltrack.sandbox.platforms.microsoft_checks import (
    ADJUSTMENT,
    CONVERSION,
    MAX_ROWS,
    Fault,
    check_adjustment,
    check_conversion,
    key_of,
)
from calltrack.sandbox.platforms.twin import Desk, Twin, as_json

PLATFORM: Final = "microsoft"
SHOWN: Final = 50
_KEY: Final = b"calltrack-sandbox-microsoft-refresh"
_BY_STATUS: Final = {401: 109, 403: 106, 429: 117}


def fault(status: int, code: int, name: str = "", message: str = "") -> Response:
    """Return a fault for a whole request: about access (AdApiFaultDetail) or the call (ApiFaultDetail)."""
    name = name or CODES.get(code, "UnknownError")
    said = {"Code": code, "ErrorCode": name, "Message": message or name, "Details": None}
    tracking = {"TrackingId": secrets.token_hex(16)}
    if code < 200 or code == 207:
        error = {key: said[key] for key in ("Code", "ErrorCode", "Message")} | {"Detail": None}
        return as_json(tracking | {"Errors": [error], "Type": "AdApiFaultDetail"}, status)
    return as_json(
        tracking | {"BatchErrors": [], "OperationErrors": [said], "Type": "ApiFaultDetail"}, status
    )


def apply(desk: Desk, body: bytes) -> Response:
    """Answer `OfflineConversions/Apply`."""
    return _rows(desk, body, "OfflineConversions", CONVERSION, check_conversion, _count)


def adjust(desk: Desk, body: bytes) -> Response:
    """Answer `OfflineConversionAdjustments/Apply`."""
    return _rows(desk, body, "OfflineConversionAdjustments", ADJUSTMENT, check_adjustment, _change)


def report(desk: Desk, body: bytes) -> Response:
    """Answer `OfflineConversionReports/Query`: what was stored and refused, here in one day."""
    denied = refusal_for(desk.now())
    if denied is not None:
        return denied
    asked = _decode(body)
    if not isinstance(asked, dict) or not {"StartDateUtc", "EndDateUtc"} <= asked.keys():
        return fault(400, 201)
    journal = desk.journal
    with journal.lock:
        good, bad = journal.counts["microsoft.rows_stored"], journal.counts["microsoft.rows_refused"]
    good = desk.faults.modes.less(good)
    day = {"SuccessCount": good, "FailureCount": bad, "UploadDate": asked["EndDateUtc"], "FileUrl": None}
    return as_json({"DailySummaries": [day]})


def grant(form: dict[str, str], now: datetime) -> tuple[int, dict[str, object]]:
    """Answer Entra's refresh-token grant: a new refresh token every time, the older ones stay good."""
    if form.get("grant_type") != "refresh_token" or "msads.manage" not in form.get("scope", ""):
        return 400, {"error": "invalid_request"}
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        return 401, {"error": "invalid_client"}
    if not _is_ours(form.get("refresh_token", "")):
        return 400, {"error": "invalid_grant", "error_description": "AADSTS70008: The token has expired."}
    head = secrets.token_urlsafe(9)
    return 200, {
        "access_token": oauth.issue(now),
        "refresh_token": f"{MICROSOFT_REFRESH_TOKEN}.{head}.{_sign(head)}",
        "expires_in": oauth.LIFETIME,
        "scope": "https://ads.microsoft.com/msads.manage",
        "token_type": "Bearer",
    }


Check = Callable[[Any, datetime], Fault | None]
Keep = Callable[[Journal, str, dict[str, Any], float], tuple[str, Effect | None]]


def _rows(desk: Desk, body: bytes, name: str, fields: frozenset[str], check: Check, keep: Keep) -> Response:
    now, journal = desk.now(), desk.journal
    denied = refusal_for(now)
    if denied is not None:
        return denied
    wanted = _decode(body)
    rows = wanted.get(name) if isinstance(wanted, dict) else None
    if not isinstance(rows, list) or not rows:
        return fault(400, 5600)
    if len(rows) > MAX_ROWS:
        return fault(400, 5601)
    if any(isinstance(row, dict) and row.keys() - fields for row in rows):
        return fault(400, 201)
    account, errors = request.headers.get("CustomerAccountId", ""), []
    changed: list[Effect] = []
    with journal.lock:
        journal.counts["microsoft.requests"] += 1
        for index, row in enumerate(rows):
            found = check(row, now)
            if found is not None:
                errors.append(_error(index, found))
                outcome, effect = f"refused {found[0]}", None
                journal.counts["microsoft.rows_refused"] += 1
            else:
                journal.counts["microsoft.rows_stored"] += 1
                outcome, effect = keep(journal, account, row, now.timestamp())
                journal.counts[f"microsoft.{outcome}"] += 1
            if effect is not None:
                changed.append(effect)
            if index >= len(rows) - SHOWN:
                journal.recent.append(_seen(account, row, now.timestamp(), outcome))
        journal.counts["microsoft.refused"] += bool(errors)
        journal.write(changed)
    return as_json({"PartialErrors": errors})


def _count(journal: Journal, account: str, row: dict[str, Any], at: float) -> tuple[str, Effect | None]:
    """Store a conversion: the first of its key; the same again changes nothing."""
    click = str(row.get("MicrosoftClickId") or "")
    if click.startswith("OTHERACCOUNT"):
        return "unattributed", None
    target, id_ = f"{account}/{row['ConversionName']}", key_of(row)
    known = journal.known(PLATFORM, target, id_)
    effect = Effect(
        platform=PLATFORM,
        target=target,
        id=id_,
        click=click,
        occurred_at=row["ConversionTime"],
        first_at=at,
        changed_at=at,
        currency="" if known else str(row.get("ConversionCurrencyCode") or ""),
        values=(None if known else row.get("ConversionValue"),),
        has_contacts=bool(row.get("HashedEmailAddress") or row.get("HashedPhoneNumber")),
    )
    outcome = journal.apply(effect)
    return outcome, known or effect


def _change(journal: Journal, account: str, row: dict[str, Any], at: float) -> tuple[str, Effect | None]:
    """Store a change: of a conversion that is known and was not taken back; else it does nothing."""
    target, id_ = f"{account}/{row['ConversionName']}", key_of(row)
    known = journal.known(PLATFORM, target, id_)
    if known is None:
        return "unattributed", None
    if row["AdjustmentType"] == "Retract":
        return journal.retract(PLATFORM, target, id_, at) or "unattributed", known
    if known.retracted:
        known.received += 1
        return "repeated", known
    change = msgspec.structs.replace(
        known, changed_at=at, values=(row["AdjustmentValue"],), currency=row.get("AdjustmentCurrencyCode", "")
    )
    return journal.apply(change), known


def _seen(account: str, row: Any, at: float, outcome: str) -> Seen:
    row = row if isinstance(row, dict) else {}
    value = row.get("AdjustmentValue", row.get("ConversionValue"))
    currency = row.get("AdjustmentCurrencyCode", row.get("ConversionCurrencyCode", ""))
    return Seen(
        at,
        PLATFORM,
        f"{account}/{row.get('ConversionName', '')}",
        str(row.get("ConversionTime", "")),
        str(row.get("MicrosoftClickId") or ""),
        value if isinstance(value, int | float) else None,
        str(currency),
        outcome,
    )


def _error(index: int, found: Fault) -> dict[str, object]:
    code, name, message = found
    return {
        "Code": code,
        "Details": None,
        "ErrorCode": name,
        "FieldPath": None,
        "Index": index,
        "Message": message,
        "Type": "BatchError",
    }


def refusal_for(now: datetime) -> Response | None:
    """Return why this caller is refused; None: it is not."""
    if request.headers.get("DeveloperToken") != MICROSOFT_DEVELOPER_TOKEN:
        return fault(401, 105)
    if not oauth.is_valid(request.headers.get("authorization", ""), now):
        return fault(401, 109)
    account = request.headers.get("CustomerAccountId", "")
    if not account or request.headers.get("CustomerId") != MICROSOFT_CUSTOMER_ID:
        return fault(400, 116)
    return fault(403, 106) if account.startswith("403") else None


def _decode(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _is_ours(token: str) -> bool:
    if token == MICROSOFT_REFRESH_TOKEN:
        return True
    name, _, rest = token.partition(".")
    head, _, signature = rest.rpartition(".")
    return name == MICROSOFT_REFRESH_TOKEN and hmac.compare_digest(signature, _sign(head))


def _sign(head: str) -> str:
    return hmac.new(_KEY, head.encode(), hashlib.sha256).hexdigest()[:24]


def refuse(status: int, reason: str) -> Response:
    """Word an error of a fault script as Microsoft does."""
    if reason.isdigit():
        return fault(401 if reason in ("105", "109") else status, int(reason))
    return fault(status, _BY_STATUS.get(status, 0))


def _refuse_token(status: int, reason: str) -> Response:
    return as_json({"error": reason or "temporarily_unavailable"}, status)


def _add(pages: Blueprint, desk: Desk) -> None:
    @pages.post("/microsoft/CampaignManagement/v13/OfflineConversions/Apply")
    def microsoft_apply() -> Response:
        """Take conversions."""
        return desk.answer("microsoft", lambda: apply(desk, request.get_data()), refuse)

    @pages.post("/microsoft/CampaignManagement/v13/OfflineConversionAdjustments/Apply")
    def microsoft_adjust() -> Response:
        """Take changes."""
        return desk.answer("microsoft", lambda: adjust(desk, request.get_data()), refuse)

    @pages.post("/microsoft/CampaignManagement/v13/OfflineConversionReports/Query")
    def microsoft_report() -> Response:
        """Tell what was uploaded."""
        return desk.answer("microsoft_report", lambda: report(desk, request.get_data()), refuse)

    @pages.post("/microsoft/token")
    def microsoft_token() -> Response:
        """Trade a refresh token."""

        def trade() -> Response:
            status, body = grant(request.form.to_dict(), desk.now())
            return as_json(body, status)

        return desk.answer("microsoft_oauth", trade, _refuse_token)

    # Here, as reports take their words for refusals from this file.
    from calltrack.sandbox.platforms import microsoft_spend

    microsoft_spend.add(pages, desk)


MICROSOFT = Twin(
    PLATFORM,
    "Microsoft Advertising",
    ("microsoft", "microsoft_report", "microsoft_reporting", "microsoft_oauth"),
    _add,
)
