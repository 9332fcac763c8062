"""LinkedIn Ads by the Conversions API: conversion events in batches, all or nothing.

One bad element refuses the whole request (422) and is named as `Index: N, ERROR :: ...`. The same `eventId`
counts once; how long LinkedIn remembers it is not published. There is no word for later changes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from calltrack.destinations import hashing
from calltrack.destinations.base import Destination, Rate, Upload
from calltrack.destinations.changes import no_word_for
from calltrack.destinations.consent import withheld_for_consent
from calltrack.destinations.linkedin_answers import read_created, read_token
from calltrack.destinations.linkedin_settings import RULE, LinkedInSettings
from calltrack.destinations.outcomes import Outcome, Reading, Token, Verdict
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.money import Money

WINDOW: Final = timedelta(days=90)


class LinkedIn(Destination[LinkedInSettings]):
    """Conversion events by BATCH_CREATE."""

    name: ClassVar[str] = "linkedin"
    label: ClassVar[str] = "LinkedIn Ads"
    description: ClassVar[str] = "Leads and purchases by telephone as conversions in LinkedIn Ads."
    Settings = LinkedInSettings

    max_batch: ClassVar[int] = 5000
    max_age: ClassVar[timedelta | None] = WINDOW
    resend_unknown_within: ClassVar[timedelta | None] = timedelta(hours=48)
    rates: ClassVar[tuple[Rate, ...]] = (Rate(600, 60),)
    sign_in: ClassVar[str | None] = "linkedin"
    twin_paths: ClassVar[Mapping[str, str]] = {
        "base_url": "/sandbox/linkedin",
        "token_uri": "/sandbox/linkedin/oauth/v2/accessToken",
    }
    tells: ClassVar[frozenset[str]] = frozenset(("create",))

    def preflight(self, upload: Upload, settings: LinkedInSettings, now: datetime) -> Verdict:
        """Refuse what LinkedIn would refuse or cannot match; send the rest."""
        if settings.name_for(upload.kind) is None:
            return Verdict("never", "NO_RULE", f"The settings name no conversion rule for a {upload.kind}.")
        speechless = no_word_for(upload, "LinkedIn")
        if speechless is not None:
            return speechless
        if not _user_ids(upload, settings):
            return Verdict(
                "never",
                "NO_IDENTIFIERS",
                "No LinkedIn click id was seen for this call, and no e-mail can be used instead.",
            )
        withheld = withheld_for_consent(upload, settings.when_consent_unknown)
        if withheld is not None:
            return withheld
        clicked_at = upload.clicked_at if upload.click_ids.get("li_fat_id") else None
        if clicked_at is not None and upload.occurred_at < clicked_at:
            return Verdict("never", "BEFORE_CLICK", "The call happened before the click.")
        if upload.occurred_at > now + timedelta(minutes=5):
            return Verdict("never", "IN_FUTURE", "The time of the call lies in the future.")
        if now - upload.occurred_at > WINDOW:
            return Verdict(
                "never", "TOO_OLD", "The call is more than 90 days old; LinkedIn takes it no more."
            )
        return Verdict("send", "OK", "LinkedIn should take it.")

    def freeze(self, upload: Upload, settings: LinkedInSettings) -> bytes:
        """Return the element as canonical JSON, hashes included."""
        rule = settings.name_for(upload.kind)
        if rule is None:
            raise ValueError(f"no conversion rule for a {upload.kind}: preflight says never")
        user: dict[str, Any] = {"userIds": _user_ids(upload, settings)}
        # LinkedIn refuses a name that is not whole.
        first, last = _plain_name(upload.first_name), _plain_name(upload.last_name)
        if settings.send_hashed_contacts and first and last:
            user["userInfo"] = {"firstName": first, "lastName": last}
            if upload.country:
                user["userInfo"]["countryCode"] = upload.country
        element: dict[str, Any] = {
            "conversion": RULE + rule,
            "conversionHappenedAt": int(upload.occurred_at.timestamp()) * 1000
            + upload.occurred_at.microsecond // 1000,
            "eventId": upload.id,
            "user": user,
        }
        if upload.value_minor is not None and upload.currency is not None:
            amount = str(Money(upload.value_minor, upload.currency).major())
            element["conversionValue"] = {"currencyCode": upload.currency, "amount": amount}
        return msgspec.json.encode(element, order="deterministic")

    def request(
        self, payloads: Sequence[bytes], settings: LinkedInSettings, now: datetime, token: str | None = None
    ) -> HttpRequest:
        """Join the frozen elements into one request."""
        if token is None and settings.access_token is not None:
            token = settings.access_token.get_secret_value()
        headers = {
            "content-type": "application/json",
            "linkedin-version": settings.api_version,
            "x-restli-protocol-version": "2.0.0",
            "x-restli-method": "BATCH_CREATE",
        }
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        body = b'{"elements":[' + b",".join(payloads) + b"]}"
        return HttpRequest("POST", f"{settings.base_url.rstrip('/')}/rest/conversionEvents", headers, body)

    def classify(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the receipt, or the refusal and which elements it names."""
        return read_created(answer, len(payloads))

    def token_request(self, settings: LinkedInSettings) -> HttpRequest | None:
        """Return the refresh-token grant; None where an access token was pasted."""
        if settings.refresh_token is None or settings.client_id is None or settings.client_secret is None:
            return None
        form = {
            "grant_type": "refresh_token",
            "refresh_token": settings.refresh_token.get_secret_value(),
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.get_secret_value(),
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return HttpRequest("POST", settings.token_uri, headers, urlencode(form).encode())

    def read_token(self, answer: HttpAnswer) -> Token | Outcome:
        """Return the access token, with the refresh token that LinkedIn wants next time."""
        return read_token(answer)

    def account_of(self, settings: LinkedInSettings) -> str:
        """Return the rules, which belong to one ad account."""
        return f"{settings.lead_rule_id}/{settings.purchase_rule_id}"


def _user_ids(upload: Upload, settings: LinkedInSettings) -> list[dict[str, str]]:
    found = {"LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID": upload.click_ids.get("li_fat_id")}
    if settings.send_hashed_contacts:
        found["SHA256_EMAIL"] = hashing.plain_email(upload.email)
    return [{"idType": name, "idValue": value} for name, value in found.items() if value]


def _plain_name(value: str | None) -> str | None:
    """Return a name that can be read: LinkedIn takes it in the clear, so a hash or an emoji is none."""
    text = " ".join((value or "").split())
    return text if any(map(str.isalpha, text)) and not hashing.is_hashed(text) else None
