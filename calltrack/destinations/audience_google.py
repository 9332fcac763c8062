"""Google customer lists (Customer Match) by the Data Manager API: audienceMembers:ingest and :remove.

At most 10,000 members a request, SHA-256 in hex, consent for the whole request (only people who gave both
kinds are ever sent), the Customer Match terms accepted when adding. Fast-fail and asynchronous, as events
are: 200 is a receipt, the verdict is asked for after half an hour. Fields: Google's client library 0.9.4.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from calltrack.destinations import google_answers, hashing
from calltrack.destinations.audience_base import AudiencePlatform, Batch, ListAnswer
from calltrack.destinations.google_refusals import refusal
from calltrack.destinations.google_settings import GoogleDataManagerSettings
from calltrack.destinations.outcomes import Class, Outcome, Reading
from calltrack.infra.http import HttpAnswer, HttpRequest

_MEMBER: Final = re.compile(r"audience_?[mM]embers\[(\d{1,6})\]")
_RATE: Final = re.compile(r"MATCH_RATE_RANGE_(\d+)_TO_(\d+)")
_AGAIN: Final = Outcome(
    Class.AGAIN, "REQUEST_REFUSED", "The request was refused for another member; this one goes again."
)
_LIST_HINT: Final = (
    "In Google Ads open Tools > Shared library > Audience manager, make a customer list (customer contact"
    " information), and copy its number into the audience."
)
# Reasons that are about the list or the person, where the conversion's table would speak of something else.
_REASONS: Final[dict[str, tuple[Class, str, str]]] = {
    "INVALID_USER_LIST_ID": (Class.CONFIG, "Google does not know this customer list.", _LIST_HINT),
    "INVALID_USER_LIST_TYPE": (
        Class.CONFIG, "This list is not one for customer contact information.", _LIST_HINT,
    ),
    "USER_LIST_TYPE_NOT_SUPPORTED_FOR_ACCOUNT": (
        Class.CONFIG, "The account may not use customer lists of this kind.", _LIST_HINT,
    ),
    "USER_LIST_MUTATION_NOT_SUPPORTED": (
        Class.CONFIG, "Google does not let this list be changed.", _LIST_HINT,
    ),
    "UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES": (
        Class.CONFIG, "The list takes other identifiers than phone numbers.", _LIST_HINT,
    ),
    "TERMS_AND_CONDITIONS_NOT_SIGNED": (
        Class.CONFIG, "The Customer Match terms are not accepted in this account.",
        "Accept them in Google Ads: Tools > Shared library > Audience manager > Your data sources.",
    ),
    "ADVERTISER_TOS_NOT_ACCEPTED": (
        Class.CONFIG, "The Customer Match terms are not accepted in this account.",
        "Accept them in Google Ads: Tools > Shared library > Audience manager > Your data sources.",
    ),
    "NOT_ALLOWLISTED": (
        Class.CONFIG, "Google has not opened Customer Match for this account.",
        "An account needs a good history of policy and payments; ask your Google contact.",
    ),
    "INVALID_AUDIENCE_MEMBER": (Class.ROW, "Google cannot use this member's identifier.", "Nothing to do."),
    "NO_IDENTIFIERS_PROVIDED": (Class.ROW, "Google cannot use this member's identifier.", "Nothing to do."),
}  # fmt: skip


class _UserData(msgspec.Struct):
    uploadMatchRateRange: str = ""  # noqa: N815 (Google's spelling, here and below)
    userIdentifierCount: int | str = 0  # noqa: N815


class _Ingested(msgspec.Struct):
    userDataIngestionStatus: _UserData | None = None  # noqa: N815


class _Part(msgspec.Struct):
    audienceMembersIngestionStatus: _Ingested | None = None  # noqa: N815


class _Status(msgspec.Struct):
    requestStatusPerDestination: list[_Part] = []  # noqa: N815


class _Failed(msgspec.Struct):
    error: google_answers.ErrorBody = msgspec.field(default_factory=google_answers.ErrorBody)


class GoogleAudience(AudiencePlatform):
    """Customer lists of one Google Ads account."""

    destination: ClassVar[str] = "google_data_manager"
    label: ClassVar[str] = "Google Ads"
    list_label: ClassVar[str] = "Customer list number"
    list_help: ClassVar[str] = (
        "Google Ads: Tools > Shared library > Audience manager. Make a customer list, open it, and copy the"
        " number behind userListId= in the address bar."
    )
    smallest_note: ClassVar[str] = "Google shows ads to a list from 100 matched members active in 30 days."
    first_poll: ClassVar[timedelta | None] = timedelta(minutes=30)

    def freeze(self, phone_e164: str, settings: GoogleDataManagerSettings) -> bytes | None:
        """Return the member as final JSON: one phone number, E.164 with its plus, hashed."""
        hashed = hashing.phone_with_plus(phone_e164)
        if hashed is None:
            return None
        member = {"userData": {"userIdentifiers": [{"phoneNumber": hashed}]}}
        return msgspec.json.encode(member)

    def request(
        self, batch: Batch, members: Sequence[bytes], settings: GoogleDataManagerSettings, token: str | None
    ) -> HttpRequest:
        """Join the frozen members into one request to the list."""
        target: dict[str, Any] = {
            "operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": settings.customer_id},
            "productDestinationId": batch.list_id,
        }
        if settings.login_customer_id is not None:
            target["loginAccount"] = {"accountType": "GOOGLE_ADS", "accountId": settings.login_customer_id}
        frame: dict[str, Any] = {
            "destinations": [target],
            "audienceMembers": [msgspec.Raw(member) for member in members],
            "encoding": "HEX",
        }
        if batch.action == "add":
            frame["consent"] = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
            frame["termsOfService"] = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}
        verb = "ingest" if batch.action == "add" else "remove"
        return HttpRequest(
            "POST",
            f"{settings.base_url.rstrip('/')}/v1/audienceMembers:{verb}",
            {"content-type": "application/json", **_signed(token)},
            msgspec.json.encode(frame),
        )

    def read(self, batch: Batch, answer: HttpAnswer, count: int) -> ListAnswer:
        """Read the receipt, or the refusal that names members."""
        if answer.status in (400, 422):
            return ListAnswer(_refused(answer, count))
        return ListAnswer(tuple(_about_members(one) for one in google_answers.read_ingest(answer, count)))

    def status_request(
        self, request_id: str, settings: GoogleDataManagerSettings, token: str | None
    ) -> HttpRequest:
        """Return the question for the verdict on one receipt."""
        query = urlencode({"requestId": request_id})
        url = f"{settings.base_url.rstrip('/')}/v1/requestStatus:retrieve?{query}"
        return HttpRequest("GET", url, _signed(token))

    def read_status(self, answer: HttpAnswer, count: int) -> ListAnswer:
        """Read the verdict, and how many of the members Google knows."""
        outcomes = tuple(_about_members(one) for one in google_answers.read_status(answer, count))
        try:
            status = msgspec.json.decode(answer.body, type=_Status)
        except msgspec.MsgspecError:
            return ListAnswer(outcomes)
        for part in status.requestStatusPerDestination:
            ingested = part.audienceMembersIngestionStatus
            data = ingested.userDataIngestionStatus if ingested is not None else None
            if data is not None:
                received = int(data.userIdentifierCount)
                return ListAnswer(outcomes, received, None, _rate(data.uploadMatchRateRange))
        return ListAnswer(outcomes)


def _refused(answer: HttpAnswer, count: int) -> Reading:
    try:
        error = msgspec.json.decode(answer.body, type=_Failed).error
    except msgspec.MsgspecError:
        error = google_answers.ErrorBody()
    bad: dict[int, Outcome] = {}
    general: list[Outcome] = []
    for violation in (one for detail in error.details for one in detail.fieldViolations):
        found = _MEMBER.search(violation.field)
        place = int(found.group(1)) if found else count
        reason = violation.reason or "INVALID_ARGUMENT"
        if place < count:
            bad[place] = _outcome(reason, violation.description, names_a_row=True)
        else:
            general.append(_outcome(reason, violation.description, names_a_row=False))
    if not bad and not general:
        reason = next((one.reason for one in error.details if one.reason), error.status or "INVALID_ARGUMENT")
        general.append(_outcome(reason, error.message, names_a_row=False))
    stops = [one for one in (*general, *bad.values()) if one.class_ in (Class.CONFIG, Class.LATER)]
    if stops:
        return stops[0].about(count)
    if bad:
        return tuple(bad.get(place, _AGAIN) for place in range(count))
    return general[0].about(count)


def _outcome(reason: str, description: str, *, names_a_row: bool) -> Outcome:
    if reason in _REASONS:
        return Outcome(_REASONS[reason][0], reason, *_REASONS[reason][1:])
    known = refusal(reason, names_a_row=names_a_row, description=description)
    if names_a_row and known.class_ is Class.BUG:
        # One member that was frozen wrong must not hold up the others.
        return Outcome(Class.ROW, reason, "Google cannot use this member's identifier.", "Nothing to do.")
    return _about_members(known)


def _about_members(outcome: Outcome) -> Outcome:
    """Say "member" where the shared readers speak of conversions."""
    message = outcome.message.replace("conversions", "members").replace("conversion", "member")
    return outcome.with_message(
        message.replace("counted", "took").replace("whether it counts", "its verdict")
    )


def _rate(said: str) -> str:
    found = _RATE.fullmatch(said)
    if found:
        return f"{found.group(1)} to {found.group(2)} %"
    return "less than 20 %" if said.endswith("LESS_THAN_20") else ""


def _signed(token: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}
