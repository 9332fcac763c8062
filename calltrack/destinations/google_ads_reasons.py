"""Reads the Google Ads API's error codes: what each one means for a conversion, and what a person should do.

The codes of rows stand in `google_ads_codes`; `REQUEST` holds those of other enums that a whole request can
be refused with. Google adds codes; `verdict` says what an unknown one means.
"""

from datetime import timedelta
from typing import Final

from calltrack.destinations.google_ads_codes import ADJUSTMENT, UPLOAD
from calltrack.destinations.google_steps import (
    ACCESS,
    ACCOUNT,
    CONVERSION_ACTION,
    NONE,
    OPERATOR,
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

_LATER, _CONFIG, _ROW, _BUG = Class.LATER, Class.CONFIG, Class.ROW, Class.BUG

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
