"""The Google Ads API's error codes: what each one means for a conversion, and what a person should do.

`UPLOAD` and `ADJUSTMENT` hold every code of ConversionUploadError and ConversionAdjustmentUploadError in
google-ads 34.0.0 (API v26); `REQUEST` the codes of other enums that a whole request can be refused with.
A test walks the enums of the installed client. Google adds codes; `verdict` says what an unknown one means.
"""

from datetime import timedelta
from typing import Final

from calltrack.destinations.google_reasons import (
    ACCESS,
    ACCOUNT,
    CLICK,
    CONVERSION_ACTION,
    LEADS,
    NONE,
    OPERATOR,
    PERSON,
    SIX_HOURS,
    TERMS,
    WAIT,
    Row,
)
from calltrack.destinations.outcomes import Class, Outcome

# A code whose cure nobody knows is tried so often; then the conversion is refused.
FEW_TRIES: Final = 5
_RECONNECT = "Connect the Google account again; until then conversions wait and none is lost."
_MOVE = (
    'Connect this account under "Google Ads" (the Data Manager API) instead, then remove this connection.'
    " What waits here is kept until you do."
)
_CALL_ACTION = (
    'In Google Ads open Goals > Conversions, choose an action of the type "Import from calls" of this very '
    "account, and copy its number (ctId in the address bar) into the settings."
)
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

# By the name of the enum in ErrorCode ("quota_error"); "" stands for every other code of that enum.
REQUEST: Final[dict[str, dict[str, Row]]] = {
    "quota_error": {
        "": (_LATER, "Google takes no more requests at the moment.", WAIT),
        "ACCESS_PROHIBITED": (
            _CONFIG,
            "Google has shut this Google Cloud project out of its API.",
            "Ask whoever runs calltrack to look at the project in the Google Cloud console.",
        ),
    },
    "internal_error": {"": (_LATER, "Google had an internal error.", WAIT)},
    "database_error": {
        "": (_BUG, "Google could not store what was sent.", OPERATOR),
        "UNSPECIFIED": (_LATER, "Google could not store it at the moment.", WAIT),
        "UNKNOWN": (_LATER, "Google could not store it at the moment.", WAIT),
        "CONCURRENT_MODIFICATION": (_LATER, "Somebody else changed the same data at the same time.", WAIT),
    },
    "authentication_error": {
        "": (_CONFIG, "Google does not accept the connection of this account.", _RECONNECT),
        "CUSTOMER_NOT_FOUND": (_CONFIG, "Google does not know the customer number.", ACCOUNT),
        "CLIENT_CUSTOMER_ID_INVALID": (_CONFIG, "Google does not know the customer number.", ACCOUNT),
        "NOT_ADS_USER": (_CONFIG, "The connected Google user has no Google Ads account.", ACCESS),
        "TWO_STEP_VERIFICATION_NOT_ENROLLED": (
            _CONFIG,
            "Google asks the connected user to sign in with two steps.",
            "Switch on 2-step verification for that Google user, then connect again.",
        ),
    },
    "authorization_error": {
        "": (_CONFIG, "The connected Google user may not send to this account.", ACCESS),
        "CUSTOMER_NOT_ENABLED": (
            _CONFIG,
            "The Google Ads account is switched off or not finished.",
            "Open the account in Google Ads and finish or reactivate it, then resume.",
        ),
        "INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION": (
            _CONFIG,
            "The manager account in the settings does not manage this account.",
            "Correct the manager account number in the settings, or leave it empty.",
        ),
        "MISSING_TOS": (_CONFIG, "Google's terms are not accepted yet.", TERMS),
        "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION": (
            _CONFIG,
            "The Google Cloud project may only use test accounts.",
            "Ask whoever runs calltrack to apply for access in the Google Ads API Center.",
        ),
    },
    "not_allowlisted_error": {
        "": (
            _CONFIG,
            "Google takes uploads this way only from accounts that used it before June 2026.",
            _MOVE,
        )
    },
    "header_error": {
        "": (
            _CONFIG,
            "The manager account number is not a valid one.",
            "Correct the manager account number in the settings, or leave it empty.",
        )
    },
    "request_error": {
        "": (_BUG, "The request was built wrong.", OPERATOR),
        "INVALID_CUSTOMER_ID": (_CONFIG, "Google does not know the customer number.", ACCOUNT),
        "CANNOT_BE_EXECUTED_BY_MANAGER_ACCOUNT": (
            _CONFIG,
            "The customer number is one of a manager account, which has no conversions.",
            ACCOUNT,
        ),
        "RPC_DEADLINE_TOO_SHORT": (_LATER, "Google needed more time than it was given.", WAIT),
    },
    "customer_error": {"": (_CONFIG, "The Google Ads account is not set up yet.", ACCOUNT)},
    "mutate_error": {
        "": (_BUG, "The request was built wrong.", OPERATOR),
        "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED": (
            _CONFIG,
            "The account must first declare whether its campaigns are political advertising in the EU.",
            "In Google Ads answer the question on political advertising for every campaign.",
        ),
    },
    "currency_code_error": {
        "": (_ROW, "Google does not know the currency.", "Use a three-letter currency such as EUR.")
    },
    "date_error": {"": (_ROW, "The time of the call lies outside what Google accepts.", NONE)},
    "partial_failure_error": {"": (_BUG, "The request was built wrong.", OPERATOR)},
}

