"""LinkedIn Ads by the Conversions API: conversion events in batches, all or nothing.

One bad element refuses the whole request (422) and is named as `Index: N, ERROR :: ...`. The same `eventId`
counts once; how long LinkedIn remembers it is not published. There is no word for later changes.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from calltrack.destinations import hashing
from calltrack.destinations.base import Destination, Rate, Upload
from calltrack.destinations.changes import no_word_for
from calltrack.destinations.consent import WhenUnknown, withheld_for_consent
from calltrack.destinations.outcomes import Class, Outcome, Reading, Token, Verdict, retry_after
from calltrack.destinations.settings import DestinationSettings
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.money import Money

BASE_URL: Final = "https://api.linkedin.com"
TOKEN_URI: Final = "https://www.linkedin.com/oauth/v2/accessToken"  # noqa: S105 (an address)
VERSION: Final = "202603"
WINDOW: Final = timedelta(days=90)
RULE: Final = "urn:lla:llaPartnerConversion:"
T = TypeVar("T", bound=msgspec.Struct)
_NAMED: Final = re.compile(r"Index:\s*(\d{1,5})\s*,")
_INDICES: Final = re.compile(r"indices\s*\[([\d,\s]+)\]")
_LOOK: Final = "Look at the call: something stored for it is unusual."
_RECONNECT: Final = "Connect LinkedIn again, or paste a new access token; until then nothing is lost."


class LinkedInSettings(DestinationSettings):
    """The conversion rules that calls count for, and the access to the ad account that owns them."""

    lead_rule_id: str | None = Field(
        None,
        title="Conversion rule for leads",
        description="Number of a rule with the data source Conversions API. Empty: leads are not sent.",
    )
    purchase_rule_id: str | None = Field(
        None,
        title="Conversion rule for purchases",
        description="Number of a rule with the data source Conversions API. Empty: purchases are not sent.",
    )
    access_token: SecretStr | None = Field(
        None, title="Access token", description="With rw_conversions; ends after 60 days."
    )
    refresh_token: SecretStr | None = Field(
        None, title="Refresh token", description="Renews the access by itself, with client id and secret."
    )
    client_id: str | None = Field(None, title="OAuth client id")
    client_secret: SecretStr | None = Field(None, title="OAuth client secret")
    send_hashed_contacts: bool = Field(
        True,
        title="Send hashed e-mail, and the name as it is",
        description="Lets LinkedIn match calls without a click id.",
    )
    when_consent_unknown: WhenUnknown = Field(
        "by_region",
        title="When the visitor's consent is unknown",
        description="by_region withholds where the law asks for consent: EEA, UK and Switzerland.",
    )
    api_version: str = Field(
        VERSION, title="API version", description="Year and month. LinkedIn ends each after about a year."
    )
    base_url: str = Field(BASE_URL, json_schema_extra={"sandbox": True})
    token_uri: str = Field(TOKEN_URI, json_schema_extra={"sandbox": True})

    @field_validator(
        "lead_rule_id", "purchase_rule_id", "access_token", "refresh_token", "client_id", "client_secret",
        mode="before",
    )  # fmt: skip
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("lead_rule_id", "purchase_rule_id")
    @classmethod
    def _rule(cls, value: str | None) -> str | None:
        number = None if value is None else value.removeprefix(RULE)
        if number is not None and not re.fullmatch(r"[0-9]{1,20}", number):
            raise ValueError("a conversion rule is named by its number, as in its address")
        return number

    @field_validator("api_version")
    @classmethod
    def _month(cls, value: str) -> str:
        if not re.fullmatch(r"20[0-9]{2}(0[1-9]|1[0-2])", value):
            raise ValueError("year and month, such as 202603")
        return value

    @field_validator("access_token", "refresh_token")
    @classmethod
    def _token(cls, value: SecretStr | None) -> SecretStr | None:
        text = "" if value is None else value.get_secret_value()
        if not text.isascii() or not (text.isprintable() and " " not in text):
            raise ValueError("must be the token as LinkedIn shows it")
        return value

    @model_validator(mode="after")
    def _complete(self, info: ValidationInfo) -> "LinkedInSettings":
        if self.lead_rule_id is None and self.purchase_rule_id is None:
            raise ValueError("name a conversion rule for leads, for purchases, or both")
        if self.access_token is None and not self.renews:
            raise ValueError("an access token is needed, or a refresh token with client id and secret")
        real = (self.base_url, self.token_uri) == (BASE_URL, TOKEN_URI)
        if not real and not (info.context or {}).get("sandbox"):
            raise ValueError("base_url and token_uri can be changed in the sandbox only")
        if any(urlsplit(url).scheme not in ("http", "https") for url in (self.base_url, self.token_uri)):
            raise ValueError("base_url and token_uri must be http or https addresses")
        return self

    @property
    def renews(self) -> bool:
        """Whether access is renewed with a refresh token."""
        return None not in (self.refresh_token, self.client_id, self.client_secret)

    def rule_for(self, kind: str) -> str | None:
        """Return the number of the rule that conversions of this kind count for."""
        return self.lead_rule_id if kind == "lead" else self.purchase_rule_id


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
        if settings.rule_for(upload.kind) is None:
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
        rule = settings.rule_for(upload.kind)
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
        return _read(answer, len(payloads))

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
        said = _decode(answer, _Granted) or _Granted()
        if answer.status == 200 and said.access_token:
            return Token(said.access_token, timedelta(seconds=said.expires_in), said.refresh_token or None)
        if answer.status == 429 or answer.status >= 500 or not said.error:
            text = "LinkedIn's sign-in service is unwell."
            return Outcome(Class.LATER, f"TOKEN_HTTP_{answer.status}", text, "Nothing to do.")
        text = "LinkedIn has withdrawn the connection, or it expired."
        return Outcome(Class.CONFIG, said.error.upper()[:60], text, _RECONNECT)

    def account_of(self, settings: LinkedInSettings) -> str:
        """Return the rules, which belong to one ad account."""
        return f"{settings.lead_rule_id}/{settings.purchase_rule_id}"


class _Granted(msgspec.Struct):
    access_token: str = ""
    expires_in: int = 60 * 86_400
    refresh_token: str = ""
    error: str = ""


class _Element(msgspec.Struct):
    status: int
    error: Any = None


class _Receipt(msgspec.Struct):
    elements: list[_Element]


class _Failed(msgspec.Struct):
    message: str = ""
    code: str | int = ""
    serviceErrorCode: int = 0  # noqa: N815 (LinkedIn's spelling)


_DONE: Final = Outcome(Class.DONE, "CREATED", "LinkedIn counted it.")
_AGAIN: Final = Outcome(
    Class.AGAIN, "REQUEST_REFUSED", "The request was refused for another conversion; this one goes again."
)
_SPLIT: Final = Outcome(
    Class.SPLIT,
    "ROW_NOT_NAMED",
    "LinkedIn refused some conversions of a request without saying which; they go again in halves.",
)


def _user_ids(upload: Upload, settings: LinkedInSettings) -> list[dict[str, str]]:
    found = {"LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID": upload.click_ids.get("li_fat_id")}
    if settings.send_hashed_contacts:
        found["SHA256_EMAIL"] = hashing.plain_email(upload.email)
    return [{"idType": name, "idValue": value} for name, value in found.items() if value]


def _plain_name(value: str | None) -> str | None:
    """Return a name that can be read: LinkedIn takes it in the clear, so a hash or an emoji is none."""
    text = " ".join((value or "").split())
    return text if any(map(str.isalpha, text)) and not hashing.is_hashed(text) else None


def _read(answer: HttpAnswer, count: int) -> Reading:
    status = answer.status
    if 200 <= status < 300:
        return _receipt(answer, count)
    said = _decode(answer, _Failed) or _Failed()
    if status in (408, 409, 425, 429) or status >= 500:
        text = f"LinkedIn answered HTTP {status}."
        return Outcome(
            Class.LATER, f"HTTP_{status}", text, "Nothing to do.", after=retry_after(answer)
        ).about(count)
    config = _config(status, said)
    if config is not None:
        return config.about(count)
    if status in (400, 413, 422):
        return _refused(status, said.message, count)
    text = f"LinkedIn answered HTTP {status}: {_short(said.message)}"
    return Outcome(Class.BUG, f"HTTP_{status}", text, "Tell who runs calltrack.").about(count)


def _receipt(answer: HttpAnswer, count: int) -> Reading:
    if not answer.body.strip():
        return _DONE.about(count)
    receipt = _decode(answer, _Receipt)
    if receipt is None or len(receipt.elements) != count:
        text = "LinkedIn's answer could not be read, so it is not known whether the conversions arrived."
        hint = "Nothing to do: it is sent again where that cannot count twice, else left to you."
        return Outcome(Class.UNKNOWN, "UNREADABLE", text, hint).about(count)
    return tuple(_element(element) for element in receipt.elements)


def _element(element: _Element) -> Outcome:
    status = element.status
    if 200 <= status < 300:
        return _DONE
    if status == 429 or status >= 500:
        text = f"LinkedIn could not take it (status {status})."
        return Outcome(Class.LATER, f"ROW_{status}", text, "Nothing to do: calltrack sends it again.")
    said = element.error.get("message") if isinstance(element.error, dict) else None
    text = f"LinkedIn refused it: {_short(str(said))}" if said else f"LinkedIn refused it (status {status})."
    return Outcome(Class.ROW, f"ROW_{status}", text, _LOOK)


def _config(status: int, said: _Failed) -> Outcome | None:
    """Return what a person must change, where the whole connection is at fault."""
    if status == 401:
        code = str(said.serviceErrorCode or "HTTP_401")
        text = "LinkedIn does not accept the access any more: it expired or was withdrawn."
        return Outcome(Class.CONFIG, code, text, _RECONNECT)
    if status == 426 or "VERSION" in str(said.code).upper():
        text = "LinkedIn has ended the API version that calltrack speaks."
        hint = "Enter a newer version in the settings (year and month, such as the present one), then resume."
        return Outcome(Class.CONFIG, "VERSION_ENDED", text, hint)
    if status == 403:
        text = f"LinkedIn does not allow this connection to send conversions: {_short(said.message)}"
        hint = "Sign in as somebody who may manage the ad account, with the permission rw_conversions."
        return Outcome(Class.CONFIG, "HTTP_403", text, hint)
    if status == 404 or (status == 400 and "CONVERSIONS_API" in said.message):
        text = f"LinkedIn does not take conversions for this rule: {_short(said.message)}"
        hint = "Enter the number of a rule of your ad account with the data source Conversions API."
        return Outcome(Class.CONFIG, "WRONG_RULE", text, hint)
    if 300 <= status < 400:
        text = f"LinkedIn answered HTTP {status}."
        return Outcome(Class.CONFIG, f"HTTP_{status}", text, "Ask who runs calltrack to update it.")
    return None


def _refused(status: int, message: str, count: int) -> Reading:
    named = {place: words for place, words in _named(message).items() if place < count}
    if named:
        return tuple(
            Outcome(Class.ROW, f"HTTP_{status}", f"LinkedIn refused it: {_short(named[place])}", _LOOK)
            if place in named
            else _AGAIN
            for place in range(count)
        )
    if count > 1:
        return _SPLIT.about(count)
    class_, hint = (Class.BUG, "Tell who runs calltrack.") if status == 400 else (Class.ROW, _LOOK)
    return (Outcome(class_, f"HTTP_{status}", f"LinkedIn refused it: {_short(message)}", hint),)


def _named(message: str) -> dict[int, str]:
    """Return the places that a refusal names, with LinkedIn's words for each."""
    parts = _NAMED.split(message)
    found = {int(place): words for place, words in zip(parts[1::2], parts[2::2], strict=True)}
    for listed in _INDICES.finditer(message):
        found |= {int(place): message for place in listed[1].replace(",", " ").split()}
    return found


def _short(words: str) -> str:
    text = " ".join(words.replace("ERROR ::", "").split())[:300]
    return text if text.endswith(".") else f"{text or 'no reason given'}."


def _decode(answer: HttpAnswer, type_: type[T]) -> T | None:
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except msgspec.MsgspecError:
        return None
