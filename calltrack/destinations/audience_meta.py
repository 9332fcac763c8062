"""Meta custom audiences: `POST` and `DELETE /{audience}/users`, at most 10,000 people a request.

The payload names its schema (PHONE_SHA256) and holds the hashes; `session` says that the request stands for
itself. The answer counts what was received and what was no valid entry, and names samples of the latter only:
an entry that Meta cannot read is ignored by Meta, so the others are in.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from calltrack.destinations import hashing
from calltrack.destinations import meta_reasons as reasons
from calltrack.destinations.audience_base import AudiencePlatform, Batch, ListAnswer
from calltrack.destinations.meta import VERSION
from calltrack.destinations.meta_answers import GraphError
from calltrack.destinations.meta_settings import MetaSettings
from calltrack.destinations.outcomes import Class, Outcome, retry_after
from calltrack.infra.http import HttpAnswer, HttpRequest

_HINT: Final = (
    "In Meta Ads Manager open Audiences, make a custom audience from a customer list, accept the terms, share"
    " it with the user of this access token, and copy its number into the audience."
)
FLAGGED: Final = 1713230
_DONE: Final = Outcome(Class.DONE, "OK", "Meta took it.")
_SPLIT: Final = Outcome(
    Class.SPLIT, "ROW_NOT_NAMED", "Meta refused a request for some member of it; it goes in halves."
)


class _Receipt(msgspec.Struct):
    num_received: int
    num_invalid_entries: int = 0
    invalid_entry_samples: Any = None


class _Failed(msgspec.Struct):
    error: GraphError


class MetaAudience(AudiencePlatform):
    """Custom audiences of one ad account, by the connection of a dataset."""

    destination: ClassVar[str] = "meta"
    label: ClassVar[str] = "Meta"
    list_label: ClassVar[str] = "Custom audience number"
    list_help: ClassVar[str] = (
        "Meta: Ads Manager > Audiences > Create > Custom audience > Customer list. Open it, copy the number"
        " behind selected_audience_ids= in the address bar. The access token needs ads_management."
    )
    smallest_note: ClassVar[str] = "Meta shows ads to a custom audience from 100 matched people."

    def freeze(self, phone_e164: str, settings: MetaSettings) -> bytes | None:
        """Return the hash of the digits, country code first, as a JSON string."""
        hashed = hashing.phone_digits(phone_e164)
        return None if hashed is None else msgspec.json.encode(hashed)

    def request(
        self, batch: Batch, members: Sequence[bytes], settings: MetaSettings, token: str | None
    ) -> HttpRequest:
        """Return the request that adds (POST) or removes (DELETE) the hashes."""
        rows = [[msgspec.Raw(member)] for member in members]
        session = {
            "session_id": batch.number, "batch_seq": 1, "last_batch_flag": True,
            "estimated_num_total": len(members),
        }  # fmt: skip
        body = {"payload": {"schema": ["PHONE_SHA256"], "data": rows}, "session": session}
        secret = settings.access_token.get_secret_value()
        query = f"?{urlencode(_proof(settings))}" if settings.app_secret is not None else ""
        return HttpRequest(
            "POST" if batch.action == "add" else "DELETE",
            f"{settings.base_url.rstrip('/')}/{VERSION}/{batch.list_id}/users{query}",
            {"content-type": "application/json", "authorization": f"Bearer {secret}"},
            msgspec.json.encode(body),
        )

    def read(self, batch: Batch, answer: HttpAnswer, count: int) -> ListAnswer:
        """Read the counts, or the one error for all."""
        if answer.status == 200:
            try:
                receipt = msgspec.json.decode(answer.body, type=_Receipt)
            except msgspec.MsgspecError:
                message = "Meta's answer could not be read, so it is not known whether it arrived."
                unknown = Outcome(
                    Class.UNKNOWN, "UNREADABLE_200", message, "Nothing to do: it is told again."
                )
                return ListAnswer.all_the_same(unknown, count)
            return _received(receipt, count)
        try:
            error = msgspec.json.decode(answer.body, type=_Failed).error
        except msgspec.MsgspecError:
            error = GraphError()
        return ListAnswer.all_the_same(_refusal(error, answer, count), count)


def _received(receipt: _Receipt, count: int) -> ListAnswer:
    invalid = receipt.num_invalid_entries
    if invalid >= count:
        message = "Meta cannot read this member's identifier."
        return ListAnswer.all_the_same(Outcome(Class.ROW, "INVALID_ENTRY", message), count)
    return ListAnswer(_DONE.about(count), receipt.num_received, invalid)


def _refusal(error: GraphError, answer: HttpAnswer, count: int) -> Outcome:
    if error.error_subcode == FLAGGED:
        message = "Meta has flagged this custom audience and takes no members."
        return Outcome(
            Class.CONFIG, "100/1713230", message, "Look at it under Audiences in Meta Ads Manager."
        )
    if error.code == 0 and answer.status in (404, 410):
        return Outcome(Class.CONFIG, f"HTTP_{answer.status}", "Meta does not find the audience.", _HINT)
    known = reasons.outcome_of(error, answer.status)
    message = known.message.replace("this dataset", "this audience").replace("conversion", "member")
    if known.class_ is Class.LATER:
        wait = retry_after(answer)
        return Outcome(Class.LATER, known.code, message, known.hint, after=wait or _usual_wait(error))
    if known.class_ is Class.CONFIG:
        hint = known.hint if error.code in (102, 190) else _HINT
        return Outcome(Class.CONFIG, known.code, message, hint)
    if count > 1:
        return _SPLIT
    return Outcome(known.class_, known.code, message, known.hint)


def _usual_wait(error: GraphError) -> timedelta | None:
    """Limits of custom audiences (80003) are counted by the hour; asking sooner only lengthens them."""
    return timedelta(minutes=5) if error.code == 80003 else None


def _proof(settings: MetaSettings) -> dict[str, str]:
    if settings.app_secret is None:
        return {}
    secret, token = settings.app_secret.get_secret_value(), settings.access_token.get_secret_value()
    return {"appsecret_proof": hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()}
