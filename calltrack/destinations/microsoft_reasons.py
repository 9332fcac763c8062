"""Microsoft Advertising's error codes: what each one means for a conversion, and what a person should do.

Source: "Operation error codes" and "DailySummary" of the Microsoft Advertising API, v13. Numbers are looked
up after the symbolic names, since some were never published. `reason` says what an unknown one means.
"""

from datetime import timedelta
from typing import Final

from calltrack.destinations.outcomes import Class, Outcome

WAIT: Final = "Nothing to do: calltrack sends it again by itself."
OPERATOR: Final = "Nothing you can change: the operator of calltrack has been told."
NONE: Final = "Nothing to do."
_GOAL: Final = (
    "In Microsoft Advertising open Conversions > Conversion goals and copy the exact name of an offline"
    " conversion goal of this account into the settings."
)
_SIGN_IN: Final = "Connect the Microsoft account again; until then conversions wait and none is lost."
_ACCESS: Final = (
    "Give the connected user access to this account, and compare account and customer number in the settings."
)
_CLICK: Final = (
    "The click id in the address of the page was damaged or invented; check what rewrites your URLs."
)
_ENHANCED: Final = (
    "Turn on enhanced conversions for the goal in Microsoft Advertising, or switch off"
    ' "Send hashed phone and e-mail" in the settings.'
)

MINUTE: Final = timedelta(minutes=1)
AFTER: Final = {
    "CallRateExceeded": MINUTE,
    "ConcurrentRequestOverLimit": MINUTE,
    "OfflineConversionNotAcceptedForGoal": timedelta(hours=2),
    "OfflineConversionGoalTooRecent": timedelta(hours=2),
    "FutureConversionTimeCannotBeSet": 5 * MINUTE,
    "OfflineConversionFutureAdjustmentTimeCannotBeSet": 5 * MINUTE,
}

# Clocks differ by seconds: what lies ahead after so many tries is a wrong time, and refused for good.
CLOCKS: Final = frozenset(
    {"FutureConversionTimeCannotBeSet", "OfflineConversionFutureAdjustmentTimeCannotBeSet"}
)
CLOCKS_TRIED: Final = 5

Reason = tuple[Class, str, str]
_LATER, _CONFIG, _ROW, _BUG = Class.LATER, Class.CONFIG, Class.ROW, Class.BUG

