"""Google Ads through the Data Manager API: offline conversions by click id and hashed phone or e-mail.

Plain JSON over HTTPS. The API is fast-fail (one bad event refuses the request, named as `events[N]`) and
asynchronous (200 is only a receipt; the verdict is polled). Events are matched and de-duplicated by
transactionId within a conversion action; the same id with a new value restates the conversion.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from calltrack.destinations import google_oauth, hashing
from calltrack.destinations.base import Destination, Upload
from calltrack.destinations.consent import withheld_for_consent
from calltrack.destinations.google_answers import read_ingest, read_status, read_trial
from calltrack.destinations.google_settings import GoogleDataManagerSettings
from calltrack.destinations.outcomes import Outcome, Reading, Token, Verdict
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.money import Money

LOOKBACK: Final = timedelta(days=90)
_CONSENT: Final = {"granted": "CONSENT_GRANTED", "denied": "CONSENT_DENIED"}


class _Frozen(msgspec.Struct):
    """A frozen payload: the account and action it goes to, and the event, both as final JSON."""

    destination: msgspec.Raw
    event: msgspec.Raw


class GoogleDataManager(Destination[GoogleDataManagerSettings]):
    """Google Ads offline conversions by `events:ingest`."""

    name: ClassVar[str] = "google_data_manager"
    label: ClassVar[str] = "Google Ads"
    description: ClassVar[str] = "Leads and purchases by telephone as offline conversions in Google Ads."
    Settings = GoogleDataManagerSettings

    sign_in: ClassVar[str | None] = "google"
    twin_paths: ClassVar[Mapping[str, str]] = {
        "base_url": "/sandbox/datamanager", "token_uri": "/sandbox/oauth/token",
    }  # fmt: skip
    asynchronous: ClassVar[bool] = True
    first_poll: ClassVar[timedelta] = timedelta(minutes=30)
    max_batch: ClassVar[int] = 2000
    max_age: ClassVar[timedelta | None] = LOOKBACK

    def preflight(self, upload: Upload, settings: GoogleDataManagerSettings, now: datetime) -> Verdict:
        """Refuse what Google would refuse; hold what is too early; send the rest."""
        refused = _never(upload, settings, now)
        if refused is not None:
            return refused
        held_until = (upload.clicked_at or now) + timedelta(hours=settings.hold_after_click_hours)
        if upload.clicked_at is not None and now < held_until:
            return Verdict(
                "wait",
                "CLICK_TOO_RECENT",
                f"Held until {settings.hold_after_click_hours} hours after the click.",
                held_until,
            )
        if upload.action == "retract":
            return Verdict(
                "send",
                "VALUE_TO_ZERO",
                "The value goes to 0; Google's interface cannot take back the count itself.",
            )
        return Verdict("send", "OK", "Google should take it.")

    def freeze(self, upload: Upload, settings: GoogleDataManagerSettings) -> bytes:
        """Return the event and where it goes as canonical JSON, hashes included."""
        action = settings.action_for(upload.kind)
        if action is None:
            raise ValueError(f"no conversion action for a {upload.kind}: preflight says never")
        reference = f"{settings.customer_id}-{action}"
        destination: dict[str, Any] = {
            "reference": reference,
            "operatingAccount": _account(settings.customer_id),
            "productDestinationId": action,
        }
        if settings.login_customer_id is not None:
            destination["loginAccount"] = _account(settings.login_customer_id)
        event = {"destinationReferences": [reference], **_event(upload, settings)}
        return msgspec.json.encode({"destination": destination, "event": event}, order="deterministic")

    def request(
        self,
        payloads: Sequence[bytes],
        settings: GoogleDataManagerSettings,
        now: datetime,
        token: str | None = None,
    ) -> HttpRequest:
        """Join the frozen events into one ingest request; each account and action is named once."""
        return self._ingest(payloads, settings, token, validate_only=False)

    def trial_request(
        self,
        payloads: Sequence[bytes],
        settings: GoogleDataManagerSettings,
        now: datetime,
        token: str | None = None,
    ) -> HttpRequest | None:
        """Return the same request with validateOnly: Google checks it and counts nothing."""
        return self._ingest(payloads, settings, token, validate_only=True)

    def classify_trial(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the answer to a trial: any 200 means that Google would take the events."""
        return read_trial(answer, len(payloads))

    def classify(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the receipt or the refusal."""
        return read_ingest(answer, len(payloads))

    def token_request(self, settings: GoogleDataManagerSettings) -> HttpRequest | None:
        """Return the refresh-token grant."""
        return google_oauth.token_request(
            settings.token_uri,
            settings.client_id,
            settings.client_secret.get_secret_value(),
            settings.refresh_token.get_secret_value(),
        )

    def read_token(self, answer: HttpAnswer) -> Token | Outcome:
        """Return the access token; a revoked grant pauses the destination and asks for reconnection."""
        return google_oauth.read_token(answer)

    def status_request(
        self, request_id: str, settings: GoogleDataManagerSettings, token: str | None = None
    ) -> HttpRequest:
        """Return the question for the verdict on one receipt."""
        query = urlencode({"requestId": request_id})
        url = f"{settings.base_url.rstrip('/')}/v1/requestStatus:retrieve?{query}"
        return HttpRequest("GET", url, _headers(token))

    def is_verdict(self, answer: HttpAnswer) -> bool:
        """Say whether the answer came from `requestStatus:retrieve`."""
        return b"requestStatusPerDestination" in answer.body

    def classify_status(self, answer: HttpAnswer, count: int) -> Reading:
        """Read the verdict for each event of the request."""
        return read_status(answer, count)

    def _ingest(
        self,
        payloads: Sequence[bytes],
        settings: GoogleDataManagerSettings,
        token: str | None,
        *,
        validate_only: bool,
    ) -> HttpRequest:
        frozen = [_DECODE_FROZEN(payload) for payload in payloads]
        destinations = dict.fromkeys(bytes(one.destination) for one in frozen)
        dry_run = b',"validateOnly":true' if validate_only else b""
        body = b"".join(
            (
                b'{"destinations":[',
                b",".join(destinations),
                b'],"encoding":"HEX","events":[',
                b",".join(bytes(one.event) for one in frozen),
                b"]",
                dry_run,
                b"}",
            )
        )
        url = f"{settings.base_url.rstrip('/')}/v1/events:ingest"
        return HttpRequest("POST", url, {"content-type": "application/json", **_headers(token)}, body)


_DECODE_FROZEN = msgspec.json.Decoder(_Frozen).decode


def _never(upload: Upload, settings: GoogleDataManagerSettings, now: datetime) -> Verdict | None:
    click, contacts = _click_id(upload), _contacts(upload, settings)
    if settings.action_for(upload.kind) is None:
        return Verdict("never", "NO_ACTION", f"The settings name no conversion action for a {upload.kind}.")
    if not click and not contacts:
        return Verdict(
            "never",
            "NO_IDENTIFIERS",
            "No Google click id was seen for this call, and no phone number or e-mail can be used instead.",
        )
    withheld = withheld_for_consent(upload, settings.when_consent_unknown)
    if withheld is not None:
        return withheld
    if upload.clicked_at is not None and upload.occurred_at < upload.clicked_at:
        return Verdict("never", "BEFORE_CLICK", "The call happened before the click.")
    if upload.occurred_at > now + timedelta(minutes=5):
        return Verdict("never", "IN_FUTURE", "The time of the call lies in the future.")
    window = timedelta(days=settings.lookback_days)
    if now - upload.occurred_at > LOOKBACK:
        return Verdict("never", "TOO_OLD", "The call is more than 90 days old; Google takes it no more.")
    if upload.clicked_at is not None and upload.occurred_at - upload.clicked_at > window:
        return Verdict(
            "never",
            "OUTSIDE_WINDOW",
            f"The call came more than {settings.lookback_days} days after the click.",
        )
    return None


def _event(upload: Upload, settings: GoogleDataManagerSettings) -> dict[str, Any]:
    event: dict[str, Any] = {
        "transactionId": upload.id,
        "eventTimestamp": _rfc3339(upload.occurred_at),
        "lastUpdatedTimestamp": _rfc3339(upload.changed_at),
        "eventSource": settings.event_source,
    }
    click = _click_id(upload)
    if click:
        event["adIdentifiers"] = dict(click)
        if upload.user_agent:
            event["adIdentifiers"]["landingPageDeviceInfo"] = {"userAgent": upload.user_agent}
    contacts = _contacts(upload, settings)
    if contacts:
        event["userData"] = {"userIdentifiers": contacts}
    consent = {
        name: _CONSENT[state]
        for name, state in (
            ("adUserData", upload.consent.ad_user_data),
            ("adPersonalization", upload.consent.ad_personalization),
        )
        if state in _CONSENT
    }
    if consent:
        event["consent"] = consent
    if upload.currency is not None and (upload.value_minor is not None or upload.action == "retract"):
        minor = 0 if upload.action == "retract" else upload.value_minor or 0
        event["conversionValue"] = float(Money(minor, upload.currency).major())
        event["currency"] = upload.currency
    elif upload.action == "retract":
        event["conversionValue"] = 0.0
    if upload.kind == "purchase":
        event["userProperties"] = {"customerType": "NEW" if upload.first_time else "RETURNING"}
    return event


def _click_id(upload: Upload) -> dict[str, str]:
    """Return the one click id Google is to match by; several at once contradict each other."""
    for name in ("gclid", "wbraid", "gbraid"):
        if upload.click_ids.get(name):
            return {name: upload.click_ids[name]}
    return {}


def _contacts(upload: Upload, settings: GoogleDataManagerSettings) -> list[dict[str, str]]:
    if not settings.send_hashed_contacts:
        return []
    hashed = (
        ("emailAddress", hashing.google_email(upload.email)),
        ("phoneNumber", hashing.phone_with_plus(upload.phone_e164)),
    )
    return [{name: value} for name, value in hashed if value is not None]


def _account(number: str) -> dict[str, str]:
    return {"accountType": "GOOGLE_ADS", "accountId": number}


def _headers(token: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
