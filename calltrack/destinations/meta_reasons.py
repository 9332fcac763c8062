"""Meta's error codes: what each one means for a conversion, and what a person should do.

Sources: Graph API "Handling errors", Conversions API "Error codes", and answers of v26.0 seen in September
2026. Meta adds codes; `outcome_of` says what an unknown one means.
"""

import re
from typing import Any, Final, Protocol

from calltrack.destinations.outcomes import Class, Outcome

EVENT_TOO_OLD: Final = 2804003
WAIT: Final = "Nothing to do: calltrack sends it again by itself."
OPERATOR: Final = "Nothing you can change: the operator of calltrack has been told."
_RENEW: Final = (
    "In Meta Events Manager open your dataset > Settings > Conversions API, generate a new access token of a"
    " system user, enter it and resume. Nothing is lost until then."
)
_ACCESS: Final = (
    "In Meta Business settings give the system user of this token the permission to manage the dataset, and"
    " compare the dataset number in the settings."
)

LIMITS: Final = frozenset((4, 17, 32, 341, 613, *range(80000, 80015)))
UNWELL: Final = {
    1: "Meta had an unknown error.",
    2: "Meta's service is unavailable for the moment.",
    368: "Meta has blocked this action for a while.",
    5000: "Meta had an unknown error.",
    21009: "Meta could not process the request for the moment.",
}
TOKEN: Final = {
    458: "The app of this access token is no longer connected.",
    459: "The user of this access token must confirm something at Facebook first.",
    460: "The password of this access token's user was changed, which ended the token.",
    463: "The access token has expired.",
    464: "The user of this access token is not confirmed.",
    467: "The access token is no longer valid.",
}
ROWS: Final = {
    2804003: ("The call is more than 7 days old; Meta takes it no more.", "Nothing to do."),
    2804019: ("Meta takes a purchase only with a value and a currency.", "Enter the value of the purchase."),
    2804050: (
        "Meta could match this call to nobody: too little is known of the caller.",
        "Phone number, e-mail or a Facebook click are needed.",
    ),
}
_INDEX: Final = re.compile(r"data\[(\d{1,4})\]")


class Said(Protocol):
    """What the Graph API says of a failure."""

    message: str
    code: int
    error_subcode: int
    is_transient: bool
    error_user_title: str
    error_user_msg: str
    error_data: Any


def outcome_of(error: Said, status: int) -> Outcome:
    """Return what the error means for a single conversion (for LATER and CONFIG: for all of a request)."""
    code, name = error.code, code_of(error)
    if code in LIMITS or status == 429:
        return Outcome(Class.LATER, name, "Meta takes no more requests at the moment.", WAIT)
    if error.is_transient or code in UNWELL or status >= 500:
        return Outcome(Class.LATER, name, UNWELL.get(code, "Meta is unwell for the moment."), WAIT)
    about_setup = _about_setup(error, status)
    if about_setup is not None:
        message, hint = about_setup
        return Outcome(Class.CONFIG, name, message, hint)
    if code == 100:
        return row(error)
    return Outcome(Class.BUG, name, f"Meta refused the request{_in_its_words(error)}.", OPERATOR)


def row(error: Said) -> Outcome:
    """Return the refusal of one conversion for good."""
    known = ROWS.get(error.error_subcode)
    if known is not None:
        return Outcome(Class.ROW, code_of(error), *known)
    message = f"Meta does not take this conversion{_in_its_words(error)}."
    return Outcome(
        Class.ROW, code_of(error), message, "Look at the call: something stored for it is unusual."
    )


def code_of(error: Said) -> str:
    """Return code and subcode, such as 100/2804003."""
    return f"{error.code}/{error.error_subcode}" if error.error_subcode else str(error.code)


def named_rows(error: Said, count: int) -> frozenset[int]:
    """Return the places of the events that the error names (`data[3]`), if it names any."""
    blamed = error.error_data.get("blame_field_specs", "") if isinstance(error.error_data, dict) else ""
    text = f"{error.message} {error.error_user_title} {error.error_user_msg} {blamed}"
    return frozenset(place for place in map(int, _INDEX.findall(text)) if place < count)


def _about_setup(error: Said, status: int) -> tuple[str, str] | None:
    code = error.code
    if "appsecret_proof" in error.message or code == 104:
        return "Meta does not accept the proof by app secret.", "Compare the app secret in the settings."
    if code in (102, 190) or (status == 401 and code == 0):
        said = TOKEN.get(error.error_subcode, "Meta does not accept the access token.")
        return said, _RENEW
    if code in (3, 10) or 200 <= code <= 299 or (status == 403 and code not in (100, 2635)):
        return "This access token may not send events to this dataset.", _ACCESS
    if (code, error.error_subcode) == (100, 33) or code == 803 or status == 404:
        return "Meta does not find this dataset, or the access token may not see it.", _ACCESS
    if code in (12, 2500, 2635):
        return "Meta no longer offers this version of its interface.", "calltrack needs an update."
    return None


def _in_its_words(error: Said) -> str:
    said = " ".join((error.error_user_msg or error.error_user_title or error.message).split())
    return f": {said[:300].rstrip('.')}" if said else ""
