"""The twin of audienceMembers:ingest and :remove: all or nothing at once, the verdict by and by.

Magic inputs: a list whose number begins with 404 does not exist, with 403 is closed, with 26 has no accepted
terms. `fault targets`: google_audiences for both calls, status (shared with events) for the verdict.
"""

import re
import secrets
import threading
from datetime import datetime
from typing import Final

import msgspec

from calltrack.sandbox.platforms.audience_sets import MemberSets
from calltrack.sandbox.platforms.data_manager import Answer, error
from calltrack.sandbox.platforms.data_manager_checks import Consent, Identifier, Target, Violation, snake
from calltrack.sandbox.platforms.faults import Modes

PLATFORM: Final = "google_data_manager"
MOST: Final = 10_000
RECEIPT: Final = "sandbox-audience-"
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")


class Terms(msgspec.Struct, forbid_unknown_fields=True):
    """TermsOfService."""

    customerMatchTermsOfServiceStatus: str = ""  # noqa: N815 (Google's spelling, here and below)


class UserData(msgspec.Struct, forbid_unknown_fields=True):
    """UserData."""

    userIdentifiers: list[Identifier] = []  # noqa: N815


class AudienceMember(msgspec.Struct, forbid_unknown_fields=True):
    """AudienceMember."""

    userData: UserData | None = None  # noqa: N815
    consent: Consent | None = None
    destinationReferences: list[str] = []  # noqa: N815


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """IngestAudienceMembersRequest; a removal knows neither consent nor terms."""

    destinations: list[Target] = []
    audienceMembers: list[AudienceMember] = []  # noqa: N815
    encoding: str = ""
    validateOnly: bool = False  # noqa: N815
    consent: Consent | None = None
    termsOfService: Terms | None = None  # noqa: N815


_READ: Final = msgspec.json.Decoder(Body)


