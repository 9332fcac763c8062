"""TikTok by the Events API 2.0: events of a pixel, an offline event set or a CRM event set.

Up to 1,000 events in a request, and HTTP 200 to nearly everything: what happened is in `code`. TikTok counts
the same `event` with the same `event_id` once within 48 hours. It has no word for later changes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import msgspec

from calltrack.destinations import hashing
from calltrack.destinations.base import Destination, Upload
from calltrack.destinations.changes import no_word_for
from calltrack.destinations.consent import withheld_for_consent
from calltrack.destinations.outcomes import Class, Outcome, Reading, Verdict
from calltrack.destinations.tiktok_answers import read_answer
from calltrack.destinations.tiktok_settings import WINDOWS, TikTokSettings
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.money import Money

PATH: Final = "/open_api/v1.3/event/track/"
REMEMBERS: Final = timedelta(hours=48)


class _Frozen(msgspec.Struct):
    """A frozen payload: the event source it goes to, and the event, both as final JSON."""

    source: msgspec.Raw
    event: msgspec.Raw


class _Event(msgspec.Struct):
    event_id: str = ""


class TikTok(Destination[TikTokSettings]):
    """Events by `event/track`."""

    name: ClassVar[str] = "tiktok"
    label: ClassVar[str] = "TikTok Ads"
    description: ClassVar[str] = "Leads and purchases by telephone as events in TikTok Ads."
    Settings = TikTokSettings

    twin_paths: ClassVar[Mapping[str, str]] = {"base_url": "/sandbox/tiktok"}
    max_batch: ClassVar[int] = 1000
    max_age: ClassVar[timedelta | None] = max(WINDOWS.values())
    resend_unknown_within: ClassVar[timedelta | None] = REMEMBERS
    sign_in: ClassVar[str | None] = "tiktok"
    tells: ClassVar[frozenset[str]] = frozenset(("create",))

    def preflight(self, upload: Upload, settings: TikTokSettings, now: datetime) -> Verdict:
        """Refuse what TikTok would refuse or cannot match; send the rest."""
        if settings.name_for(upload.kind) is None:
            return Verdict("never", "NO_EVENT", f"The settings name no event for a {upload.kind}.")
        speechless = no_word_for(upload, "TikTok")
        if speechless is not None:
            return speechless
        if not set(_user(upload, settings)) & {"ttclid", "ttp", "phone", "email"}:
            return Verdict("never", "NO_IDENTIFIERS", _unmatched(settings))
        withheld = withheld_for_consent(upload, settings.when_consent_unknown)
        if withheld is not None:
            return withheld
        clicked_at = upload.clicked_at if "ttclid" in _user(upload, settings) else None
        if clicked_at is not None and upload.occurred_at < clicked_at:
            return Verdict("never", "BEFORE_CLICK", "The call happened before the click.")
        if upload.occurred_at > now + timedelta(minutes=5):
            return Verdict("never", "IN_FUTURE", "The time of the call lies in the future.")
        if now - upload.occurred_at > settings.window:
            days = settings.window.days
            return Verdict(
                "never",
                "TOO_OLD",
                f"The call is more than {days} days old; TikTok takes it no more from this kind of source.",
            )
        return Verdict("send", "OK", "TikTok should take it.")

    def freeze(self, upload: Upload, settings: TikTokSettings) -> bytes:
        """Return the event and its source as canonical JSON, hashes included."""
        name = settings.name_for(upload.kind)
        if name is None:
            raise ValueError(f"no event for a {upload.kind}: preflight says never")
        event: dict[str, Any] = {
            "event": name,
            "event_time": int(upload.occurred_at.timestamp()),
            "event_id": upload.id,
            "user": _user(upload, settings),
        }
        if settings.event_source == "web" and upload.landing_url:
            event["page"] = {"url": upload.landing_url}
        if upload.value_minor is not None and upload.currency is not None:
            value = float(Money(upload.value_minor, upload.currency).major())
            event["properties"] = {"currency": upload.currency, "value": value}
        source = {"event_source": settings.event_source, "event_source_id": settings.event_source_id}
        return msgspec.json.encode({"source": source, "event": event}, order="deterministic")

    def route(self, payload: bytes) -> str:
        """Name the event source: a request speaks of one."""
        return bytes(_DECODE(payload).source).decode()

    def request(
        self, payloads: Sequence[bytes], settings: TikTokSettings, now: datetime, token: str | None = None
    ) -> HttpRequest:
        """Join the frozen events of one source into one request."""
        return _track(payloads, settings, b"")

    def classify(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read `code`, and which events it means."""
        ids = [msgspec.json.decode(_DECODE(payload).event, type=_Event).event_id for payload in payloads]
        return read_answer(answer, ids)

    def trial_request(
        self, payloads: Sequence[bytes], settings: TikTokSettings, now: datetime, token: str | None = None
    ) -> HttpRequest | None:
        """Return the request with the test code, so that it shows under Test events; None without a code."""
        if settings.test_event_code is None:
            return None
        return _track(payloads, settings, msgspec.json.encode(settings.test_event_code))

    def classify_trial(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the answer to test events, which has the same form."""
        said = "TikTok took the test event; it shows in Events Manager under Test events."
        return tuple(
            Outcome(Class.DONE, "TEST_TAKEN", said) if outcome.class_ is Class.DONE else outcome
            for outcome in self.classify(answer, payloads)
        )

    def account_of(self, settings: TikTokSettings) -> str:
        """Return the event source."""
        return settings.event_source_id


_DECODE: Final = msgspec.json.Decoder(_Frozen).decode


def _user(upload: Upload, settings: TikTokSettings) -> dict[str, str]:
    """Return what TikTok may match by: contacts hashed; for a pixel the browser's own marks in the clear."""
    found: dict[str, str | None] = {}
    if settings.send_hashed_contacts:
        found["phone"] = hashing.phone_with_plus(upload.phone_e164)
        found["email"] = hashing.plain_email(upload.email)
    if settings.event_source == "web":
        found |= {
            "ttclid": upload.click_ids.get("ttclid"),
            "ttp": upload.click_ids.get("_ttp") or upload.click_ids.get("ttp"),
            "ip": upload.ip,
            "user_agent": upload.user_agent,
        }
    return {name: value for name, value in found.items() if value}


def _unmatched(settings: TikTokSettings) -> str:
    if settings.event_source == "web":
        return "No TikTok click id was seen for this call, and no phone number or e-mail can be used instead."
    return "No phone number or e-mail of the caller can be used, and an event set matches by nothing else."


def _track(payloads: Sequence[bytes], settings: TikTokSettings, test_code: bytes) -> HttpRequest:
    frozen = [_DECODE(payload) for payload in payloads]
    # The source as it was frozen, its closing brace replaced by the events.
    body = b"".join(
        (
            bytes(frozen[0].source)[:-1],
            b',"data":[',
            b",".join(bytes(one.event) for one in frozen),
            b"]",
            b',"test_event_code":' + test_code if test_code else b"",
            b"}",
        )
    )
    headers = {
        "content-type": "application/json",
        "access-token": settings.access_token.get_secret_value(),
    }
    return HttpRequest("POST", settings.base_url.rstrip("/") + PATH, headers, body)
