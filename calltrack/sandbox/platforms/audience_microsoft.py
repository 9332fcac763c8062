"""The twin of `CustomerListUserData/Apply`: rows one by one; lists that begin with 404 do not exist."""

import re
from typing import Final

import msgspec
from flask import Response

from calltrack.sandbox.platforms.audience_sets import MemberSets
from calltrack.sandbox.platforms.microsoft import fault
from calltrack.sandbox.platforms.twin import as_json

PLATFORM: Final = "microsoft"
MOST: Final = 10_000
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_KINDS: Final = {"Phone": "phone", "Email": "email"}


class Data(msgspec.Struct, rename="pascal"):
    """CustomerListUserData."""

    audience_id: str = ""
    action_type: str = ""
    customer_list_item_sub_type: str = ""
    customer_list_items: list[str] = []
    accept_customer_match_term: bool = False


class Body(msgspec.Struct, rename="pascal"):
    """ApplyCustomerListUserDataRequest."""

    customer_list_user_data: Data = msgspec.field(default_factory=Data)


def take(sets: MemberSets, body: bytes) -> Response:
    """Answer one request of a caller who was checked already."""
    try:
        data = msgspec.json.decode(body, type=Body).customer_list_user_data
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return fault(400, 100, "NullRequest")
    if not data.audience_id.isdigit() or data.audience_id.startswith("404"):
        return fault(400, 5000, "InvalidAudienceId", "The audience does not exist.")
    if not data.accept_customer_match_term:
        return fault(400, 5001, "CustomerMatchTermNotAccepted", "The terms are not accepted.")
    kind = _KINDS.get(data.customer_list_item_sub_type)
    if kind is None or data.action_type not in ("Add", "Remove"):
        return fault(400, 5002, "CustomerListUserDataInvalid")
    if not 1 <= len(data.customer_list_items) <= MOST:
        return fault(400, 5003, "CustomerListItemsEntityLimitExceeded")
    errors, good = [], []
    for place, item in enumerate(data.customer_list_items):
        if _SHA256.fullmatch(item):
            good.append(f"{kind}:{item}")
        else:
            errors.append({
                "Code": 5691, "ErrorCode": "CustomerListItemIsNotHashed", "Index": place, "FieldPath": None,
                "Message": "The item is not hashed.", "Details": None, "Type": "BatchError",
            })  # fmt: skip
    sets.change(PLATFORM, data.audience_id, data.action_type.lower(), good)
    return as_json({"PartialErrors": errors})
