"""What a call is worth: when it is a lead, and what a person may say it brought."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from calltrack.accounts.rules import CompanySettings
from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import LARGEST_MINOR, currency_code

RULE = "rule"
LONGEST_REASON = 500
LONGEST_NAME = 200
# Through which door a word about a call comes in; `call_back`: the company rang back and won.
Via = Literal["rule", "dashboard", "api", "crm", "import", "link", "call_back"]


@dataclass(frozen=True, kw_only=True)
class CallResult:
    """How a call went, as far as it matters for a lead."""

    started_at: datetime
    is_bridged: bool
    talk_seconds: int
    is_withheld: bool


@dataclass(frozen=True)
class LeadVerdict:
    """Whether a call is a lead, and the sentence that says why."""

    is_lead: bool
    reason: str


def is_lead(call: CallResult, earlier_leads: Iterable[datetime], limits: CompanySettings) -> LeadVerdict:
    """Judge a call: answered by a person, long enough, and the caller's first within the window.

    `earlier_leads` are the times of the leads the same caller or person brought before. A withheld caller is
    nobody known, so his call is judged on its own.
    """
    if not call.is_bridged:
        return LeadVerdict(False, "No person answered the call.")
    if call.talk_seconds < limits.lead_min_talk_seconds:
        shortage = f"They talked {call.talk_seconds} seconds"
        return LeadVerdict(False, f"{shortage}; a lead takes {limits.lead_min_talk_seconds}.")
    window = timedelta(days=limits.lead_window_days)
    recent = [at for at in earlier_leads if timedelta(0) <= call.started_at - at < window]
    if recent and not call.is_withheld:
        first = f"{max(recent):%Y-%m-%d}"
        return LeadVerdict(
            False,
            f"The caller was a lead on {first} already, less than {limits.lead_window_days} days before.",
        )
    first_call = "the caller withheld the number" if call.is_withheld else "the caller's first such call"
    return LeadVerdict(True, f"A person answered and they talked {call.talk_seconds} seconds; {first_call}.")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What somebody says a call brought: a purchase with its value, a lead, or nothing.

    by: who says so, in words for people. via: through which door. external_id: the order's own id where it
    comes from (at most 200 characters; empty: the call's own purchase). occurred_at: when it was bought (with
    a time zone; None: when the call began); it holds for a purchase that is not yet known.
    """

    kind: Literal["purchase", "lead", "none"]
    by: str
    value_minor: int | None = None
    currency: str | None = None
    reason: str = ""
    occurred_at: datetime | None = None
    external_id: str = ""
    via: Via = "dashboard"

    def __post_init__(self) -> None:
        if self.kind not in ("purchase", "lead", "none"):
            raise BadInput("The outcome of a call is purchase, lead or none.")
        if self.kind == "purchase" and self.value_minor is None:
            raise BadInput("A purchase needs its value; write it like 850 or 850.50.")
        if self.kind != "purchase" and (self.value_minor is not None or self.currency is not None):
            raise BadInput("Only a purchase has a value; leave value and currency away.")
        if self.value_minor is not None and not 0 <= self.value_minor <= LARGEST_MINOR:
            raise BadInput("The value must not be negative or absurdly large.")
        if self.currency is not None:
            object.__setattr__(self, "currency", currency_code(self.currency))
        if self.occurred_at is not None and self.occurred_at.tzinfo is None:
            raise BadInput("The time of a purchase must carry a time zone.")
        if len(self.reason) > LONGEST_REASON:
            raise BadInput(f"The reason may have {LONGEST_REASON} characters at most.")
        object.__setattr__(self, "external_id", self.external_id.strip())
        if len(self.external_id) > LONGEST_NAME or not self.external_id.isprintable():
            raise BadInput(f"The order's id may have {LONGEST_NAME} characters, none of them invisible.")
