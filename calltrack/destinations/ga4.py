"""Google Analytics 4 by the Measurement Protocol: one event a request, and Google never says what it thinks.

`mp/collect` answers 2xx to everything, also to what it throws away. So the most that can be known is "taken":
whatever can be checked is checked before. Only the event named `purchase` is counted once (by
`transaction_id`) and can be taken back (`refund`).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from calltrack.destinations.base import Destination, Upload
from calltrack.destinations.consent import withheld_for_consent
from calltrack.destinations.ga4_settings import Ga4Settings
from calltrack.destinations.outcomes import Class, Outcome, Reading, Verdict, retry_after
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.money import Money
from calltrack.kernel.touch import STREAM_COOKIE

WINDOW: Final = timedelta(hours=72)
COUNTED_ONCE: Final = "purchase"
MAX_VALUE: Final = 100
_CONSENT: Final = {"granted": "GRANTED", "denied": "DENIED"}
_COOKIE: Final = re.compile(r"GA\d\.[\d-]+\.(\d+\.\d+)", re.ASCII)

_TAKEN: Final = Outcome(
    Class.DONE,
    "TAKEN",
    "Google Analytics has taken it. It answers so to everything and confirms nothing.",
    "It shows in the reports within 48 hours.",
)
_NOT_GOOGLE: Final = Outcome(
    Class.UNKNOWN,
    "NOT_GOOGLE",
    "A web page answered instead of Google Analytics, so it is not known whether the event arrived.",
)


class _Event(msgspec.Struct):
    name: str = ""


class _Frozen(msgspec.Struct):
    events: list[_Event] = []


class _Message(msgspec.Struct):
    fieldPath: str = ""  # noqa: N815 (Google's spelling)
    description: str = ""
    validationCode: str = "UNKNOWN"  # noqa: N815


class _Checked(msgspec.Struct):
    validationMessages: list[_Message]  # noqa: N815


class Ga4(Destination[Ga4Settings]):
    """Events of a GA4 web data stream by `mp/collect`."""

    name: ClassVar[str] = "ga4"
    label: ClassVar[str] = "Google Analytics 4"
    description: ClassVar[str] = "Leads and purchases by telephone as events in your GA4 property."
    Settings = Ga4Settings

    twin_paths: ClassVar[Mapping[str, str]] = {"base_url": "/sandbox/ga4"}
    max_batch: ClassVar[int] = 1  # client_id and consent belong to the whole request
    max_age: ClassVar[timedelta | None] = WINDOW
    resend_unknown_within: ClassVar[timedelta | None] = timedelta(0)
    tells: ClassVar[frozenset[str]] = frozenset(("create", "retract"))

    def preflight(self, upload: Upload, settings: Ga4Settings, now: datetime) -> Verdict:
        """Refuse what Google would drop in silence; send the rest."""
        if settings.name_for(upload.kind) is None:
            return Verdict("never", "NO_EVENT", f"The settings name no event for a {upload.kind}.")
        speechless = _no_word(upload, settings)
        if speechless is not None:
            return speechless
        if client_id(upload) is None:
            return Verdict(
                "never",
                "NO_CLIENT_ID",
                "The visitor's Google Analytics cookie (_ga) was not seen for this call, and GA4 places"
                " nothing without it. Check that Analytics runs on the pages that show tracking numbers.",
            )
        withheld = withheld_for_consent(upload, settings.when_consent_unknown)
        if withheld is not None:
            return withheld
        at = _moment(upload)
        if at > now + timedelta(minutes=5):
            return Verdict("never", "IN_FUTURE", "The time of the call lies in the future.")
        if now - at > WINDOW:
            return Verdict(
                "never", "TOO_OLD", "It happened more than 72 hours ago; Google Analytics takes it no more."
            )
        return Verdict("send", "OK", "Google Analytics should take it; it will not confirm it.")

    def freeze(self, upload: Upload, settings: Ga4Settings) -> bytes:
        """Return the body of the request, which is the same whenever it is sent."""
        name, client = settings.name_for(upload.kind), client_id(upload)
        if name is None or client is None:
            raise ValueError("no event name or no client id: preflight says never")
        body: dict[str, Any] = {
            "client_id": client,
            "timestamp_micros": _micros(_moment(upload)),
            "events": [
                {"name": "refund", "params": _refund(upload)}
                if upload.action == "retract"
                else {"name": name, "params": _params(upload, settings)}
            ],
        }
        consent = {
            field: _CONSENT[state]
            for field, state in (
                ("ad_user_data", upload.consent.ad_user_data),
                ("ad_personalization", upload.consent.ad_personalization),
            )
            if state in _CONSENT
        }
        if consent:
            body["consent"] = consent
        return msgspec.json.encode(body, order="deterministic")

    def request(
        self, payloads: Sequence[bytes], settings: Ga4Settings, now: datetime, token: str | None = None
    ) -> HttpRequest:
        """Return the frozen body on its way; measurement id and secret travel in the address."""
        (body,) = payloads
        return _post("/mp/collect", body, settings)

    def classify(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """2xx means taken and no more; the rest comes from what stands before Google's collector."""
        return _outcome(answer).about(len(payloads))

    def counts_once(self, payload: bytes) -> bool:
        """Only `purchase` is de-duplicated, by its transaction id; a lead or a refund would count twice."""
        frozen = msgspec.json.decode(payload, type=_Frozen)
        return [event.name for event in frozen.events] == [COUNTED_ONCE]

    def trial_request(
        self, payloads: Sequence[bytes], settings: Ga4Settings, now: datetime, token: str | None = None
    ) -> HttpRequest | None:
        """Return the first payload for Google's validation server, which counts nothing."""
        return _post("/debug/mp/collect", payloads[0], settings)

    def classify_trial(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read `validationMessages`. Google checks the form only: not the measurement id, not the secret."""
        if not 200 <= answer.status < 300:
            return _outcome(answer).about(len(payloads))
        try:
            messages = msgspec.json.decode(answer.body, type=_Checked).validationMessages
        except msgspec.MsgspecError:
            said = "Google's validation server gave an answer that cannot be read."
            return Outcome(Class.LATER, "UNREADABLE", said, "Try again.").about(len(payloads))
        return (_complaint(messages[0]) if messages else _VALID).about(len(payloads))

    def account_of(self, settings: Ga4Settings) -> str:
        """Return the data stream."""
        return settings.measurement_id


_VALID: Final = Outcome(
    Class.DONE,
    "VALID",
    "Google finds the event well formed. It does not check the measurement id and the API secret:"
    " look under Realtime in Analytics after the first call.",
)


def client_id(upload: Upload) -> str | None:
    """Return the visitor's GA4 client id: as given, or out of the `_ga` cookie (`GA1.1.<random>.<time>`)."""
    given = (upload.ga_client_id or "").strip()
    if not given:
        cookie = _COOKIE.fullmatch(upload.click_ids.get("_ga", "").strip())
        given = cookie[1] if cookie else ""
    return given if 0 < len(given) <= MAX_VALUE and given.isprintable() else None


def _no_word(upload: Upload, settings: Ga4Settings) -> Verdict | None:
    if upload.action == "restate":
        return Verdict(
            "never",
            "NO_WORD_FOR_VALUE",
            "Google Analytics cannot change a value it has; the first one stays there."
            " Use calltrack's own figures for revenue.",
        )
    if upload.action == "retract" and settings.name_for(upload.kind) != COUNTED_ONCE:
        return Verdict(
            "never",
            "NO_WORD_FOR_TAKING_BACK",
            "Google Analytics can take back only the event purchase, by a refund; this one stays counted."
            " Use calltrack's own figures for leads.",
        )
    return None


def _moment(upload: Upload) -> datetime:
    """Return when it happened: a refund happens when it is made."""
    return upload.changed_at if upload.action == "retract" else upload.occurred_at


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def session_id(upload: Upload, settings: Ga4Settings) -> str | None:
    """Return the visitor's GA4 session: as given, or that of the cookie of this very data stream."""
    stream = f"{STREAM_COOKIE}{settings.measurement_id.removeprefix('G-')}"
    given = (upload.ga_session_id or upload.click_ids.get(stream, "")).strip()
    return given if given.isascii() and given.isdigit() and len(given) <= MAX_VALUE else None


def _params(upload: Upload, settings: Ga4Settings) -> dict[str, Any]:
    # Without an engagement time the event and its visitor are missing in most of GA4's reports.
    params: dict[str, Any] = {"engagement_time_msec": 1, "transaction_id": upload.id}
    session = session_id(upload, settings)
    if session is not None:
        params["session_id"] = session
    return params | _money(upload.value_minor, upload.currency)


def _refund(upload: Upload) -> dict[str, Any]:
    # GA4 never heard of later values, so what goes back is the value it was first told.
    minor = upload.value_minor if upload.original_value_minor is None else upload.original_value_minor
    return {"transaction_id": upload.id} | _money(minor, upload.currency)


def _money(minor: int | None, currency: str | None) -> dict[str, Any]:
    if minor is None or currency is None:
        return {}
    return {"currency": currency, "value": float(Money(minor, currency).major())}


def _post(path: str, body: bytes, settings: Ga4Settings) -> HttpRequest:
    secret = settings.api_secret.get_secret_value()
    query = urlencode({"measurement_id": settings.measurement_id, "api_secret": secret})
    headers = {"content-type": "application/json"}
    return HttpRequest("POST", f"{settings.host}{path}?{query}", headers, body)


def _outcome(answer: HttpAnswer) -> Outcome:
    status = answer.status
    if 200 <= status < 300:
        # Google's own answer is empty: a page came from something that stands between.
        return _NOT_GOOGLE if answer.body.lstrip()[:1] == b"<" else _TAKEN
    said = f"Google Analytics answered HTTP {status}."
    if status in (408, 429) or status >= 500:
        return Outcome(Class.LATER, f"HTTP_{status}", said, "Nothing to do.", after=retry_after(answer))
    if status == 413:
        return Outcome(Class.ROW, "TOO_LARGE", "The event is larger than Google Analytics takes.")
    if status in (401, 403, 404):
        hint = "Check the measurement id and the API secret, then resume."
        return Outcome(Class.CONFIG, f"HTTP_{status}", said, hint)
    if 300 <= status < 400:
        # A proxy or a moved address: nothing was taken, and a person must look.
        return Outcome(Class.CONFIG, f"HTTP_{status}", said, "Ask who runs calltrack to update it.")
    return Outcome(Class.BUG, f"HTTP_{status}", said, "Tell who runs calltrack.")


def _complaint(message: _Message) -> Outcome:
    code = message.validationCode[:60]
    said = f"Google finds a fault at {message.fieldPath or 'the event'}: {message.description[:300]}"
    if code == "INTERNAL_ERROR":
        return Outcome(Class.LATER, code, said, "Try again.")
    if message.fieldPath in ("measurement_id", "api_secret", "firebase_app_id"):
        return Outcome(Class.CONFIG, code, said, "Check the measurement id and the API secret.")
    if code in ("NAME_INVALID", "NAME_RESERVED"):
        return Outcome(Class.CONFIG, code, said, "Choose another event name in the settings.")
    if code in ("VALUE_INVALID", "VALUE_OUT_OF_BOUNDS"):
        return Outcome(Class.ROW, code, said)
    return Outcome(Class.BUG, code, said, "Tell who runs calltrack.")