# Anyone can put a foreign click id into an address: one such row must not stop an account's uploads.
ABOUT_ONE_CLICK: Final = frozenset(
    {
        "INVALID_CUSTOMER_FOR_CLICK",
        "INVALID_CUSTOMER_FOR_CALL",
        "CONVERSION_TRACKING_NOT_ENABLED_AT_IMPRESSION_TIME",
        "CONVERSION_TRACKING_NOT_ENABLED_AT_CALL_TIME",
    }
)
# A request with fewer rows cures these, so they go again in halves until one stands alone.
SMALLER_CURES: Final = frozenset(
    {
        "TOO_MANY_CONVERSIONS_IN_REQUEST",
        "TOO_MANY_ADJUSTMENTS_IN_REQUEST",
        "DUPLICATE_ORDER_ID",
        "DUPLICATE_CLICK_CONVERSION_IN_REQUEST",
        "DUPLICATE_CALL_CONVERSION_IN_REQUEST",
        "DUPLICATE_ADJUSTMENT_IN_REQUEST",
        "DUPLICATE_ENHANCEMENT_IN_REQUEST",
        "REQUEST_TOO_LARGE",
    }
)
_AFTER: Final = {
    "TOO_RECENT_EVENT": SIX_HOURS,
    "TOO_RECENT_CALL": SIX_HOURS,
    "TOO_RECENT_CONVERSION_ACTION": SIX_HOURS,
    "CONVERSION_NOT_FOUND": SIX_HOURS,
    "TOO_RECENT_CONVERSION": timedelta(hours=24),
}
# Five tries six hours apart outlast the day that Google may need to know a conversion.
_CAPPED: Final = frozenset({"UNSPECIFIED", "UNKNOWN", "CONVERSION_NOT_FOUND", "ERROR_CODE_NOT_PUBLISHED"})
_TABLES: Final = {"conversion_upload_error": UPLOAD, "conversion_adjustment_upload_error": ADJUSTMENT}


def verdict(
    enum: str, code: str, *, names_a_row: bool, is_call: bool = False, description: str = ""
) -> Outcome:
    """Return the outcome for one error: `enum` as in ErrorCode ("quota_error"), `code` as in that enum.

    An unknown code is the row's fault if a row is named, else a fault of the account.
    """
    table = _TABLES.get(enum)
    if table is not None:
        row = table.get(code)
    else:
        codes = REQUEST.get(enum, {})
        row = codes.get(code, codes.get(""))
    if row is None:
        detail = f": {description[:200]}" if description else ""
        if names_a_row:
            return Outcome(_ROW, code, f"Google does not accept this conversion{detail}", NONE)
        return Outcome(_CONFIG, code, f"Google does not take conversions as set up{detail}", ACCOUNT)
    class_, message, hint = row
    if is_call and hint == CONVERSION_ACTION:
        hint = _CALL_ACTION
    return Outcome(
        class_,
        code,
        message,
        hint,
        after=_AFTER.get(code),
        pauses=code not in ABOUT_ONE_CLICK,
        tries=FEW_TRIES if code in _CAPPED and class_ is _LATER else None,
    )
