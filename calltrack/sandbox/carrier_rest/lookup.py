"""Lookup: what is known of a telephone number."""

from __future__ import annotations

import phonenumbers
from flask import Blueprint, Response, request
from phonenumbers import PhoneNumberType as T

from calltrack.sandbox.carrier_rest.answers import Refusal, as_json
from calltrack.sandbox.carrier_rest.desk import Desk
from calltrack.sandbox.carrier_rest.records import Record

LINES = {
    T.FIXED_LINE: "landline",
    T.MOBILE: "mobile",
    T.FIXED_LINE_OR_MOBILE: "mobile",
    T.TOLL_FREE: "tollFree",
    T.PREMIUM_RATE: "premium",
    T.SHARED_COST: "sharedCost",
    T.VOIP: "nonFixedVoip",
    T.PERSONAL_NUMBER: "personal",
    T.PAGER: "pager",
    T.UAN: "uan",
    T.VOICEMAIL: "voicemail",
}
ASKED = frozenset(
    (
        "validation",
        "caller_name",
        "sim_swap",
        "call_forwarding",
        "line_status",
        "line_type_intelligence",
        "identity_match",
        "reassigned_number",
        "sms_pumping_risk",
        "phone_number_quality_score",
        "pre_fill",
    )
)
NULLS = sorted(ASKED - {"validation"})


def add(pages: Blueprint, desk: Desk) -> None:
    """Add the look-ups to the twin."""

    @pages.get("/v2/PhoneNumbers/<number>")
    @desk.answers("lookups")
    def looked_up(number: str) -> Response:
        """Tell what is known of a number; an invalid one is an answer, no error."""
        fields = [name for name in request.args.get("Fields", "").split(",") if name]
        if unknown := [name for name in fields if name not in ASKED]:
            raise Refusal(400, 20001, f"Invalid Fields: {unknown[0][:40]}")
        return as_json(_known(desk, number, fields))


def _known(desk: Desk, number: str, fields: list[str]) -> Record:
    answer: Record = dict.fromkeys(NULLS)
    answer |= {
        "calling_country_code": None,
        "country_code": None,
        "phone_number": number,
        "national_format": None,
        "valid": False,
        "validation_errors": [],
        "url": f"https://lookups.twilio.com/v2/PhoneNumbers/{number}",
    }
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return {**answer, "validation_errors": ["NOT_A_NUMBER"]}
    if not phonenumbers.is_valid_number(parsed):
        return {**answer, "validation_errors": [_why_invalid(parsed)]}
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    answer |= {
        "calling_country_code": str(parsed.country_code),
        "country_code": phonenumbers.region_code_for_number(parsed),
        "phone_number": e164,
        "national_format": phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL),
        "valid": True,
    }
    if "line_type_intelligence" in fields:
        line = LINES.get(phonenumbers.number_type(parsed), "unknown")
        answer["line_type_intelligence"] = {
            "type": "landline" if e164 in desk.behaviour.landlines else line,
            "carrier_name": "Sandbox Telecom",
            "mobile_country_code": None,
            "mobile_network_code": None,
            "error_code": None,
        }
    if "caller_name" in fields:
        is_us = parsed.country_code == 1
        answer["caller_name"] = {
            "caller_name": "ROSSI MARIA" if is_us else None,
            "caller_type": "CONSUMER" if is_us else None,
            "error_code": None if is_us else 60600,
        }
    return answer


def _why_invalid(parsed: phonenumbers.PhoneNumber) -> str:
    reason = phonenumbers.is_possible_number_with_reason(parsed)
    words = {
        phonenumbers.ValidationResult.TOO_SHORT: "TOO_SHORT",
        phonenumbers.ValidationResult.TOO_LONG: "TOO_LONG",
        phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "INVALID_COUNTRY_CODE",
        phonenumbers.ValidationResult.INVALID_LENGTH: "INVALID_LENGTH",
    }
    return words.get(reason, "INVALID_BUT_POSSIBLE")
