"""What somebody may say a call brought, and who is believed when words differ."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import LARGEST_MINOR, currency_code

RULE = "rule"
LONGEST_REASON = 500
LONGEST_NAME = 200
# Through which door a word about a call comes in; `call_back`: the company rang back and won.
Via = Literal["rule", "dashboard", "api", "crm", "import", "link", "call_back"]
Said = Literal["purchase", "lead", "none", "refund", "cancelled"]
# Whose value holds: a person's word about this call, then what another system tells, then the rule.
_RANK: dict[str, int] = {"crm": 1, "import": 1, "rule": 0}


def rank(via: str) -> int:
    """Return how much a door's value weighs: 2 a person or the outcome API, 1 a CRM or a file, 0 the rule."""
    return _RANK.get(via, 2)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What somebody says a call brought.

    kind: `purchase` with its value; `lead`: counted as one, and not a purchase; `none`: neither; `refund`:
    of a purchase, `value_minor` is what was given back in total so far (None: all of it); `cancelled`: the
    purchase does not hold.
    by: who says so, in words for people. via: through which door. external_id: the order's own id where it
    comes from (at most 200 characters; empty: the call's own purchase). occurred_at: when it was bought (with
    a time zone; None: when the call began); it holds for a purchase that is not yet known.
    said_at: when it became true where it comes from (with a time zone; None: now). Words may arrive in any
    order; the latest said holds. value_from_rule: a purchase without a value takes the fixed one of the
    company's rules. called_back_at: the company rang back at this time and won what the call asked for.
    """

    kind: Said
    by: str
    value_minor: int | None = None
    currency: str | None = None
    reason: str = ""
    occurred_at: datetime | None = None
    external_id: str = ""
    via: Via = "dashboard"
    said_at: datetime | None = None
    value_from_rule: bool = False
    called_back_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Said):
            raise BadInput("The outcome of a call is purchase, lead, none, refund or cancelled.")
        self._check_value()
        for moment in (self.occurred_at, self.said_at, self.called_back_at):
            if moment is not None and moment.tzinfo is None:
                raise BadInput("The time of an outcome must carry a time zone.")
        if self.called_back_at is not None and self.kind not in ("purchase", "lead"):
            raise BadInput("Only a purchase or a lead is won by a call-back.")
        if len(self.reason) > LONGEST_REASON:
            raise BadInput(f"The reason may have {LONGEST_REASON} characters at most.")
        object.__setattr__(self, "external_id", self.external_id.strip())
        if len(self.external_id) > LONGEST_NAME or not self.external_id.isprintable():
            raise BadInput(f"The order's id may have {LONGEST_NAME} characters, none of them invisible.")

    def _check_value(self) -> None:
        if self.kind == "purchase" and self.value_minor is None and not self.value_from_rule:
            raise BadInput("A purchase needs its value; write it like 850 or 850.50.")
        if self.kind not in ("purchase", "refund") and (self.value_minor is not None or self.currency):
            raise BadInput("Only a purchase and a refund have a value; leave value and currency away.")
        if self.value_minor is not None and not 0 <= self.value_minor <= LARGEST_MINOR:
            raise BadInput("The value must not be negative or absurdly large.")
        if self.kind == "refund" and self.value_minor == 0:
            raise BadInput("A refund of nothing is none; to undo a refund, set the purchase's value.")
        if self.currency is not None:
            object.__setattr__(self, "currency", currency_code(self.currency))
