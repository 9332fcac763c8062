"""The codes by which the Google Ads API refuses a row: what each one means, and what a person should do.

`UPLOAD` and `ADJUSTMENT` hold every code of ConversionUploadError and ConversionAdjustmentUploadError in
google-ads 34.0.0 (API v26); a test walks the enums of the installed client.
"""

from typing import Final

from calltrack.destinations.google_steps import (
    ACCESS,
    CLICK,
    CONVERSION_ACTION,
    LEADS,
    NONE,
    OPERATOR,
    PERSON,
    TERMS,
    WAIT,
    Row,
)
from calltrack.destinations.outcomes import Class

_VARIABLE = "Enable the variable in Google Ads under Goals > Custom variables."
_WRONG_ACCOUNT = "If this happens for many calls, the customer number in the settings is the wrong one."
_EXTERNAL = "The conversion action takes its attribution from elsewhere."
_TAKEN = "Google already has this conversion."

_LATER, _CONFIG, _ROW, _BUG, _DONE = Class.LATER, Class.CONFIG, Class.ROW, Class.BUG, Class.DONE

UPLOAD: Final[dict[str, Row]] = {
    "UNSPECIFIED": (_LATER, "Google refused it without a reason.", WAIT),
    "UNKNOWN": (_LATER, "Google refused it for a reason this version does not know.", WAIT),
    "TOO_RECENT_EVENT": (
        _LATER,
        "The click is so recent that Google has not processed it yet; it takes about six hours.",
        WAIT,
    ),
    "TOO_RECENT_CALL": (
        _LATER,
        "The call is so recent that Google has not processed it yet; it takes six to twelve hours.",
        WAIT,
    ),
    "TOO_RECENT_CONVERSION_ACTION": (
        _LATER,
        "The conversion action is brand new; Google needs about six hours before it takes conversions.",
        WAIT,
    ),
    "ORDER_ID_ALREADY_IN_USE": (_DONE, _TAKEN, NONE),
    "CLICK_CONVERSION_ALREADY_EXISTS": (_DONE, _TAKEN, NONE),
    "CALL_CONVERSION_ALREADY_EXISTS": (_DONE, _TAKEN, NONE),
    "TOO_MANY_CONVERSIONS_IN_REQUEST": (_BUG, "Too many conversions in one request.", OPERATOR),
    "DUPLICATE_ORDER_ID": (_BUG, "A conversion stands twice in one request.", OPERATOR),
    "DUPLICATE_CLICK_CONVERSION_IN_REQUEST": (
        _BUG,
        "Two conversions of one click at the same second stand in one request.",
        OPERATOR,
    ),
    "DUPLICATE_CALL_CONVERSION_IN_REQUEST": (
        _BUG,
        "Two conversions of one call at the same second stand in one request.",
        OPERATOR,
    ),
    "INVALID_JOB_ID": (_BUG, "The job number is not a valid one.", OPERATOR),
    "GBRAID_WBRAID_BOTH_SET": (_BUG, "Two click ids contradict each other.", OPERATOR),
    "UNAUTHORIZED_CUSTOMER": (_CONFIG, "The connected Google user may not send to this account.", ACCESS),
    "EXTERNAL_ATTRIBUTION_DATA_SET_FOR_NON_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION": (
        _CONFIG,
        _EXTERNAL,
        CONVERSION_ACTION,
    ),
    "EXTERNAL_ATTRIBUTION_DATA_NOT_SET_FOR_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION": (
        _CONFIG,
        _EXTERNAL,
        CONVERSION_ACTION,
    ),
    "ORDER_ID_NOT_PERMITTED_FOR_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION": (
        _CONFIG,
        _EXTERNAL,
        CONVERSION_ACTION,
    ),
    "EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION_NOT_PERMITTED_WITH_USER_IDENTIFIER": (
        _CONFIG,
        _EXTERNAL,
        CONVERSION_ACTION,
    ),
    "CUSTOM_VARIABLE_NOT_ENABLED": (_CONFIG, "A custom variable is switched off in Google Ads.", _VARIABLE),
    "ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID": (
        _CONFIG,
        "iPhone clicks need a conversion action that counts every conversion, not one per click.",
        "In Google Ads set the action's count to Every.",
    ),
    "CUSTOMER_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS": (
        _CONFIG,
        "Google's customer data policy does not let this account use e-mail addresses and phone numbers.",
        'Turn off "Send hashed phone and e-mail" in the settings, or ask your Google contact.',
    ),
    "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS": (
        _CONFIG,
        "The customer data terms are not accepted in this account.",
        TERMS,
    ),
    "CUSTOMER_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS": (
        _CONFIG,
        "Enhanced conversions for leads are switched off in this account.",
        LEADS,
    ),
    "NO_CONVERSION_ACTION_FOUND": (
        _CONFIG,
        "The conversion action does not exist, is switched off, or belongs to another account.",
        CONVERSION_ACTION,
    ),
    "INVALID_CONVERSION_ACTION_TYPE": (
        _CONFIG,
        "The conversion action is not made for imported conversions of this kind.",
        CONVERSION_ACTION,
    ),
    "INVALID_CUSTOMER_FOR_CLICK": (
        _CONFIG,
        "The click belongs to another Google Ads account.",
        _WRONG_ACCOUNT,
    ),
    "INVALID_CUSTOMER_FOR_CALL": (
        _CONFIG,
        "The call belongs to another Google Ads account.",
        _WRONG_ACCOUNT,
    ),
    "CONVERSION_TRACKING_NOT_ENABLED_AT_IMPRESSION_TIME": (
        _CONFIG,
        "Conversion tracking was not switched on when the ad was seen.",
        "If this happens for many calls, switch conversion tracking on in Google Ads under Goals.",
    ),
    "CONVERSION_TRACKING_NOT_ENABLED_AT_CALL_TIME": (
        _CONFIG,
        "Conversion tracking was not switched on when the call was made.",
        "If this happens for many calls, switch conversion tracking on in Google Ads under Goals.",
    ),
    "UNPARSEABLE_GCLID": (_ROW, "Google cannot read the click id.", CLICK),
    "UNPARSEABLE_WBRAID": (_ROW, "Google cannot read the click id.", CLICK),
    "UNPARSEABLE_GBRAID": (_ROW, "Google cannot read the click id.", CLICK),
    "CONVERSION_PRECEDES_EVENT": (_ROW, "The call happened before the click.", NONE),
    "EXPIRED_EVENT": (_ROW, "The click is older than the conversion action's click-through window.", NONE),
    "EVENT_NOT_FOUND": (_ROW, "Google does not know this click.", CLICK),
    "EXPIRED_CALL": (_ROW, "The call is older than Google accepts for this conversion action.", NONE),
    "CALL_NOT_FOUND": (
        _ROW,
        "Google did not connect this call: it only knows calls to its own forwarding numbers.",
        "Mark only the numbers behind Google's call assets as such in the settings.",
    ),
    "CONVERSION_PRECEDES_CALL": (_ROW, "The conversion happened before the call.", NONE),
    "UNPARSEABLE_CALLERS_PHONE_NUMBER": (_ROW, "Google cannot read the caller's number.", PERSON),
    "CUSTOM_VARIABLE_VALUE_CONTAINS_PII": (_ROW, "A custom variable holds personal data.", PERSON),
    "CONVERSION_NOT_COMPLIANT_WITH_ATT_POLICY": (
        _ROW,
        "The visitor told the iPhone not to be tracked, so Google does not count it.",
        NONE,
    ),
    "CLICK_NOT_FOUND": (_ROW, "Google found no click by this phone number or e-mail address.", NONE),
    "INVALID_USER_IDENTIFIER": (_ROW, "The e-mail address or phone number is not a usable one.", PERSON),
    "UNSUPPORTED_USER_IDENTIFIER": (_ROW, "Google does not take this kind of contact.", PERSON),
    "ORDER_ID_CONTAINS_PII": (_ROW, "Google takes the conversion's id for personal data.", PERSON),
}

