"""Why Data Manager does not count what it had accepted: the reasons of its later verdict.

`PROCESSING` is complete for ProcessingErrorReason of Google's client library 0.9.4, its prefix taken off.
Google adds reasons; `processing` says what an unknown one means.
"""

from typing import Final

from calltrack.destinations.google_steps import (
    ACCOUNT,
    CLICK,
    CONVERSION_ACTION,
    NONE,
    OPERATOR,
    TERMS,
    WAIT,
    Row,
    outcome_of,
)
from calltrack.destinations.outcomes import Class, Outcome

_LATER, _CONFIG, _ROW, _BUG, _DONE = Class.LATER, Class.CONFIG, Class.ROW, Class.BUG, Class.DONE

_ENCRYPTION = "The key for encrypted identifiers could not be used."

PROCESSING: Final[dict[str, Row]] = {
    "UNSPECIFIED": (_ROW, "Google gave no reason.", NONE),
    "TOO_RECENT_CLICK": (
        _LATER,
        "The click is so recent that Google has not processed it yet; it takes about six hours.",
        WAIT,
    ),
    "INTERNAL_ERROR": (_LATER, "Google had an internal error while processing.", WAIT),
    "DUPLICATE_GCLID": (_DONE, "Google already has this conversion.", NONE),
    "DUPLICATE_TRANSACTION_ID": (_DONE, "Google already has this conversion.", NONE),
    "INVALID_GCLID": (_ROW, "Google cannot read the click id.", CLICK),
    "INVALID_GBRAID": (_ROW, "Google cannot read the click id.", CLICK),
    "INVALID_WBRAID": (_ROW, "Google cannot read the click id.", CLICK),
    "INVALID_AD_IDENTIFIERS": (_ROW, "Google cannot read the click id.", CLICK),
    "EVENT_ID_DECODE_ERROR": (_ROW, "Google cannot read the click id.", CLICK),
    "EVENT_TOO_OLD": (_ROW, "The call is older than Google accepts for this conversion action.", NONE),
    "DENIED_CONSENT": (_ROW, "The visitor, or the account's own setting, denied the use of the data.", NONE),
    "NO_CONSENT": (
        _ROW,
        "The account has not agreed to pass data to Google's core services.",
        "In Google Ads check Tools > Data manager > consent settings.",
    ),
    "UNKNOWN_CONSENT": (
        _ROW,
        "Google could not tell whether the visitor agreed.",
        "Connect your consent banner to calltrack, so that the visitor's answer travels with the call.",
    ),
    "CONVERSION_PRECEDES_CLICK": (_ROW, "The call happened before the click.", NONE),
    "INVALID_CLICK": (_ROW, "The click does not come from a Google Ads campaign.", NONE),
    "CLICK_NOT_FOUND": (_ROW, "Google found no click by this phone number or e-mail address.", NONE),
    "USER_ID_NOT_FOUND": (_ROW, "Google found nobody for this conversion.", NONE),
    "USER_ID_NOT_FOUND_FOR_GCLID": (_ROW, "Google found nobody for this click id.", NONE),
    "USER_ID_NOT_FOUND_FOR_DCLID": (_ROW, "Google found nobody for this click id.", NONE),
    "USER_ID_NOT_FOUND_FOR_MATCH_ID": (_ROW, "Google found nobody for this conversion.", NONE),
    "USER_ID_NOT_FOUND_FOR_IMPRESSION_ID": (_ROW, "Google found nobody for this conversion.", NONE),
    "MATCH_ID_NOT_FOUND": (_ROW, "Google found nobody for this conversion.", NONE),
    "ORIGINAL_CONVERSIONS_NOT_FOUND": (_ROW, "Google does not have the conversion to be changed.", NONE),
    "INSUFFICIENT_MATCHED_TRANSACTIONS": (
        _ROW,
        "Too few conversions matched for Google to count them.",
        NONE,
    ),
    "INSUFFICIENT_TRANSACTIONS": (_ROW, "Too few conversions for Google to count them.", NONE),
    "INVALID_CUSTOM_VARIABLE": (_ROW, "A custom variable holds a value Google does not take.", NONE),
    "INVALID_MERCHANT_ID": (_ROW, "The merchant number is not a valid one.", NONE),
    "INVALID_MOBILE_ID_FORMAT": (_ROW, "The device id is not a valid one.", NONE),
    "INVALID_EVENT": (_ROW, "Google does not accept the conversion as it stands.", NONE),
    "INVALID_FORMAT": (_BUG, "A field has the wrong form.", OPERATOR),
    "DECRYPTION_ERROR": (_BUG, _ENCRYPTION, OPERATOR),
    "DEK_DECRYPTION_ERROR": (_BUG, _ENCRYPTION, OPERATOR),
    "INVALID_WIP": (_BUG, _ENCRYPTION, OPERATOR),
    "INVALID_KEK": (_BUG, _ENCRYPTION, OPERATOR),
    "WIP_AUTH_FAILED": (_BUG, _ENCRYPTION, OPERATOR),
    "KEK_PERMISSION_DENIED": (_BUG, _ENCRYPTION, OPERATOR),
    "AWS_AUTH_FAILED": (_BUG, _ENCRYPTION, OPERATOR),
    "USER_IDENTIFIER_DECRYPTION_ERROR": (_BUG, _ENCRYPTION, OPERATOR),
    "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED": (
        _CONFIG,
        "The customer data terms are not accepted in this account.",
        TERMS,
    ),
    "CUSTOM_VARIABLE_NOT_ENABLED": (
        _CONFIG,
        "A custom variable is switched off in Google Ads.",
        "Enable the variable in Google Ads under Goals > Custom variables.",
    ),
    "INVALID_OPERATING_ACCOUNT_FOR_CLICK": (
        _CONFIG,
        "The click belongs to another Google Ads account.",
        ACCOUNT,
    ),
    "OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER": (
        _CONFIG,
        "The click belongs to another Google Ads account.",
        ACCOUNT,
    ),
    "ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID": (
        _CONFIG,
        "iPhone clicks need a conversion action that counts every conversion, not one per click.",
        "In Google Ads set the action's count to Every.",
    ),
    "EXTERNAL_ATTRIBUTION_DATA_MISSING": (
        _CONFIG,
        "The conversion action expects its attribution from elsewhere.",
        CONVERSION_ACTION,
    ),
}

_PREFIXES = ("PROCESSING_ERROR_REASON_", "PROCESSING_ERROR_")


def processing(reason: str) -> Outcome:
    """Return the outcome for a ProcessingErrorReason; an unknown one is the row's fault."""
    for prefix in _PREFIXES:
        if reason.startswith(prefix):
            reason = reason.removeprefix(prefix)
            break
    row = PROCESSING.get(reason)
    if row is None:
        return Outcome(Class.ROW, reason, "Google did not count this conversion.", NONE)
    return outcome_of(reason, row)
