"""What a person should do next when Google says no: the sentences that Google's tables of codes share."""

from datetime import timedelta
from typing import Final

from calltrack.destinations.outcomes import Class, Outcome

SIX_HOURS = timedelta(hours=6)
WAIT = "Nothing to do: calltrack sends it again by itself."
OPERATOR = "Nothing you can change: the operator of calltrack has been told."
NONE = "Nothing to do."
CONVERSION_ACTION = (
    'In Google Ads open Goals > Conversions, choose an action of the type "Import from clicks" of this very '
    "account, and copy its number (ctId in the address bar) into the settings."
)
ACCOUNT = "Compare the customer number in the settings with the account that owns the conversion action."
ACCESS = (
    "Give the connected Google user access to this Google Ads account, or connect with a user who has it."
)
TERMS = "In Google Ads open Goals > Settings > Customer data terms and accept them, then resume."
LEADS = "In Google Ads open Goals > Settings and turn on enhanced conversions for leads, then resume."
PERSON = "Look at the call: the e-mail address or phone number stored for it is not a usable one."
CLICK = "The click id in the address of the page was damaged or invented; check what rewrites your URLs."

Row = tuple[Class, str, str]

# Anyone can put a foreign click id into an address: one such row must not stop an account's uploads.
ABOUT_ONE_CLICK: Final[frozenset[str]] = frozenset(
    {"INVALID_OPERATING_ACCOUNT_FOR_CLICK", "OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER"}
)


def outcome_of(code: str, row: Row) -> Outcome:
    """Return what a row of a table means, with the wait that its code asks for."""
    after = SIX_HOURS if code in {"TOO_RECENT_CLICK", "CONVERSION_ACTION_TOO_RECENTLY_CREATED"} else None
    return Outcome(row[0], code, row[1], row[2], after=after, pauses=code not in ABOUT_ONE_CLICK)