ADJUSTMENT: Final[dict[str, Row]] = {
    "UNSPECIFIED": (_LATER, "Google refused the change without a reason.", WAIT),
    "UNKNOWN": (_LATER, "Google refused the change for a reason this version does not know.", WAIT),
    "TOO_RECENT_CONVERSION_ACTION": (
        _LATER,
        "The conversion action is brand new; Google needs about six hours before it takes changes.",
        WAIT,
    ),
    "TOO_RECENT_CONVERSION": (
        _LATER,
        "The conversion is so recent that Google cannot change it yet; it takes up to 24 hours.",
        WAIT,
    ),
    "CONVERSION_NOT_FOUND": (
        _LATER,
        "Google does not know the conversion to be changed yet; it can take 24 hours.",
        WAIT,
    ),
    "CONVERSION_ALREADY_RETRACTED": (_DONE, "The conversion was already taken back.", NONE),
    "RESTATEMENT_ALREADY_EXISTS": (_DONE, "Google already has this change.", NONE),
    "MORE_RECENT_RESTATEMENT_FOUND": (_DONE, "Google already has a later change.", NONE),
    "CONVERSION_ALREADY_ENHANCED": (_DONE, "Google already has this addition.", NONE),
    "TOO_MANY_ADJUSTMENTS_IN_REQUEST": (_BUG, "Too many changes in one request.", OPERATOR),
    "DUPLICATE_ADJUSTMENT_IN_REQUEST": (_BUG, "A change stands twice in one request.", OPERATOR),
    "DUPLICATE_ENHANCEMENT_IN_REQUEST": (_BUG, "An addition stands twice in one request.", OPERATOR),
    "GCLID_DATE_TIME_PAIR_AND_ORDER_ID_BOTH_SET": (_BUG, "The conversion is named twice.", OPERATOR),
    "MISSING_ORDER_ID_FOR_WEBPAGE": (_BUG, "The conversion's id is missing.", OPERATOR),
    "INVALID_JOB_ID": (_BUG, "The job number is not a valid one.", OPERATOR),
    "CONVERSION_EXPIRED": (_ROW, "Google changes nothing older than 54 days.", NONE),
    "ADJUSTMENT_PRECEDES_CONVERSION": (_ROW, "The change happened before the conversion.", NONE),
    "TOO_MANY_ADJUSTMENTS": (_ROW, "This conversion was changed too often.", NONE),
    "INVALID_USER_IDENTIFIER": (_ROW, "The e-mail address or phone number is not a usable one.", PERSON),
    "UNSUPPORTED_USER_IDENTIFIER": (_ROW, "Google does not take this kind of contact.", PERSON),
    "ORDER_ID_CONTAINS_PII": (_ROW, "Google takes the conversion's id for personal data.", PERSON),
    "CANNOT_RESTATE_CONVERSION_ACTION_THAT_ALWAYS_USES_DEFAULT_CONVERSION_VALUE": (
        _CONFIG,
        "The conversion action always uses its own value, so none can be changed.",
        'In Google Ads open the action and choose "Use different values for each conversion".',
    ),
    "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS": (
        _CONFIG,
        "The customer data terms are not accepted in this account.",
        TERMS,
    ),
    "CONVERSION_ACTION_NOT_ELIGIBLE_FOR_ENHANCEMENT": (
        _CONFIG,
        "The conversion action takes no additions.",
        CONVERSION_ACTION,
    ),
    "CUSTOMER_DATA_POLICY_PROHIBITS_ENHANCEMENT": (
        _CONFIG,
        "Google's customer data policy does not let this account use e-mail addresses and phone numbers.",
        'Turn off "Send hashed phone and e-mail" in the settings, or ask your Google contact.',
    ),
    "NO_CONVERSION_ACTION_FOUND": (
        _CONFIG,
        "The conversion action does not exist, is switched off, or belongs to another account.",
        CONVERSION_ACTION,
    ),
    "INVALID_CONVERSION_ACTION_TYPE": (
        _CONFIG,
        "Conversions of this kind of action cannot be changed.",
        CONVERSION_ACTION,
    ),
}
