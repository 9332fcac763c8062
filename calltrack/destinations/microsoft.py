"""Microsoft Advertising: offline conversions and their changes by the Campaign Management API, REST v13.

Plain JSON over HTTPS. Rows are judged one by one. Microsoft knows a conversion by click, time and goal: the
same again is ignored, the first wins, for ever; so the time is frozen to the letter. A new value is a
Restate, taking back a Retract; both name the conversion by the same click, time and goal.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

import msgspec

from calltrack.destinations import hashing, microsoft_oauth
from calltrack.destinations.base import Destination, Tally, Upload
from calltrack.destinations.consent import withheld_for_consent
from calltrack.destinations.microsoft_answers import read_applied, read_report, refuses_token
from calltrack.destinations.microsoft_settings import MicrosoftSettings
from calltrack.destinations.outcomes import Outcome, Reading, Token, Verdict
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.money import Money

LOOKBACK: Final = timedelta(days=90)
AHEAD: Final = timedelta(minutes=5)
GOAL_REST: Final = timedelta(hours=2)
"""How long Microsoft needs before a new goal takes conversions."""
APPLY, ADJUST = "OfflineConversions", "OfflineConversionAdjustments"
_PATH: Final = "/CampaignManagement/v13"


class _Frozen(msgspec.Struct):
    """A frozen payload: the account and the kind of request it goes by, and the row as final JSON."""

    account: str
    by: str
    row: msgspec.Raw


class Microsoft(Destination[MicrosoftSettings]):
    """Offline conversions of Microsoft Advertising."""

    name: ClassVar[str] = "microsoft"
    label: ClassVar[str] = "Microsoft Advertising"
    description: ClassVar[str] = "Leads and purchases by telephone as offline conversions of Bing ads."
    Settings = MicrosoftSettings

    sign_in: ClassVar[str | None] = "microsoft"
    twin_paths: ClassVar[Mapping[str, str]] = {
        "base_url": "/sandbox/microsoft",
        "token_uri": "/sandbox/microsoft/token",
    }
    max_batch: ClassVar[int] = 1000
    max_age: ClassVar[timedelta | None] = LOOKBACK
    min_age: ClassVar[timedelta] = timedelta(hours=1)

    def preflight(self, upload: Upload, settings: MicrosoftSettings, now: datetime) -> Verdict:
        """Refuse what Microsoft would refuse; hold what is too early; send the rest."""
        refused = _never(upload, settings) or _never_by_time(upload, settings, now)
        if refused is not None:
            return refused
        waits = _held(upload, settings, now)
        return waits or Verdict("send", "OK", "Microsoft should take it.")

    def freeze(self, upload: Upload, settings: MicrosoftSettings) -> bytes:
        """Return the conversion or its change as canonical JSON, hashes included."""
        goal = settings.name_for(upload.kind)
        if goal is None:
            raise ValueError(f"no goal for a {upload.kind}: preflight says never")
        adjusts = upload.action != "create"
        row = _adjustment(goal, upload, settings) if adjusts else _conversion(goal, upload, settings)
        frozen = {"account": settings.account_id, "by": ADJUST if adjusts else APPLY, "row": row}
        return msgspec.json.encode(frozen, order="deterministic")

    def route(self, payload: bytes) -> str:
        """Conversions and changes go by requests of their own, each account by its own."""
        frozen = _decode(payload)
        return f"{frozen.by}:{frozen.account}"

    def request(
        self,
        payloads: Sequence[bytes],
        settings: MicrosoftSettings,
        now: datetime,
        token: str | None = None,
    ) -> HttpRequest:
        """Join the frozen rows of one route into one request."""
        frozen = [_decode(payload) for payload in payloads]
        by, account = frozen[0].by, frozen[0].account
        body = b'{"%b":[%b]}' % (by.encode(), b",".join(bytes(one.row) for one in frozen))
        url = f"{settings.base_url.rstrip('/')}{_PATH}/{by}/Apply"
        return HttpRequest("POST", url, _headers(settings, account, token), body)

    def classify(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the partial errors row by row, or the fault."""
        return read_applied(answer, len(payloads))

    def token_refused(self, answer: HttpAnswer) -> bool:
        """Say whether Microsoft refuses the access token: 401, or error 109 with any status."""
        return refuses_token(answer)

    def token_request(self, settings: MicrosoftSettings) -> HttpRequest | None:
        """Return the refresh-token grant at Microsoft Entra."""
        secret = settings.client_secret
        return microsoft_oauth.token_request(
            settings.token_uri,
            settings.client_id,
            None if secret is None else secret.get_secret_value(),
            settings.refresh_token.get_secret_value(),
        )

    def read_token(self, answer: HttpAnswer) -> Token | Outcome:
        """Return the access token and the refresh token that takes the place of the present one."""
        return microsoft_oauth.read_token(answer)

    def tally_request(
        self, settings: MicrosoftSettings, since: datetime, until: datetime, token: str | None = None
    ) -> HttpRequest | None:
        """Return the question for Microsoft's counts of uploads by day (GetOfflineConversionReports)."""
        body = msgspec.json.encode({"StartDateUtc": _iso(since), "EndDateUtc": _iso(until)})
        url = f"{settings.base_url.rstrip('/')}{_PATH}/OfflineConversionReports/Query"
        return HttpRequest("POST", url, _headers(settings, settings.account_id, token), body)

    def read_tally(
        self, answer: HttpAnswer, settings: MicrosoftSettings, since: datetime, until: datetime
    ) -> Tally | None:
        """Read the counts of uploads: days are the account's own, changes are among them."""
        days = read_report(answer)
        if days is None:
            return None
        counted, refused = sum(one.success_count for one in days), sum(one.failure_count for one in days)
        note = "Uploads by day in the account's time zone, changes and other sources included."
        return Tally(received=counted + refused, counted=counted, refused=refused, note=note)

    def account_of(self, settings: MicrosoftSettings) -> str:
        """Limits hang on the account."""
        return settings.account_id


