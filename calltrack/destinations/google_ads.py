"""Google Ads through the Google Ads API: uploads of accounts that Google still allows to use it.

Since 15 June 2026 click uploads by this API are closed to new projects; those use the Data Manager API. The
API judges row by row at once (partial failure). Conversions are known by their order id, so the same bytes
again count once, and later changes (restatement, retraction) name the conversion by it.

`request` gives the REST form of each call, for preview and reading; the google-ads client carries it over
gRPC (`google_ads_client`), and its answers come back in REST form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

import msgspec

from calltrack.destinations import google_ads_payload, google_oauth
from calltrack.destinations.base import Destination, Tally, Upload
from calltrack.destinations.consent import withheld_for_consent
from calltrack.destinations.google_ads_answers import TAKEN, read_summary, read_trial, read_upload
from calltrack.destinations.google_ads_payload import ADJUSTMENT, CALL, CLICK
from calltrack.destinations.google_preflight import (
    LOOKBACK,
    conversion_id,
    held,
    impossible,
    never,
    through_google,
)
from calltrack.destinations.google_settings import GoogleAdsSettings
from calltrack.destinations.outcomes import Outcome, Reading, Token, Verdict
from calltrack.infra.http import HttpAnswer, HttpRequest

VERSION: Final = "v26"
ADJUSTABLE: Final = timedelta(days=54)
_METHODS: Final = {
    CLICK: ("uploadClickConversions", "conversions"),
    CALL: ("uploadCallConversions", "conversions"),
    ADJUSTMENT: ("uploadConversionAdjustments", "conversionAdjustments"),
}
# The click of `delivery.trial`: no account knows it, and all else about the row was checked.
_INVENTED: Final = b'"gclid":"calltrack-trial"'
_ABOUT_CLICKS: Final = frozenset({"UNPARSEABLE_GCLID", "EVENT_NOT_FOUND", "CLICK_NOT_FOUND"})
_SUMMARY: Final = (
    "SELECT offline_conversion_upload_client_summary.client, offline_conversion_upload_client_summary.status,"
    " offline_conversion_upload_client_summary.total_event_count,"
    " offline_conversion_upload_client_summary.successful_event_count,"
    " offline_conversion_upload_client_summary.pending_event_count,"
    " offline_conversion_upload_client_summary.last_upload_date_time,"
    " offline_conversion_upload_client_summary.alerts,"
    " offline_conversion_upload_client_summary.daily_summaries"
    " FROM offline_conversion_upload_client_summary"
)


class GoogleAds(Destination[GoogleAdsSettings]):
    """Google Ads conversions by UploadClickConversions, UploadCallConversions and their adjustments."""

    name: ClassVar[str] = "google_ads"
    label: ClassVar[str] = "Google Ads API"
    description: ClassVar[str] = (
        "For accounts that used the Google Ads API for uploads before June 2026. All others: Google Ads."
    )
    Settings = GoogleAdsSettings

    max_batch: ClassVar[int] = 2000
    max_age: ClassVar[timedelta | None] = LOOKBACK
    transport: ClassVar[Literal["http", "google_ads"]] = "google_ads"
    sign_in: ClassVar[str | None] = "google"
    twin_paths: ClassVar[Mapping[str, str]] = {
        "base_url": "/sandbox/google-ads", "token_uri": "/sandbox/oauth/token",
    }  # fmt: skip

    def preflight(self, upload: Upload, settings: GoogleAdsSettings, now: datetime) -> Verdict:
        """Refuse what Google would refuse; hold what is too early; send the rest."""
        if upload.action != "create":
            return _change(upload, settings, now)
        contacts = bool(google_ads_payload.contacts(upload, settings))
        refused = never(upload, settings, now, has_contacts=contacts)
        if refused is not None:
            return refused
        started = upload.call_started_at
        if through_google(upload, settings) and started is not None and upload.occurred_at < started:
            return Verdict("never", "BEFORE_CALL", "The conversion happened before the call.")
        return held(upload, settings, now) or Verdict("send", "OK", "Google should take it.")

    def freeze(self, upload: Upload, settings: GoogleAdsSettings) -> bytes:
        """Return the conversion or adjustment as canonical JSON, hashes included."""
        return google_ads_payload.freeze(upload, settings)

    def route(self, payload: bytes) -> str:
        """Say which of the three calls takes this payload."""
        return google_ads_payload.kind_of(payload)

    def request(
        self,
        payloads: Sequence[bytes],
        settings: GoogleAdsSettings,
        now: datetime,
        token: str | None = None,
    ) -> HttpRequest:
        """Join frozen payloads of one route into one upload; each row is judged by itself."""
        return _upload(payloads, settings, token, validate_only=False)

    def classify(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the verdict of each row."""
        is_call = self.route(payloads[0]) == CALL
        return read_upload(answer, len(payloads), is_call=is_call)

    def token_request(self, settings: GoogleAdsSettings) -> HttpRequest | None:
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

    def trial_request(
        self,
        payloads: Sequence[bytes],
        settings: GoogleAdsSettings,
        now: datetime,
        token: str | None = None,
    ) -> HttpRequest | None:
        """Return the same upload as a dry run: Google checks it and counts nothing."""
        return _upload(payloads, settings, token, validate_only=True)

    def classify_trial(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the verdict of each row of a dry run; an invented click may be unreadable."""
        reading = read_trial(answer, len(payloads), is_call=self.route(payloads[0]) == CALL)
        return tuple(
            replace(TAKEN, message=f"{TAKEN.message} (The trial's click id is invented.)")
            if outcome.code in _ABOUT_CLICKS and _INVENTED in payload
            else outcome
            for outcome, payload in zip(reading, payloads, strict=True)
        )

    def tally_request(
        self, settings: GoogleAdsSettings, since: datetime, until: datetime, token: str | None = None
    ) -> HttpRequest | None:
        """Ask for Google's own counts of uploads; Google keeps them by day for seven days."""
        url = f"{_base(settings)}/googleAds:searchStream"
        body = msgspec.json.encode({"query": _SUMMARY})
        return HttpRequest("POST", url, _headers(settings, token), body)

    def read_tally(
        self, answer: HttpAnswer, settings: GoogleAdsSettings, since: datetime, until: datetime
    ) -> Tally | None:
        """Read Google's own counts of these days; it takes no days in the question."""
        return read_summary(answer, since.date(), (until - timedelta(microseconds=1)).date())

    def account_of(self, settings: GoogleAdsSettings) -> str:
        """Return the customer number."""
        return settings.customer_id


def _change(upload: Upload, settings: GoogleAdsSettings, now: datetime) -> Verdict:
    """Judge a restatement or retraction: it names the conversion by its id and carries no personal data."""
    if through_google(upload, settings):
        return Verdict(
            "never",
            "CALLS_DO_NOT_CHANGE",
            "Google matched this call itself, and has no word for a later change to such a conversion.",
        )
    if settings.name_for(upload.kind) is None:
        return Verdict("never", "NO_ACTION", f"The settings name no conversion action for a {upload.kind}.")
    if upload.action == "restate" and (upload.value_minor is None or upload.currency is None):
        reason = "The change names no new value with its currency, so there is nothing to tell."
        return Verdict("never", "NO_VALUE", reason)
    if now - upload.occurred_at > ADJUSTABLE:
        return Verdict(
            "never", "TOO_OLD_TO_CHANGE", "The call is more than 54 days old; Google changes it no more."
        )
    # It carries no personal data; still, where the conversion may not go, no word of it goes.
    wrong = withheld_for_consent(upload, settings.when_consent_unknown) or impossible(upload, settings, now)
    if wrong is not None:
        return wrong
    if upload.changed_at < upload.occurred_at:
        return Verdict("never", "BEFORE_CONVERSION", "The change happened before the conversion.")
    return Verdict("send", "OK", f"Google should change {conversion_id(upload)}.")


def _upload(
    payloads: Sequence[bytes], settings: GoogleAdsSettings, token: str | None, *, validate_only: bool
) -> HttpRequest:
    method, name = _METHODS[google_ads_payload.kind_of(payloads[0])]
    dry_run = b',"validateOnly":true' if validate_only else b""
    body = b"".join(
        (b'{"', name.encode(), b'":[', b",".join(payloads), b'],"partialFailure":true', dry_run, b"}")
    )
    return HttpRequest("POST", f"{_base(settings)}:{method}", _headers(settings, token), body)


def _base(settings: GoogleAdsSettings) -> str:
    return f"{settings.base_url.rstrip('/')}/{VERSION}/customers/{settings.customer_id}"


def _headers(settings: GoogleAdsSettings, token: str | None) -> dict[str, str]:
    headers = {"content-type": "application/json"}
    if settings.login_customer_id is not None:
        headers["login-customer-id"] = settings.login_customer_id
    if token:
        headers["authorization"] = f"Bearer {token}"
    return headers
