"""Signed webhooks by the Standard Webhooks specification: one conversion, or one change to it, per request.

The receiver checks the signature with any Standard Webhooks library and keeps the `webhook-id`s it has seen:
the same id always means the same conversion at the same state, however often it arrives.
"""

import base64
import binascii
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import msgspec
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from standardwebhooks import Webhook

from calltrack.destinations.base import Destination, Upload
from calltrack.destinations.outcomes import Class, Outcome, Reading, Verdict, retry_after
from calltrack.destinations.settings import DestinationSettings
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.money import Money

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (a prefix, not a password)
SECRET_BYTES: Final = range(24, 65)

# Failing for so long without one success switches the webhook off.
STOPS_AFTER: Final = timedelta(days=5)
# How long the old secret signs beside the new one.
OVERLAP: Final = timedelta(days=7)
# The schedule of the trade: at once, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h after each failure.
SCHEDULE: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
_PAST_TENSE: Final = {"create": "created", "restate": "restated", "retract": "retracted"}


def new_secret() -> str:
    """Return a fresh signing secret."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


class WebhookSettings(DestinationSettings):
    """Where to post and how to sign."""

    url: str = Field(title="Address", description="A public https:// address that takes POST requests.")
    secret: SecretStr = Field(
        title="Signing secret", description="whsec_ followed by 24 to 64 bytes in base64."
    )
    previous_secret: SecretStr | None = Field(
        None,
        title="Previous signing secret",
        description="During a change of secret: both sign, so that the receiver may switch at any time.",
    )
    previous_secret_until: date | None = Field(
        None,
        title="Previous secret signs until",
        description="A day such as 2026-12-24 (UTC, that day included). Empty: until you take it away.",
    )
    include_contacts: bool = Field(
        False,
        title="Include phone number, e-mail, name and address",
        description="In the clear. Leave off unless the receiver needs them and may have them.",
    )

    @classmethod
    def fresh_secrets(cls) -> dict[str, str]:
        """Return a newly made signing secret."""
        return {"secret": new_secret()}

    @field_validator("url")
    @classmethod
    def _public_address(cls, value: str, info: ValidationInfo) -> str:
        try:
            parts = urlsplit(value)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("this is not a web address") from None
        if not host or parts.scheme not in ("http", "https"):
            raise ValueError("write a whole address, such as https://example.com/calltrack")
        if parts.username is not None or parts.password is not None:
            raise ValueError("leave user name and password out of the address; requests are signed instead")
        if parts.fragment or any(char.isspace() or not char.isprintable() for char in value):
            raise ValueError("leave spaces and #fragments out of the address")
        if not (info.context or {}).get("sandbox"):
            if parts.scheme != "https":
                raise ValueError("only https:// addresses are allowed")
            if port not in (None, 443, 8443):
                raise ValueError("only the ports 443 and 8443 are allowed")
        return value

    def rotated(self, now: datetime) -> dict[str, Any]:
        """Return a new secret; the present one signs beside it for a week."""
        return {
            "secret": new_secret(),
            "previous_secret": self.secret.get_secret_value(),
            "previous_secret_until": (now + OVERLAP).astimezone(UTC).date().isoformat(),
        }

    def keys(self, now: datetime) -> list[str]:
        """Return the secrets that sign at this moment, the newest first."""
        until, previous = self.previous_secret_until, self.previous_secret
        signs = previous is not None and (until is None or now.astimezone(UTC).date() <= until)
        found = [self.secret, previous] if signs else [self.secret]
        return [key.get_secret_value() for key in found if key is not None]

    @field_validator("secret", "previous_secret")
    @classmethod
    def _signing_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        text = value.get_secret_value()
        try:
            key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not text.startswith(SECRET_PREFIX) or len(key) not in SECRET_BYTES:
            raise ValueError("must be whsec_ followed by 24 to 64 bytes in base64")
        return value


def event_body(kind: str, id_: str, at: datetime, data: dict[str, Any]) -> bytes:
    """Return the frozen body of an event that is no conversion; it is sent as conversions are.

    `id_` stays the same however often it is sent: with it the `webhook-id` does.
    """
    told = {"id": id_, "sequence": 0, "occurred_at": _iso(at), **data}
    return msgspec.json.encode({"type": kind, "timestamp": _iso(at), "data": told}, order="deterministic")


class _Body(msgspec.Struct):
    class Data(msgspec.Struct):
        id: str
        sequence: int

    data: Data


class WebhookOut(Destination[WebhookSettings]):
    """A POST per conversion to an address of the company's own choice."""

    name: ClassVar[str] = "webhook"
    label: ClassVar[str] = "Webhook"
    description: ClassVar[str] = "Every lead, purchase and later change, signed, to your own address."
    Settings = WebhookSettings

    max_batch: ClassVar[int] = 1
    stops_after: ClassVar[timedelta | None] = STOPS_AFTER
    waits: ClassVar[tuple[timedelta, ...]] = SCHEDULE
    gives_up: ClassVar[bool] = True

    def preflight(self, upload: Upload, settings: WebhookSettings, now: datetime) -> Verdict:
        """Everything may go to the company's own address."""
        return Verdict("send", "OK", "Everything goes to your own address.")

    def freeze(self, upload: Upload, settings: WebhookSettings) -> bytes:
        """Return the body: type, timestamp and data, as documented in docs/destinations/webhook.md."""
        body = {
            "type": f"{upload.kind}.{_PAST_TENSE[upload.action]}",
            "timestamp": _iso(upload.changed_at),
            "data": _data(upload, settings),
        }
        return msgspec.json.encode(body, order="deterministic")

    def request(
        self, payloads: Sequence[bytes], settings: WebhookSettings, now: datetime, token: str | None = None
    ) -> HttpRequest:
        """Return the signed POST of one body; the time of signing is the time of this attempt."""
        (body,) = payloads
        data = msgspec.json.decode(body, type=_Body).data
        return _signed(settings, f"{data.id}-{data.sequence}", body, now)

    def classify(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """2xx is success, 410 means never again, anything else is tried again by the schedule."""
        return _outcome(answer).about(len(payloads))

    def trial_request(
        self, payloads: Sequence[bytes], settings: WebhookSettings, now: datetime, token: str | None = None
    ) -> HttpRequest | None:
        """Return a signed message of the type `test`, which means nothing else."""
        said = "A test by calltrack: nothing happened. Answer 2xx and do nothing."
        body = msgspec.json.encode({"type": "test", "timestamp": _iso(now), "data": {"message": said}})
        return _signed(settings, f"test-{int(now.timestamp() * 1000)}", body, now)

    def classify_trial(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the answer to a test; it is not tried again by itself."""
        outcome = _outcome(answer)
        if outcome.class_ is Class.LATER:
            hint = outcome.hint.replace("calltrack tries again by itself", "then run the trial again")
            outcome = replace(outcome, hint=hint, after=None)
        return outcome.about(len(payloads))


def _signed(settings: WebhookSettings, message_id: str, body: bytes, now: datetime) -> HttpRequest:
    signatures = [
        Webhook(key).sign(message_id, now.astimezone(UTC), body.decode()) for key in settings.keys(now)
    ]
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return HttpRequest("POST", settings.url, headers, body)


def _outcome(answer: HttpAnswer) -> Outcome:
    status = answer.status
    if 200 <= status < 300:
        return Outcome(Class.DONE, f"HTTP_{status}", "Your server has taken it.")
    if status == 410:
        return Outcome(
            Class.CONFIG,
            "GONE",
            "Your server says this address is gone (HTTP 410), so nothing more is sent to it.",
            "Enter the new address and switch the webhook on again.",
        )
    if 300 <= status < 400:
        hint = "Enter the final address: redirects are not followed."
    elif status in (401, 403):
        hint = "Check that your server verifies the signature with the current secret."
    elif status == 404:
        hint = "Check the address."
    elif status == 413:
        hint = "Let your server take bodies of at least 64 kB."
    else:
        hint = "Check your server's log; calltrack tries again by itself."
    wait = retry_after(answer) if status in (429, 503) or status >= 500 else None
    return Outcome(Class.LATER, f"HTTP_{status}", f"Your server answered HTTP {status}.", hint, after=wait)


def _data(upload: Upload, settings: WebhookSettings) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": upload.id,
        "kind": upload.kind,
        "action": upload.action,
        "sequence": upload.sequence,
        "status": "retracted" if upload.action == "retract" else "counted",
        "occurred_at": _iso(upload.occurred_at),
        "changed_at": _iso(upload.changed_at),
        "value": None,
        "value_minor": upload.value_minor,
        "currency": upload.currency,
        "original_value_minor": upload.original_value_minor,
        "call_id": upload.call_id,
        "person_id": upload.person_id,
        "first_time": upload.first_time,
        "probability": upload.probability,
        "source": upload.source,
        "medium": upload.medium,
        "campaign": upload.campaign,
        "landing_url": upload.landing_url,
        "click_ids": dict(upload.click_ids),
        "clicked_at": None if upload.clicked_at is None else _iso(upload.clicked_at),
        "consent": {
            "ad_user_data": upload.consent.ad_user_data,
            "ad_personalization": upload.consent.ad_personalization,
        },
    }
    if upload.value_minor is not None and upload.currency is not None:
        data["value"] = str(Money(upload.value_minor, upload.currency).major())
    if settings.include_contacts:
        names = ("email", "first_name", "last_name", "city", "postal_code", "country")
        data |= {"phone": upload.phone_e164} | {name: getattr(upload, name) for name in names}
    return data


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
