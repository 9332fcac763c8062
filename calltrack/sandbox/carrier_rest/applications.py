"""Applications: one set of hooks that many numbers share."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, request

from calltrack.sandbox.carrier_rest.answers import as_json, missing, page
from calltrack.sandbox.carrier_rest.desk import Desk
from calltrack.sandbox.carrier_rest.forms import posted, refuse_lone_fallbacks
from calltrack.sandbox.carrier_rest.records import Record, new_sid, rfc_2822, shown

FIELDS = {
    "FriendlyName": "friendly_name",
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
    "SmsUrl": "sms_url",
    "SmsMethod": "sms_method",
    "SmsFallbackUrl": "sms_fallback_url",
    "SmsFallbackMethod": "sms_fallback_method",
    "SmsStatusCallback": "sms_status_callback",
    "MessageStatusCallback": "message_status_callback",
}
LIST = "/2010-04-01/Accounts/<account>/Applications.json"
ONE = "/2010-04-01/Accounts/<account>/Applications/<sid>.json"
KIND = "application"


def add(pages: Blueprint, desk: Desk) -> None:
    """Add the applications to the twin."""

    @pages.get(LIST)
    @desk.answers("applications")
    def listed(account: str) -> Response:
        """List the account's applications."""
        name = request.args.get("FriendlyName", "")
        rows = [
            row
            for row in desk.records.all(KIND)
            if row["account_sid"] == account and (not name or row["friendly_name"] == name)
        ]
        return page("applications", rows, f"/2010-04-01/Accounts/{account}/Applications.json")

    @pages.post(LIST)
    @desk.answers("applications")
    def made(account: str) -> Response:
        """Make an application; two may have the same name."""
        record = {**_empty(account), **posted(FIELDS)}
        refuse_lone_fallbacks(record)
        return as_json(shown(desk.records.put(KIND, record["sid"], record)), 201)

    @pages.get(ONE)
    @desk.answers("applications")
    def fetched(account: str, sid: str) -> Response:
        """Show one application."""
        return as_json(shown(_own(desk, account, sid)))

    @pages.post(ONE)
    @desk.answers("applications")
    def changed(account: str, sid: str) -> Response:
        """Change an application, and so every number that uses it."""
        with desk.records.lock:
            record = {**_own(desk, account, sid), **posted(FIELDS)}
            refuse_lone_fallbacks(record)
            record["date_updated"] = rfc_2822(datetime.now(UTC))
            return as_json(shown(desk.records.put(KIND, sid, record)))

    @pages.delete(ONE)
    @desk.answers("applications")
    def removed(account: str, sid: str) -> Response:
        """Remove an application."""
        _own(desk, account, sid)
        desk.records.drop(KIND, sid)
        return Response(status=204)


def _own(desk: Desk, account: str, sid: str) -> Record:
    record = desk.records.get(KIND, sid)
    if record is None or record["account_sid"] != account:
        raise missing(f"/2010-04-01/Accounts/{account}/Applications/{sid}.json")
    return record


def _empty(account: str) -> Record:
    sid, now = new_sid("AP"), rfc_2822(datetime.now(UTC))
    texts = {name: "POST" if name.endswith("_method") else "" for name in FIELDS.values()}
    return {
        **texts,
        "account_sid": account,
        "api_version": "2010-04-01",
        "date_created": now,
        "date_updated": now,
        "public_application_connect_enabled": False,
        "sid": sid,
        "uri": f"/2010-04-01/Accounts/{account}/Applications/{sid}.json",
        "voice_caller_id_lookup": False,
    }
