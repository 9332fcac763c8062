"""IncomingPhoneNumbers: the account's own numbers, bought, changed and given back."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from flask import Blueprint, Response, request

from calltrack.sandbox.carrier.script import SimulatedNumber
from calltrack.sandbox.carrier_rest.answers import Refusal, as_json, missing, page
from calltrack.sandbox.carrier_rest.desk import Desk
from calltrack.sandbox.carrier_rest.forms import posted, refuse_lone_fallbacks
from calltrack.sandbox.carrier_rest.records import Record, new_sid, rfc_2822, shown
from calltrack.sandbox.carrier_rest.stock import Area, area_of, rule

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
    "VoiceApplicationSid": "voice_application_sid",
    "SmsApplicationSid": "sms_application_sid",
    "AddressSid": "address_sid",
    "BundleSid": "bundle_sid",
    "TrunkSid": "trunk_sid",
}
LIST = "/2010-04-01/Accounts/<account>/IncomingPhoneNumbers.json"
ONE = "/2010-04-01/Accounts/<account>/IncomingPhoneNumbers/<sid>.json"
KIND = "number"
GONE = "released"
APPROVED = ("twilio-approved", "provisionally-approved")


def add(pages: Blueprint, desk: Desk) -> None:
    """Add the account's numbers to the twin."""

    @pages.get(LIST)
    @desk.answers("numbers")
    def listed(account: str) -> Response:
        """List the account's numbers; `PhoneNumber` may be a part of the number, a star any digit."""
        wanted, name = request.args.get("PhoneNumber", ""), request.args.get("FriendlyName", "")
        rows = [
            row
            for row in owned_by(desk, account)
            if _matches(row["phone_number"], wanted) and (not name or row["friendly_name"] == name)
        ]
        return page(
            "incoming_phone_numbers", rows, f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json"
        )

    @pages.post(LIST)
    @desk.answers("numbers")
    def bought(account: str) -> Response:
        """Sell a number: to the first who asks, once everything the law wants is there."""
        given = posted(FIELDS)
        e164 = request.form.get("PhoneNumber", "")
        with desk.records.lock:
            area = _for_sale(desk, account, e164)
            _refuse_unlawful(desk, account, area, given)
            record = _new_number(account, e164, area)
            _set(desk, account, record, given)
            desk.records.drop(GONE, e164)
            return as_json(shown(desk.records.put(KIND, record["sid"], record)), 201)

    @pages.get(ONE)
    @desk.answers("numbers")
    def fetched(account: str, sid: str) -> Response:
        """Show one number."""
        return as_json(shown(_own(desk, account, sid)))

    @pages.post(ONE)
    @desk.answers("numbers")
    def changed(account: str, sid: str) -> Response:
        """Change hooks or name; everything or nothing."""
        with desk.records.lock:
            record = _own(desk, account, sid)
            given = posted(FIELDS)
            area = area_of(record["phone_number"])
            if area is not None and ({"address_sid", "bundle_sid"} & set(given)):
                _refuse_unlawful(desk, account, area, {**record, **given})
            _set(desk, account, record, given)
            record["date_updated"] = rfc_2822(datetime.now(UTC))
            record["_adopted"] = False
            return as_json(shown(desk.records.put(KIND, sid, record)))

    @pages.delete(ONE)
    @desk.answers("numbers")
    def released(account: str, sid: str) -> Response:
        """Take a number back: at once and for good."""
        with desk.records.lock:
            record = _own(desk, account, sid)
            desk.records.drop(KIND, sid)
            desk.records.put(GONE, record["phone_number"], {"sid": sid})
            return Response(status=204)


def owned_by(desk: Desk, account: str) -> list[Record]:
    """Return the account's numbers, those it had before the twin sold any included."""
    _adopt(desk)
    return [row for row in desk.records.all(KIND) if row["account_sid"] == account]


def ringing(desk: Desk) -> list[SimulatedNumber]:
    """Return every number that can be dialled, with the hooks that count."""
    _adopt(desk)
    labels = {number.e164: number.label for number in desk.directory()}
    found = []
    for row in desk.records.all(KIND):
        hooks = hooks_of(desk, row)
        if row["trunk_sid"] or not hooks["voice_url"]:
            continue
        found.append(
            SimulatedNumber(
                e164=row["phone_number"],
                voice_url=hooks["voice_url"],
                voice_fallback_url=hooks["voice_fallback_url"] or None,
                status_callback=hooks["status_callback"] or None,
                account_sid=row["account_sid"],
                voice_method="GET" if hooks["voice_method"] == "GET" else "POST",
                label=labels.get(row["phone_number"]) or row["friendly_name"],
            )
        )
    return sorted(found, key=lambda number: (number.label, number.e164))


def hooks_of(desk: Desk, row: Record) -> Record:
    """Return the record whose voice addresses count: the application's, where there is one."""
    application = desk.records.get("application", row["voice_application_sid"] or "")
    return application or row


def _adopt(desk: Desk) -> None:
    """Take in the numbers of the directory, and follow it until somebody changes them here."""
    with desk.records.lock:
        known = {row["phone_number"]: row for row in desk.records.all(KIND)}
        directory = {number.e164: number for number in desk.directory()}
        for e164, row in known.items():
            if row.get("_adopted") and e164 not in directory:
                desk.records.drop(KIND, row["sid"])
        for e164, number in directory.items():
            if e164 in known:
                _follow(desk, known[e164], number)
            elif desk.records.get(GONE, e164) is None:
                fresh = _new_number(number.account_sid, e164, area_of(e164))
                fresh |= {**_hooks(number), "friendly_name": number.label or e164, "_adopted": True}
                desk.records.put(KIND, fresh["sid"], fresh)