REASONS: Final[dict[str, Reason]] = {
    "InternalError": (_LATER, "Microsoft had an internal error.", WAIT),
    "NullRequest": (_BUG, "Microsoft found the request empty.", OPERATOR),
    "InvalidCredentials": (
        _CONFIG,
        "Microsoft does not accept the sign-in or the developer token.",
        "Connect the Microsoft account again and compare the developer token in the settings.",
    ),
    "UserIsNotAuthorized": (_CONFIG, "The connected user may not use this account.", _ACCESS),
    "UserCompromised": (_CONFIG, "Microsoft has locked the connected user for its safety.", _SIGN_IN),
    "AuthenticationTokenExpired": (_CONFIG, "The sign-in has expired.", _SIGN_IN),
    "InvalidDateObject": (_BUG, "Microsoft cannot read a date of the request.", OPERATOR),
    "RequestMissingHeaders": (_BUG, "The request lacks something that Microsoft needs.", OPERATOR),
    "CallRateExceeded": (_LATER, "Microsoft takes no more requests this minute.", WAIT),
    "UserLoginAccessDenied": (_CONFIG, "This sign-in is no longer the user's own.", _SIGN_IN),
    "PersonalIdentityNotAvailable": (_CONFIG, "This user must sign in with a work account.", _SIGN_IN),
    "WorkIdentityNotAvailable": (_CONFIG, "This user must sign in with a personal account.", _SIGN_IN),
    "PersonalIdentityMigratedToWork": (_CONFIG, "This user must sign in with a work account.", _SIGN_IN),
    "PersonalIdentityNotAllowedByCustomer": (
        _CONFIG,
        "Your organisation asks for a sign-in with a work account.",
        _SIGN_IN,
    ),
    "ApiInputValidationError": (_BUG, "Microsoft does not accept the form of the request.", OPERATOR),
    "ApiExecutionError": (_LATER, "Microsoft could not complete the request.", WAIT),
    "NullParameter": (_BUG, "The request lacks something that Microsoft needs.", OPERATOR),
    "OperationNotSupported": (_CONFIG, "This account cannot import offline conversions.", _ACCESS),
    "InvalidVersion": (_CONFIG, "Microsoft no longer offers this interface.", "calltrack needs an update."),
    "NullArrayArgument": (_BUG, "Microsoft found no conversions in the request.", OPERATOR),
    "ConcurrentRequestOverLimit": (_LATER, "Too many requests to Microsoft at once.", WAIT),
    "InvalidAccount": (_CONFIG, "Microsoft does not find this account.", _ACCESS),
    "ApiVersionNoLongerSupported": (
        _CONFIG,
        "Microsoft no longer offers this interface.",
        "calltrack needs an update.",
    ),
    "OfflineConversionsNullOrEmpty": (_BUG, "Microsoft found no conversions in the request.", OPERATOR),
    "OfflineConversionsLimitExceeded": (_BUG, "There were too many conversions in one request.", OPERATOR),
    "OfflineConversionBatchSizeExceedsLimit": (
        _BUG,
        "There were too many conversions in one request.",
        OPERATOR,
    ),
    "OfflineConversionIsNull": (_BUG, "Microsoft found an empty conversion.", OPERATOR),
    "OfflineConversionMicrosoftClickIdNullOrEmpty": (
        _ROW,
        "Microsoft takes this goal's conversions only with a Microsoft click.",
        "Turn on enhanced conversions for the goal to match calls by phone and e-mail.",
    ),
    "OfflineConversionMicrosoftClickIdInvalid": (_ROW, "Microsoft does not know this click.", _CLICK),
    "OfflineConversionNameNullOrEmpty": (_ROW, "The conversion names no goal.", OPERATOR),
    "OfflineConversionNameInvalid": (_CONFIG, "Microsoft has no offline goal of this name.", _GOAL),
    "OfflineConversionTimeInvalid": (_ROW, "Microsoft cannot use the time of the call.", NONE),
    "OfflineConversionTimeNullOrEmpty": (_ROW, "The conversion has no time.", OPERATOR),
    "OfflineConversionTimeOutOfWindow": (_ROW, "The call is older than Microsoft takes (90 days).", NONE),
    "OfflineConversionValueInvalid": (_ROW, "Microsoft does not accept the value.", "Correct the value."),
    "OfflineConversionCurrencyCodeInvalid": (
        _ROW,
        "Microsoft does not accept the currency.",
        "Correct the currency.",
    ),
    "OfflineConversionsApplyFailed": (_LATER, "Microsoft could not store the conversions.", WAIT),
    "OfflineConversionApplyFailed": (_LATER, "Microsoft could not store the conversions.", WAIT),
    "OfflineConversionPilotNotEnabledForCustomer": (
        _CONFIG,
        "Offline conversions are not enabled for this customer.",
        "Ask your Microsoft Advertising contact to enable offline conversions, then resume.",
    ),
    "FutureConversionTimeCannotBeSet": (_LATER, "By Microsoft's clock the call is still to come.", WAIT),
    "OfflineConversionNotAcceptedForGoal": (
        _LATER,
        "The goal is brand new; Microsoft needs two hours before it takes conversions.",
        WAIT,
    ),
    "OfflineConversionGoalTooRecent": (
        _LATER,
        "The goal is brand new; Microsoft needs two hours before it takes conversions.",
        WAIT,
    ),
    "ConversionTimeEarlierThanClickTime": (_ROW, "The call happened before the click.", NONE),
    "ClickIdDateTimeOutsideGoalConversionWindow": (
        _ROW,
        "The call came later after the click than the goal's conversion window allows.",
        NONE,
    ),
    "OfflineConversionInvalidAdjustmentType": (_ROW, "Microsoft does not know this change.", OPERATOR),
    "OfflineConversionAdjustmentTimeNullOrEmpty": (_ROW, "The change has no time.", OPERATOR),
    "OfflineConversionAdjustmentTimeEarlierThanConversionTime": (
        _ROW,
        "The change lies before the call.",
        NONE,
    ),
    "OfflineConversionAdjustmentTimeInvalid": (_ROW, "Microsoft cannot use the time of the change.", NONE),
    "OfflineConversionFutureAdjustmentTimeCannotBeSet": (
        _LATER,
        "By Microsoft's clock the change is still to come.",
        WAIT,
    ),
    "OfflineConversionAdjustmentTimeOutOfWindow": (_ROW, "The change comes too late for Microsoft.", NONE),
    "OfflineConversionAdjustmentValueNotExpected": (_ROW, "Microsoft expected no value.", OPERATOR),
    "OfflineConversionAdjustmentValueRequired": (_ROW, "The new value is missing.", "Enter the value."),
    "OfflineConversionCurrencyValueRequired": (_ROW, "The currency is missing.", "Enter the currency."),
    "OfflineConversionRestateRetractNotSupported": (_ROW, "This goal takes no changes.", NONE),
    "NotEligibleForEnhancedConversions": (
        _CONFIG,
        "The goal takes no hashed phone numbers and e-mails.",
        _ENHANCED,
    ),
    "ConversionEmailAddressIsNotHashed": (_BUG, "Microsoft found an e-mail that is not hashed.", OPERATOR),
    "ConversionPhoneNumberIsNotHashed": (_BUG, "Microsoft found a number that is not hashed.", OPERATOR),
}

