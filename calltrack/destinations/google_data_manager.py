"""Google Ads through the Data Manager API: offline conversions by click id and hashed phone or e-mail.

Plain JSON over HTTPS. The API is fast-fail (one bad event refuses the request, named as `events[N]`) and
asynchronous (200 is only a receipt; the verdict is polled). Events are matched and de-duplicated by
transactionId within a conversion action; the same id with a new value restates the conversion.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from urllib.parse import urlencode

import msgspec

from calltrack.destinations import google_event, google_oauth, google_preflight
from calltrack.destinations.base import Destination, Rate, Tally, Upload
from calltrack.destinations.google_answers import read_ingest, read_status, read_trial
from calltrack.destinations.google_settings import GoogleDataManagerSettings
from calltrack.destinations.google_status import read_counts
from calltrack.destinations.outcomes import Outcome, Reading, Token, Verdict
from calltrack.infra.http import HttpAnswer, HttpRequest


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
    counts_receipts: ClassVar[bool] = True
    first_poll: ClassVar[timedelta] = timedelta(minutes=30)
    max_batch: ClassVar[int] = 2000
    max_age: ClassVar[timedelta | None] = google_preflight.LOOKBACK
    rates: ClassVar[tuple[Rate, ...]] = (Rate(300, 60, "platform"), Rate(100_000, 86_400, "platform"))

    def preflight(self, upload: Upload, settings: GoogleDataManagerSettings, now: datetime) -> Verdict:
        """Refuse what Google would refuse; hold what is too early; send the rest."""
        has_contacts = bool(google_event.contacts(upload, settings))
        refused = google_preflight.never(upload, settings, now, has_contacts=has_contacts)
        valueless = upload.value_minor is None or upload.currency is None
        if refused is None and upload.action == "restate" and valueless:
            reason = "The change names no new value with its currency, so there is nothing to tell."
            refused = Verdict("never", "NO_VALUE", reason)
        waits = refused or google_preflight.held(upload, settings, now)
        if waits is not None:
            return waits
        if upload.action == "retract":
            return Verdict(
                "send",
                "VALUE_TO_ZERO",
                "The value goes to 0; Google's interface cannot take back the count itself.",
            )
        return Verdict("send", "OK", "Google should take it.")

    def freeze(self, upload: Upload, settings: GoogleDataManagerSettings) -> bytes:
        """Return the event and where it goes as canonical JSON, hashes included.

        Raises:
            ValueError: the settings name no conversion action for it; preflight says never.
        """
        return google_event.freeze(upload, settings)

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
        """Return the same request as a dry run: Google checks it and counts nothing."""
        return self._ingest(payloads, settings, token, validate_only=True)

    def classify_trial(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the answer to a dry run: a 200 says that nothing is wrong, and has no receipt."""
        return read_trial(answer, len(payloads))

    def classify(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the receipt or the refusal."""
        return read_ingest(answer, len(payloads))

    def account_of(self, settings: GoogleDataManagerSettings) -> str:
        """Return the customer number."""
        return settings.customer_id

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
        """Say whether the answer came from `requestStatus:retrieve`: a verdict, or no such receipt."""
        told = (b"requestStatusPerDestination", b"REQUEST_TOO_OLD", b"INVALID_REQUEST_ID")
        return any(word in answer.body for word in told)

    def classify_status(self, answer: HttpAnswer, count: int) -> Reading:
        """Read the verdict for each event of the request."""
        return read_status(answer, count)

    def read_counts(self, answer: HttpAnswer) -> Tally | None:
        """Read how many events Google has of one receipt, and how many of them it refused."""
        return read_counts(answer)

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


def _headers(token: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}