def _follow(desk: Desk, row: Record, number: SimulatedNumber) -> None:
    hooks = _hooks(number)
    if row.get("_adopted") and any(row[name] != value for name, value in hooks.items()):
        desk.records.put(KIND, row["sid"], {**row, **hooks})


def _hooks(number: SimulatedNumber) -> dict[str, str]:
    return {
        "voice_url": number.voice_url,
        "voice_fallback_url": number.voice_fallback_url or "",
        "status_callback": number.status_callback or "",
        "sms_url": number.sms_url or "",
    }


def _own(desk: Desk, account: str, sid: str) -> Record:
    _adopt(desk)
    record = desk.records.get(KIND, sid)
    if record is None or record["account_sid"] != account:
        raise missing(f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json")
    return record


def _matches(e164: str, wanted: str) -> bool:
    if not wanted:
        return True
    pattern = re.escape(wanted.lstrip("+ ")).replace(r"\*", "[0-9]")
    return re.search(pattern, e164) is not None


def _for_sale(desk: Desk, account: str, e164: str) -> Area:
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", e164):
        raise Refusal(400, 21421, f"PhoneNumber is invalid: {e164[:20]}")
    area = area_of(e164)
    if area is None or any(row["phone_number"] == e164 for row in desk.records.all(KIND)):
        raise Refusal(400, 21422, f"PhoneNumber Not Available: {e164}")
    return area


def _refuse_unlawful(desk: Desk, account: str, area: Area, given: Record) -> None:
    """Refuse what the law of the number's country does not allow, as far as the rules of the twin go."""
    law = rule(area.country, area.type)
    address = desk.records.get("address", given.get("address_sid") or "")
    if law.address != "none":
        if address is None or address["account_sid"] != account:
            raise Refusal(400, 21631, "AddressSid is empty: this number needs an address")
        if law.address == "local" and address["iso_country"] != area.country:
            raise Refusal(400, 21650, "The address is not in the country of the number")
        if law.address == "local" and address["city"].casefold() != area.locality.casefold():
            raise Refusal(400, 21651, f"The address is not in {area.locality}, the area of the number")
    bundle = desk.records.get("bundle", given.get("bundle_sid") or "")
    if law.bundle:
        if bundle is None or bundle["account_sid"] != account:
            raise Refusal(400, 21649, "BundleSid is empty: this number needs a regulatory bundle")
        fits = (bundle["_country"], bundle["_type"]) == (area.country, area.type)
        if not fits or bundle["status"] not in APPROVED:
            raise Refusal(400, 21650, "The bundle is not approved, or not for numbers of this kind")


def _set(desk: Desk, account: str, record: Record, given: dict[str, str]) -> None:
    """Set fields; an application clears the addresses and the other way round."""
    for name in ("voice_application_sid", "sms_application_sid"):
        application = given.get(name)
        if application:
            found = desk.records.get("application", application)
            if found is None or found["account_sid"] != account:
                raise Refusal(400, 20001, f"{name} names no application of this account")
    record.update({name: value or ("" if name in TEXTS else None) for name, value in given.items()})
    if given.get("voice_application_sid"):
        record |= {"voice_url": "", "voice_fallback_url": "", "status_callback": ""}
    elif given.get("voice_url"):
        record["voice_application_sid"] = ""
    if given.get("sms_application_sid"):
        record |= {"sms_url": "", "sms_fallback_url": ""}
    elif given.get("sms_url"):
        record["sms_application_sid"] = ""
    refuse_lone_fallbacks(record)
    if len(record["friendly_name"]) > 64:
        raise Refusal(400, 20001, "FriendlyName has at most 64 characters")


TEXTS = frozenset(FIELDS.values()) - {"address_sid", "bundle_sid", "trunk_sid"}


def _new_number(account: str, e164: str, area: Area | None) -> Record:
    sid, now = new_sid("PN"), rfc_2822(datetime.now(UTC))
    kind = "local" if area is None else area.type
    return {
        "account_sid": account,
        "address_requirements": "none" if area is None else rule(area.country, area.type).address,
        "address_sid": None,
        "api_version": "2010-04-01",
        "beta": False,
        "bundle_sid": None,
        "capabilities": {"voice": True, "sms": area is None or area.sms, "mms": False, "fax": False},
        "date_created": now,
        "date_updated": now,
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "emergency_status": "Inactive",
        "friendly_name": e164,
        "identity_sid": None,
        "origin": "twilio",
        "phone_number": e164,
        "sid": sid,
        "sms_application_sid": "",
        "sms_fallback_method": "POST",
        "sms_fallback_url": "",
        "sms_method": "POST",
        "sms_url": "",
        "status": "in-use",
        "status_callback": "",
        "status_callback_method": "POST",
        "trunk_sid": None,
        "type": kind.replace("_", " "),
        "uri": f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json",
        "voice_application_sid": "",
        "voice_caller_id_lookup": False,
        "voice_fallback_method": "POST",
        "voice_fallback_url": "",
        "voice_method": "POST",
        "voice_receive_mode": "voice",
        "voice_url": "",
    }