CODES: Final[dict[int, str]] = {
    0: "InternalError",
    100: "NullRequest",
    105: "InvalidCredentials",
    106: "UserIsNotAuthorized",
    108: "UserCompromised",
    109: "AuthenticationTokenExpired",
    113: "InvalidDateObject",
    116: "RequestMissingHeaders",
    117: "CallRateExceeded",
    120: "UserLoginAccessDenied",
    122: "PersonalIdentityNotAvailable",
    123: "WorkIdentityNotAvailable",
    124: "PersonalIdentityMigratedToWork",
    125: "PersonalIdentityNotAllowedByCustomer",
    201: "ApiInputValidationError",
    202: "ApiExecutionError",
    203: "NullParameter",
    204: "OperationNotSupported",
    205: "InvalidVersion",
    206: "NullArrayArgument",
    207: "ConcurrentRequestOverLimit",
    208: "InvalidAccount",
    303: "ApiVersionNoLongerSupported",
    5600: "OfflineConversionsNullOrEmpty",
    5601: "OfflineConversionsLimitExceeded",
    5602: "OfflineConversionIsNull",
    5603: "OfflineConversionMicrosoftClickIdNullOrEmpty",
    5604: "OfflineConversionMicrosoftClickIdInvalid",
    5605: "OfflineConversionNameNullOrEmpty",
    5606: "OfflineConversionNameInvalid",
    5607: "OfflineConversionTimeInvalid",
    5608: "OfflineConversionTimeNullOrEmpty",
    5609: "OfflineConversionTimeOutOfWindow",
    5610: "OfflineConversionValueInvalid",
    5611: "OfflineConversionCurrencyCodeInvalid",
    5612: "OfflineConversionsApplyFailed",
    5613: "OfflineConversionPilotNotEnabledForCustomer",
    5614: "FutureConversionTimeCannotBeSet",
    5615: "OfflineConversionNotAcceptedForGoal",
    5616: "ConversionTimeEarlierThanClickTime",
    5617: "ClickIdDateTimeOutsideGoalConversionWindow",
    5618: "OfflineConversionInvalidAdjustmentType",
    5619: "OfflineConversionAdjustmentTimeNullOrEmpty",
    5620: "OfflineConversionAdjustmentTimeEarlierThanConversionTime",
    5621: "OfflineConversionAdjustmentTimeInvalid",
    5622: "OfflineConversionFutureAdjustmentTimeCannotBeSet",
    5623: "OfflineConversionAdjustmentTimeOutOfWindow",
    5624: "OfflineConversionAdjustmentValueNotExpected",
    5625: "OfflineConversionAdjustmentValueRequired",
    5626: "OfflineConversionCurrencyValueRequired",
    5627: "OfflineConversionRestateRetractNotSupported",
}


def reason(code: int | None, error_code: str, said: str, *, names_a_row: bool) -> Outcome:
    """Return what an error means for the conversions it is about.

    Unknown errors: of a named row it is refused (a person may send it again); of a whole request nothing is
    known of any row, so it is our fault until it stands alone.
    """
    name = error_code if error_code in REASONS else CODES.get(-1 if code is None else code, "")
    if name:
        class_, message, hint = REASONS[name]
        tries = CLOCKS_TRIED if name in CLOCKS else None
        return Outcome(class_, name, message, hint, after=AFTER.get(name), tries=tries)
    words = f": {' '.join(said.split())[:300].rstrip('.')}" if said.strip() else ""
    shown = error_code[:80] or f"CODE_{code}"
    if names_a_row:
        message = f"Microsoft does not take this conversion{words}."
        return Outcome(_ROW, shown, message, "Look at the call: something stored for it is unusual.")
    return Outcome(_BUG, shown, f"Microsoft refused the request{words}.", OPERATOR)
