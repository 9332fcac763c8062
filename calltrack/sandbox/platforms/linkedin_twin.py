"""The twin of LinkedIn's Conversions API: all or nothing, each bad element named by its index."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from calltrack.sandbox.platforms import oauth
from calltrack.sandbox.platforms.accounts import (
    CLIENT_ID,
    CLIENT_SECRET,
    LINKEDIN_ACCESS_TOKEN,
    LINKEDIN_LEAD_RULE_ID,
    LINKEDIN_PURCHASE_RULE_ID,
    LINKEDIN_REFRESH_TOKEN,
)
from calltrack.sandbox.platforms.counting import count_first, count_request
from calltrack.sandbox.platforms.journal import Effect, Journal
from calltrack.sandbox.platforms.twin import Desk, Twin, as_json

PLATFORM: Final = "linkedin"
MAX_ELEMENTS: Final = 5000
WINDOW: Final = timedelta(days=90)
OLDEST_VERSION: Final = "202512"
RULE: Final = "urn:lla:llaPartnerConversion:"
RULES: Final = {LINKEDIN_LEAD_RULE_ID: "Lead by phone", LINKEDIN_PURCHASE_RULE_ID: "Purchase by phone"}
ID_TYPES: Final = frozenset(
    ("SHA256_EMAIL", "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", "ACXIOM_ID", "ORACLE_MOAT_ID")
)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
# Nobody is found by the hash of nothing.
_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_AMOUNT: Final = re.compile(r"\d{1,18}(\.\d{1,6})?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_NEEDED: Final = "field is required but not found and has no default value"

Answer = tuple[int, dict[str, Any]]


def batch_create(journal: Journal, headers: dict[str, str], body: bytes, now: datetime) -> Answer:
    """Answer BATCH_CREATE of conversionEvents."""
    status, said, elements = _judge(headers, body, now)
    count_request(journal, PLATFORM, "", "" if status == 200 else str(status), now.timestamp())
    for element in elements:
        _count(journal, element, now)
    return status, said


def _judge(headers: dict[str, str], body: bytes, now: datetime) -> tuple[int, dict[str, Any], list[Any]]:
    bearer = headers.get("authorization", "")
    if bearer != f"Bearer {LINKEDIN_ACCESS_TOKEN}" and not oauth.is_valid(bearer, now):
        said = {"serviceErrorCode": 65600, "code": "INVALID_ACCESS_TOKEN", "message": "Invalid access token"}
        return 401, {"status": 401, **said}, []
    version = headers.get("linkedin-version", "")
    if version < OLDEST_VERSION:
        words = f"Requested version {version} is not active"
        return 426, {"status": 426, "code": "NONEXISTENT_VERSION", "message": words}, []
    method = (headers.get("x-restli-method"), headers.get("x-restli-protocol-version"))
    if method != ("BATCH_CREATE", "2.0.0"):
        return 400, {"status": 400, "message": "Unsupported Rest.li method or protocol version"}, []
    try:
        elements = msgspec.json.decode(body, type=dict[str, list[dict[str, Any]]])["elements"]
    except (msgspec.MsgspecError, KeyError):
        return 400, {"status": 400, "message": "Cannot parse the request"}, []
    if not 1 <= len(elements) <= MAX_ELEMENTS:
        return 413, {"status": 413, "message": f"Batch size must be between 1 and {MAX_ELEMENTS}"}, []
    foreign = [n for n, one in enumerate(elements) if str(one.get("conversion", "")).startswith("urn:li:")]
    if foreign:
        words = "Incorrect conversions information provided. Conversion's method should be CONVERSIONS_API"
        return 400, {"status": 400, "message": f"{words}, indices {foreign} (0-indexed)"}, []
    faults = {n: found for n, one in enumerate(elements) if (found := check(one, now))}
    if faults:
        lines = [
            f"Index: {n}, " + "\n".join(f"ERROR :: {fault}" for fault in found) + "\n"
            for n, found in faults.items()
        ]
        return 422, {"status": 422, "message": "".join(lines)}, []
    return 200, {"elements": [{"status": 201} for _ in elements]}, elements


def check(element: dict[str, Any], now: datetime) -> list[str]:
    """Return all that is wrong with an element, as LinkedIn writes it."""
    user, happened = element.get("user"), element.get("conversionHappenedAt")
    value = element.get("conversionValue")
    found = []
    if str(element.get("conversion", "")).removeprefix(RULE) not in RULES:
        found.append("/conversion :: no such conversion rule in this ad account")
    if not isinstance(happened, int) or isinstance(happened, bool):
        found.append(f"/conversionHappenedAt :: {_NEEDED}")
    elif not now - WINDOW <= datetime.fromtimestamp(happened / 1000, UTC) <= now + timedelta(minutes=10):
        found.append("/conversionHappenedAt :: must lie within the past 90 days")
    if value is not None:
        found += [f"/conversionValue/{name} :: {words}" for name, words in _money(value)]
    found += _user(user) if isinstance(user, dict) else [f"/user :: {_NEEDED}"]
    return found


def _money(value: Any) -> list[tuple[str, str]]:
    given = value if isinstance(value, dict) else {}
    rules = (("amount", _AMOUNT), ("currencyCode", _CURRENCY))
    missing = [(name, _NEEDED) for name, _ in rules if name not in given]
    wrong = [
        (name, "is not valid")
        for name, form in rules
        if name in given and not (isinstance(given[name], str) and form.fullmatch(given[name]))
    ]
    return missing + wrong


def _user(user: dict[str, Any]) -> list[str]:
    ids, info = user.get("userIds"), user.get("userInfo")
    found = []
    if not isinstance(ids, list) or (not ids and not info):
        found.append(f"/user/userIds :: {_NEEDED}")
    for place, one in enumerate(ids if isinstance(ids, list) else []):
        type_, value = one.get("idType"), str(one.get("idValue", ""))
        if type_ not in ID_TYPES:
            found.append(f"/user/userIds/{place}/idType :: is not an enum symbol")
        if (
            not value.strip()
            or value.startswith("INVALID")
            or (type_ == "SHA256_EMAIL" and (not _SHA256.fullmatch(value) or value == _EMPTY))
        ):
            found.append(f"/user/userIds/{place}/idValue :: is not valid")
    if info is not None:
        needed = [name for name in ("firstName", "lastName") if not str(info.get(name) or "").strip()]
        found += [f"/user/userInfo/{name} :: {_NEEDED}" for name in needed]
        if "countryCode" in info and not re.fullmatch(r"[A-Z]{2}", str(info["countryCode"])):
            found.append("/user/userInfo/countryCode :: is not valid")
    return found


def _count(journal: Journal, element: dict[str, Any], now: datetime) -> None:
    at, value = now.timestamp(), element.get("conversionValue") or {}
    ids = {one["idType"]: one["idValue"] for one in element["user"]["userIds"]}
    happened = datetime.fromtimestamp(element["conversionHappenedAt"] / 1000, UTC).isoformat()
    rule = element["conversion"].removeprefix(RULE)
    effect = Effect(
        platform=PLATFORM, target=f"linkedin/{rule}", id=element.get("eventId") or f"{at}-{id(element)}",
        click=ids.get("LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", ""), occurred_at=happened, first_at=at,
        changed_at=at, currency=value.get("currencyCode", ""),
        values=(float(value["amount"]) if value else None,), has_contacts="SHA256_EMAIL" in ids,
    )  # fmt: skip
    count_first(journal, effect)


def _add(pages: Blueprint, desk: Desk) -> None:
    @pages.post("/linkedin/rest/conversionEvents")
    def linkedin_events() -> Response:
        """Take conversion events."""

        def take() -> Response:
            headers = {name.lower(): value for name, value in request.headers.items()}
            status, said = batch_create(desk.journal, headers, request.get_data(), desk.now())
            return as_json(said, status)

        return desk.answer("linkedin", take, _refusal)

    @pages.post("/linkedin/oauth/v2/accessToken")
    def linkedin_token() -> Response:
        """Trade the refresh token for an access token; LinkedIn gives the refresh token back with it."""

        def trade() -> Response:
            form = request.form.to_dict()
            if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
                return as_json({"error": "invalid_client"}, 401)
            wanted = ("refresh_token", LINKEDIN_REFRESH_TOKEN)
            if (form.get("grant_type"), form.get("refresh_token")) != wanted:
                return as_json({"error": "invalid_grant"}, 400)
            granted = {"access_token": oauth.issue(desk.now()), "expires_in": oauth.LIFETIME}
            return as_json(granted | {"refresh_token": LINKEDIN_REFRESH_TOKEN})

        return desk.answer("linkedin_oauth", trade, lambda status, why: as_json({"error": why}, status))


def _refusal(status: int, reason: str) -> Response:
    code = {401: 65601}.get(status, 0)
    said = {
        "status": status,
        "serviceErrorCode": code,
        "code": reason,
        "message": "The fault script says so.",
    }
    return as_json(said, status)


LINKEDIN = Twin(PLATFORM, "LinkedIn Ads", ("linkedin", "linkedin_oauth"), _add, RULES)