_DECODER: Final = msgspec.json.Decoder(_Frozen)


def _decode(payload: bytes) -> _Frozen:
    return _DECODER.decode(payload)


def _never(upload: Upload, settings: MicrosoftSettings) -> Verdict | None:
    if settings.name_for(upload.kind) is None:
        return Verdict("never", "NO_ACTION", f"The settings name no goal for a {upload.kind}.")
    if not _identifiers(upload, settings):
        return Verdict(
            "never",
            "NO_IDENTIFIERS",
            "No Microsoft click was seen for this call, and no phone number or e-mail can be used instead.",
        )
    withheld = withheld_for_consent(upload, settings.when_consent_unknown)
    if withheld is not None:
        return withheld
    if upload.action == "restate" and (upload.value_minor is None or upload.currency is None):
        reason = "Microsoft takes a new value only with a value and a currency."
        return Verdict("never", "NO_VALUE", reason)
    return None


def _never_by_time(upload: Upload, settings: MicrosoftSettings, now: datetime) -> Verdict | None:
    clicked_at = _clicked_at(upload)
    if clicked_at is not None and upload.occurred_at < clicked_at:
        return Verdict("never", "BEFORE_CLICK", "The call happened before the click.")
    if upload.occurred_at > now + AHEAD:
        return Verdict("never", "IN_FUTURE", "The time of the call lies in the future.")
    if now - upload.occurred_at > LOOKBACK:
        return Verdict("never", "TOO_OLD", "The call is more than 90 days old; Microsoft takes it no more.")
    days = settings.lookback_days
    if clicked_at is not None and upload.occurred_at - clicked_at > timedelta(days=days):
        return Verdict("never", "OUTSIDE_WINDOW", f"The call came more than {days} days after the click.")
    return None


def _held(upload: Upload, settings: MicrosoftSettings, now: datetime) -> Verdict | None:
    """Return the longest of the waits that a conversion has before it; None: it may go at once."""
    waits: list[tuple[datetime, str, str]] = [
        (upload.occurred_at, "NOT_YET", "Held until the time of the call."),
    ]
    if settings.goals_made_at is not None:
        reason = "Held until two hours after the goals were made; Microsoft takes nothing before."
        waits.append((settings.goals_made_at + GOAL_REST, "ACTION_TOO_NEW", reason))
    clicked_at = _clicked_at(upload)
    if upload.action == "create" and clicked_at is not None:
        hours = settings.hold_after_click_hours
        unit = "hour" if hours == 1 else "hours"
        reason = f"Held until {hours} {unit} after the click, as Microsoft advises."
        waits.append((clicked_at + timedelta(hours=hours), "CLICK_TOO_RECENT", reason))
    until, code, reason = max(waits, key=lambda one: one[0])
    return Verdict("wait", code, reason, until) if now < until else None


def _conversion(goal: str, upload: Upload, settings: MicrosoftSettings) -> dict[str, Any]:
    row = {"ConversionName": goal, "ConversionTime": _iso(upload.occurred_at)}
    return row | _identifiers(upload, settings) | _money(upload, "ConversionValue", "ConversionCurrencyCode")


def _adjustment(goal: str, upload: Upload, settings: MicrosoftSettings) -> dict[str, Any]:
    row: dict[str, Any] = {
        "AdjustmentTime": _iso(max(upload.changed_at, upload.occurred_at)),
        "AdjustmentType": "Restate" if upload.action == "restate" else "Retract",
        "ConversionName": goal,
        "ConversionTime": _iso(upload.occurred_at),
    }
    if upload.action == "restate":
        row |= _money(upload, "AdjustmentValue", "AdjustmentCurrencyCode")
    return row | _identifiers(upload, settings)


def _identifiers(upload: Upload, settings: MicrosoftSettings) -> dict[str, str]:
    found = {"MicrosoftClickId": upload.click_ids.get("msclkid", "").strip() or None}
    if settings.send_hashed_contacts:
        bare = settings.email_form == "without_dots_and_suffix"
        plus = settings.phone_form == "with_plus"
        phone, email = upload.phone_e164, upload.email
        found["HashedEmailAddress"] = hashing.plain_email(_bare(email) if bare else email)
        found["HashedPhoneNumber"] = hashing.phone_with_plus(phone) if plus else hashing.phone_digits(phone)
    return {name: value for name, value in found.items() if value is not None}


def _bare(email: str | None) -> str | None:
    """Return the address without dots and +suffix before the @, whatever its domain."""
    if email is None or hashing.is_hashed(email.strip()):
        return email
    local, at, domain = email.strip().rpartition("@")
    return local.split("+", 1)[0].replace(".", "") + at + domain


def _money(upload: Upload, value: str, currency: str) -> dict[str, Any]:
    if upload.value_minor is None or upload.currency is None:
        return {}
    major = float(Money(upload.value_minor, upload.currency).major())
    return {value: major, currency: upload.currency}


def _clicked_at(upload: Upload) -> datetime | None:
    """Return when the Microsoft ad was clicked; another platform's click is no matter here."""
    return upload.clicked_at if upload.click_ids.get("msclkid", "").strip() else None


def _headers(settings: MicrosoftSettings, account: str, token: str | None) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "developertoken": settings.developer_token.get_secret_value(),
        "customerid": settings.customer_id,
        "customeraccountid": account,
    }
    return headers | ({"authorization": f"Bearer {token}"} if token else {})


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