class Receipts:
    """What was received and when; kept in memory, as Google keeps receipts for some weeks only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, str, int, int]] = {}

    def give(self, at: float, action: str, size: int, refused: int) -> str:
        """Keep a receipt and return its name."""
        name = RECEIPT + secrets.token_hex(12)
        with self._lock:
            self._kept[name] = (at, action, size, refused)
        return name

    def verdict(self, name: str, modes: Modes, now: datetime) -> Answer | None:
        """Answer `requestStatus:retrieve` for a receipt of ours; None: it is no such receipt."""
        with self._lock:
            kept = self._kept.get(name)
        if kept is None:
            return None
        at, action, size, refused = kept
        counts = {"recordCount": str(size), "userIdentifierCount": str(size - refused)}
        if action == "add":
            rate = {"uploadMatchRateRange": "MATCH_RATE_RANGE_61_TO_70"}
            part = {"audienceMembersIngestionStatus": {"userDataIngestionStatus": counts | rate}}
        else:
            part = {"audienceMembersRemovalStatus": {"userDataRemovalStatus": counts}}
        done = now.timestamp() >= at + modes.processing_seconds
        state = "PROCESSING" if not done else "FAILED" if refused else "SUCCESS"
        said: dict[str, object] = {"requestStatus": state, **part}
        if done and refused:
            reason = "PROCESSING_ERROR_REASON_NO_CONSENT"
            said["errorInfo"] = {"errorCounts": [{"reason": reason, "recordCount": str(refused)}]}
        return Answer(200, {"requestStatusPerDestination": [said]})


def take(sets: MemberSets, receipts: Receipts, action: str, body: bytes, now: datetime) -> Answer:
    """Answer one request; nothing is changed unless every member is in order."""
    try:
        wanted = _READ.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        text, _, path = str(fault).partition(" - at `$")
        return _bad([Violation(snake(path.rstrip("`").lstrip(".")), text, "INVALID_ARGUMENT")])
    violations = _frame(wanted, action) or _members(wanted)
    if violations:
        return _bad(violations)
    if any(target.productDestinationId.startswith("403") for target in wanted.destinations):
        return error(403, "PERMISSION_DENIED", "The caller does not have permission.")
    if wanted.validateOnly:
        return Answer(200, {})
    members = [identifier_of(one) for member in wanted.audienceMembers for one in _identifiers(member)]
    agreed = action == "remove" or _granted(wanted.consent)
    for target in wanted.destinations if agreed else []:
        sets.change(PLATFORM, target.productDestinationId, action, members)
    count = len(wanted.audienceMembers)
    return Answer(200, {"requestId": receipts.give(now.timestamp(), action, count, 0 if agreed else count)})


def identifier_of(one: Identifier) -> str:
    """Name an identifier by its kind and hash."""
    if one.phoneNumber is not None:
        return f"phone:{one.phoneNumber.lower()}"
    return f"email:{(one.emailAddress or '').lower()}"


def _frame(body: Body, action: str) -> list[Violation]:
    if not 1 <= len(body.destinations) <= 10:
        return [Violation("destinations", "1 to 10 destinations.", "REQUIRED_FIELD_MISSING")]
    if not body.audienceMembers:
        return [Violation("audience_members", "Required.", "REQUIRED_FIELD_MISSING")]
    if len(body.audienceMembers) > MOST:
        return [Violation("audience_members", f"At most {MOST}.", "TOO_MANY_AUDIENCE_MEMBERS")]
    if body.encoding not in ("HEX", "BASE64"):
        return [Violation("encoding", "Required for user data.", "REQUIRED_FIELD_MISSING")]
    if action == "remove" and (body.consent is not None or body.termsOfService is not None):
        return [Violation("", "Unknown name for a removal.", "INVALID_ARGUMENT")]
    for place, target in enumerate(body.destinations):
        where, list_id = f"destinations[{place}]", target.productDestinationId
        account = target.operatingAccount
        if account is None or account.accountType != "GOOGLE_ADS" or not account.accountId.isdigit():
            return [Violation(f"{where}.operating_account", "Invalid.", "INVALID_DESTINATION")]
        if not list_id.isdigit() or list_id.startswith("404"):
            return [Violation(f"{where}.product_destination_id", "Invalid.", "INVALID_USER_LIST_ID")]
        if list_id.startswith("26"):
            return [Violation(where, "Terms.", "TERMS_AND_CONDITIONS_NOT_SIGNED")]
    terms = body.termsOfService
    if action == "add" and (terms is None or terms.customerMatchTermsOfServiceStatus != "ACCEPTED"):
        return [Violation("terms_of_service", "Must be accepted.", "TERMS_AND_CONDITIONS_NOT_SIGNED")]
    return []


def _members(body: Body) -> list[Violation]:
    found = []
    for place, member in enumerate(body.audienceMembers):
        where, identifiers = f"audience_members[{place}]", _identifiers(member)
        if not 1 <= len(identifiers) <= 10:
            found.append(Violation(where, "1 to 10 identifiers.", "INVALID_AUDIENCE_MEMBER"))
        for number, one in enumerate(identifiers):
            value = one.phoneNumber or one.emailAddress or ""
            if not _SHA256.fullmatch(value):
                path = f"{where}.user_data.user_identifiers[{number}]"
                found.append(Violation(path, "Not a SHA-256 in hex.", "INVALID_SHA256_FORMAT"))
        if len(found) >= 200:
            break
    return found


def _identifiers(member: AudienceMember) -> list[Identifier]:
    return member.userData.userIdentifiers if member.userData is not None else []


def _granted(consent: Consent | None) -> bool:
    return consent is not None and (consent.adUserData, consent.adPersonalization) == (
        "CONSENT_GRANTED", "CONSENT_GRANTED",
    )  # fmt: skip


def _bad(violations: list[Violation]) -> Answer:
    return error(400, "INVALID_ARGUMENT", "There was a problem with the request.", violations)
