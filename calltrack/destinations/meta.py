"""Meta (Facebook, Instagram) through the Conversions API: leads and purchases as events of a dataset.

Plain JSON over HTTPS, Graph API v26.0. One invalid event refuses its whole request. Meta counts the first
event with the same name and id within 48 hours and ignores the rest; it has no words for a changed value or
for taking an event back.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from calltrack.destinations.base import Destination, Tally, Upload
from calltrack.destinations.changes import no_word_for
from calltrack.destinations.consent import withheld_for_consent
from calltrack.destinations.meta_answers import TOO_OLD, read_events, read_stats
from calltrack.destinations.meta_person import finds_a_person, user_data
from calltrack.destinations.meta_settings import MetaSettings
from calltrack.destinations.outcomes import Class, Reading, Verdict
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.money import Money

VERSION: Final = "v26.0"
AHEAD: Final = timedelta(minutes=1)
TRIAL_EVENT: Final = "CalltrackTest"
_LIMITED: Final = {"by_location": (0, 0), "california": (1, 1000)}


class _Frozen(msgspec.Struct):
    """A frozen payload: the dataset it goes to, and the event as final JSON."""

    dataset: str
    event: msgspec.Raw


class _Time(msgspec.Struct):
    event_time: int


class _TimeOf(msgspec.Struct):
    event: _Time


class Meta(Destination[MetaSettings]):
    """Meta's Conversions API."""

    name: ClassVar[str] = "meta"
    label: ClassVar[str] = "Meta"
    description: ClassVar[str] = "Leads and purchases by telephone as events for Facebook and Instagram ads."
    Settings = MetaSettings

    max_batch: ClassVar[int] = 1000
    max_age: ClassVar[timedelta | None] = TOO_OLD
    resend_unknown_within: ClassVar[timedelta | None] = timedelta(hours=48)
    sign_in: ClassVar[str | None] = "meta"
    twin_paths: ClassVar[Mapping[str, str]] = {"base_url": "/sandbox/meta"}
    tells: ClassVar[frozenset[str]] = frozenset(("create",))

    def preflight(self, upload: Upload, settings: MetaSettings, now: datetime) -> Verdict:
        """Refuse what Meta would refuse (it would take the rest of the request with it); send the rest."""
        refused = (
            no_word_for(upload, self.label) or _never(upload, settings, now) or _incomplete(upload, settings)
        )
        return refused or Verdict("send", "OK", "Meta should take it.")

    def freeze(self, upload: Upload, settings: MetaSettings) -> bytes:
        """Return the event and its dataset as canonical JSON, hashes included."""
        event = settings.name_for(upload.kind)
        if event is None or upload.action != "create":
            raise ValueError(f"no event for a {upload.kind} to {upload.action}: preflight says never")
        frozen = {"dataset": settings.dataset_id, "event": _event(event, upload, settings)}
        return msgspec.json.encode(frozen, order="deterministic")

    def route(self, payload: bytes) -> str:
        """Events of one dataset share requests."""
        return _decode(payload).dataset

    def request(
        self, payloads: Sequence[bytes], settings: MetaSettings, now: datetime, token: str | None = None
    ) -> HttpRequest:
        """Join the frozen events into one request to their dataset."""
        frozen = [_decode(payload) for payload in payloads]
        body = b'{"data":[' + b",".join(bytes(one.event) for one in frozen) + b"]}"
        return _post(frozen[0].dataset, body, settings)

    def classify(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the count of events received, or the one error for all."""
        return read_events(answer, payloads, _happened)

    def trial_request(
        self, payloads: Sequence[bytes], settings: MetaSettings, now: datetime, token: str | None = None
    ) -> HttpRequest | None:
        """Return the events under a name that counts for no campaign; None without a test event code.

        Meta does not drop test events, it only shows them at once: so they are not called Lead or Purchase.
        """
        if settings.test_event_code is None:
            return None
        frozen = [_decode(payload) for payload in payloads]
        events = [msgspec.json.decode(one.event) for one in frozen]
        for event in events:
            event |= {"event_name": TRIAL_EVENT, "event_id": f"{event['event_id']}-trial"}
        body = {"data": events, "test_event_code": settings.test_event_code}
        encoded = msgspec.json.encode(body, order="deterministic")
        return _post(frozen[0].dataset, encoded, settings)

    def classify_trial(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Read the answer to a trial; DONE means that Meta showed it under Test events."""
        seen = "Meta took the test event; it is shown in Events Manager under Test events."
        reading = self.classify(answer, payloads)
        return tuple(replace(one, message=seen) if one.class_ is Class.DONE else one for one in reading)

    def tally_request(
        self, settings: MetaSettings, since: datetime, until: datetime, token: str | None = None
    ) -> HttpRequest | None:
        """Return the question for the dataset's events by name (Ads Pixel Stats)."""
        times = {"start_time": int(since.timestamp()), "end_time": int(until.timestamp())}
        query = {"aggregation": "event", **times, **_proof(settings)}
        url = f"{_node(settings.dataset_id, settings)}/stats?{urlencode(query)}"
        return HttpRequest("GET", url, _headers(settings))

    def read_tally(
        self, answer: HttpAnswer, settings: MetaSettings, since: datetime, until: datetime
    ) -> Tally | None:
        """Read the events by name; `received` counts the settings' own events, the note lists what there is.

        The counts are the dataset's: those of the website's pixel and of other senders are among them.
        """
        counts = read_stats(answer)
        if counts is None:
            return None
        ours = {settings.lead_event_name, settings.purchase_event_name}
        listed = ", ".join(f"{name} {count}" for name, count in sorted(counts.items())[:20]) or "no events"
        note = f"In the whole dataset, the website's own pixel included: {listed}."
        return Tally(received=sum(count for name, count in counts.items() if name in ours), note=note)

    def account_of(self, settings: MetaSettings) -> str:
        """Limits hang on the dataset."""
        return settings.dataset_id


_DECODER: Final = msgspec.json.Decoder(_Frozen)
_TIMES: Final = msgspec.json.Decoder(_TimeOf)


def _decode(payload: bytes) -> _Frozen:
    return _DECODER.decode(payload)


def _happened(payload: bytes) -> int:
    return _TIMES.decode(payload).event.event_time


def _never(upload: Upload, settings: MetaSettings, now: datetime) -> Verdict | None:
    if settings.name_for(upload.kind) is None:
        return Verdict("never", "NO_ACTION", f"The settings name no event for a {upload.kind}.")
    withheld = withheld_for_consent(upload, settings.when_consent_unknown)
    if withheld is not None:
        return withheld
    if now - upload.occurred_at > TOO_OLD:
        return Verdict(
            "never", "TOO_OLD", "The call is more than 7 days old; Meta takes an event for 7 days only."
        )
    if upload.occurred_at > now + AHEAD:
        return Verdict("never", "IN_FUTURE", "The time of the call lies in the future.")
    return None


def _incomplete(upload: Upload, settings: MetaSettings) -> Verdict | None:
    if not finds_a_person(user_data(upload, with_contacts=settings.send_hashed_contacts)):
        return Verdict(
            "never",
            "NO_IDENTIFIERS",
            "No Facebook click was seen for this call, and no phone number or e-mail can be used instead.",
        )
    if settings.name_for(upload.kind) == "Purchase" and (
        upload.value_minor is None or upload.currency is None
    ):
        return Verdict(
            "never",
            "NO_VALUE",
            "Meta takes a Purchase only with a value and a currency, and this one has none yet.",
        )
    if settings.action_source == "website" and not (_page(upload) and upload.user_agent):
        return Verdict(
            "never",
            "NO_PAGE",
            'The settings say "Website", but page and browser of a visit are not known for this call.'
            ' Choose "Phone call" to send such calls.',
        )
    return None


def _event(name: str, upload: Upload, settings: MetaSettings) -> dict[str, Any]:
    event: dict[str, Any] = {
        "action_source": settings.action_source,
        "event_id": upload.id,
        "event_name": name,
        "event_time": int(upload.occurred_at.astimezone(UTC).timestamp()),
        "user_data": user_data(upload, with_contacts=settings.send_hashed_contacts),
    }
    page = _page(upload)
    if page is not None:
        event["event_source_url"] = page
    if upload.value_minor is not None and upload.currency is not None:
        value = float(Money(upload.value_minor, upload.currency).major())
        event["custom_data"] = {"currency": upload.currency, "value": value}
    if settings.limited_data_use in _LIMITED:
        country, state = _LIMITED[settings.limited_data_use]
        event |= {
            "data_processing_options": ["LDU"],
            "data_processing_options_country": country,
            "data_processing_options_state": state,
        }
    return event


def _page(upload: Upload) -> str | None:
    url = (upload.landing_url or "").strip()
    return url if url.lower().startswith(("https://", "http://")) else None


def _post(dataset: str, body: bytes, settings: MetaSettings) -> HttpRequest:
    proof = _proof(settings)
    query = f"?{urlencode(proof)}" if proof else ""
    headers = {"content-type": "application/json", **_headers(settings)}
    return HttpRequest("POST", f"{_node(dataset, settings)}/events{query}", headers, body)


def _node(dataset: str, settings: MetaSettings) -> str:
    return f"{settings.base_url.rstrip('/')}/{VERSION}/{dataset}"


def _headers(settings: MetaSettings) -> dict[str, str]:
    """The token goes in a header (seen to work with v26.0): it stands in no body, address or log."""
    return {"authorization": f"Bearer {settings.access_token.get_secret_value()}"}


def _proof(settings: MetaSettings) -> dict[str, str]:
    """Return the proof that the sender knows the app secret: HMAC-SHA256 of the token, useless without it."""
    if settings.app_secret is None:
        return {}
    secret, token = settings.app_secret.get_secret_value(), settings.access_token.get_secret_value()
    return {"appsecret_proof": hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()}
