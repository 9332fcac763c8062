"""Microsoft customer lists: `CustomerListUserData/Apply` (REST v13), Add or Remove, one kind of item each.

Items are SHA-256 of phone numbers (sub type Phone), in the form that the destination's settings name; the
Customer Match terms are accepted with every request. Rows are judged one by one, as conversions are.
Microsoft publishes no table of codes for lists: what speaks of the audience or its terms is about the list.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

import msgspec

from calltrack.destinations import hashing
from calltrack.destinations.audience_base import AudiencePlatform, Batch, ListAnswer
from calltrack.destinations.microsoft_answers import read_applied
from calltrack.destinations.microsoft_settings import MicrosoftSettings
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.http import HttpAnswer, HttpRequest

_PATH: Final = "/CampaignManagement/v13/CustomerListUserData/Apply"
_HINT: Final = (
    "In Microsoft Advertising open Tools > Audiences, make a customer match list, accept its terms, and copy"
    " the list's number into the audience."
)
_ABOUT_THE_LIST: Final = ("Audience", "CustomerMatch", "CustomerListTerm")


class _Said(msgspec.Struct, rename="pascal"):
    error_code: str | None = None
    message: str | None = None


class _Fault(msgspec.Struct, rename="pascal"):
    errors: list[_Said | None] | None = None
    batch_errors: list[_Said | None] | None = None
    operation_errors: list[_Said | None] | None = None
    partial_errors: list[_Said | None] | None = None


class MicrosoftAudience(AudiencePlatform):
    """Customer match lists of one Microsoft Advertising account."""

    destination: ClassVar[str] = "microsoft"
    label: ClassVar[str] = "Microsoft Advertising"
    list_label: ClassVar[str] = "Customer list number"
    list_help: ClassVar[str] = (
        "Microsoft Advertising: Tools > Audiences > Create > Customer match. Accept the terms there once, and"
        " copy the number of the list from its row (column Audience ID)."
    )
    smallest: ClassVar[int] = 300
    smallest_note: ClassVar[str] = "Microsoft shows ads to a customer list from 300 matched members."

    def freeze(self, phone_e164: str, settings: MicrosoftSettings) -> bytes | None:
        """Return the hash as a JSON string, with or without the plus as the settings say."""
        form = hashing.phone_with_plus if settings.phone_form == "with_plus" else hashing.phone_digits
        hashed = form(phone_e164)
        return None if hashed is None else msgspec.json.encode(hashed)

    def request(
        self, batch: Batch, members: Sequence[bytes], settings: MicrosoftSettings, token: str | None
    ) -> HttpRequest:
        """Return the request that adds or removes the hashes."""
        data = {
            "AudienceId": batch.list_id,
            "ActionType": batch.action.capitalize(),
            "CustomerListItemSubType": "Phone",
            "CustomerListItems": [msgspec.Raw(member) for member in members],
            "AcceptCustomerMatchTerm": True,
        }
        headers = {
            "content-type": "application/json",
            "developertoken": settings.developer_token.get_secret_value(),
            "customerid": settings.customer_id,
            "customeraccountid": settings.account_id,
        }
        headers |= {"authorization": f"Bearer {token}"} if token else {}
        body = msgspec.json.encode({"CustomerListUserData": data})
        return HttpRequest("POST", f"{settings.base_url.rstrip('/')}{_PATH}", headers, body)

    def read(self, batch: Batch, answer: HttpAnswer, count: int) -> ListAnswer:
        """Read the partial errors, or the fault for all."""
        about_list = _about_the_list(answer)
        if about_list is not None:
            return ListAnswer.all_the_same(about_list, count)
        outcomes = tuple(_about_members(one) for one in read_applied(answer, count))
        refused = sum(one.class_ is Class.ROW for one in outcomes)
        taken = any(one.class_ is Class.DONE for one in outcomes)
        return ListAnswer(outcomes, count - refused if taken else None, None)


def _about_the_list(answer: HttpAnswer) -> Outcome | None:
    try:
        fault = msgspec.json.decode(answer.body, type=_Fault)
    except msgspec.MsgspecError:
        return None
    found: list[Any] = [
        *(fault.errors or ()), *(fault.batch_errors or ()), *(fault.operation_errors or ()),
        *(fault.partial_errors or ()),
    ]  # fmt: skip
    for error in found:
        code = (error.error_code if error is not None else None) or ""
        if any(word in code for word in _ABOUT_THE_LIST):
            said = f": {error.message.rstrip('.')[:200]}" if error.message else ""
            return Outcome(Class.CONFIG, code, f"Microsoft does not take members for this list{said}.", _HINT)
    return None


def _about_members(outcome: Outcome) -> Outcome:
    message = outcome.message.replace("conversions", "members").replace("conversion", "member")
    hint = outcome.hint.replace("conversions", "members").replace("conversion", "member")
    return replace(outcome, message=message, hint=hint)
