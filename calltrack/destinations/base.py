"""What a destination is: the one interface between the upload ledger and every ad platform.

A destination knows no feature, no database, no clock and no socket. It answers these questions, all pure:

1. `preflight`  would this conversion be taken? send now, wait until T, or never, with the reason in words;
2. `freeze`     the bytes of this one conversion, made once when the delivery is planned and stored;
3. `route`      which frozen conversions may share a request;
4. `request`    the HTTP request that carries some of them (same bytes in, same body out);
5. `classify`   what the answer means, one outcome per conversion, in the order they were sent;
6. `status_request`, `classify_status`   the same for platforms that judge later (`asynchronous`);
7. `trial_request`, `classify_trial`   a test event or validate-only run, which counts nothing;
8. `tally_request`, `read_tally`   the platform's own counters of a day, where it has them; `read_counts`
   those of one accepted request (`counts_receipts`), where it has such ones.

`sending.Courier` does the rest for all of them: the access token, the one HTTP door, failures on the way.
A new platform is one file with one subclass and one line in `DESTINATIONS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Final, Generic, Literal, TypeVar

from calltrack.destinations.outcomes import Outcome, Reading, Token, Verdict
from calltrack.destinations.settings import DestinationSettings
from calltrack.infra.http import HttpAnswer, HttpRequest

ConsentState = Literal["granted", "denied", "unknown"]
S = TypeVar("S", bound=DestinationSettings)

# Waits after failed attempts of one delivery; the last one repeats until the platform's age limit.
PATIENT: tuple[timedelta, ...] = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What the visitor allowed when the click was recorded; it travels with the conversion."""

    ad_user_data: ConsentState = "unknown"
    ad_personalization: ConsentState = "unknown"


@dataclass(frozen=True, slots=True)
class Upload:
    """All a destination may know of one conversion, or of one later change to it.

    `id` names the conversion and never changes: `conv-` and the hex of its uuid, never only digits.
    `sequence` is 0 for the conversion itself and counts its changes. `occurred_at` is the conversion's own
    time at every sequence; `changed_at` is the time of this change. `value_minor` is the whole value after
    the change, not a difference. `click_ids` holds raw, case-exact values by the names of the URL parameters
    (gclid, gbraid, wbraid, fbclid, msclkid, ttclid, li_fat_id) and cookies (_fbc, _fbp, _ga), and the session
    of each Analytics stream by the name of its cookie (_ga_AB12CD34EF).
    """

    id: str
    kind: Literal["lead", "purchase"]
    action: Literal["create", "restate", "retract"]
    occurred_at: datetime
    changed_at: datetime
    sequence: int = 0
    value_minor: int | None = None
    currency: str | None = None
    click_ids: Mapping[str, str] = field(default_factory=dict)
    clicked_at: datetime | None = None
    phone_e164: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    city: str | None = None
    postal_code: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2 of the person's address, as far as it is known."""
    region: str | None = None
    """Country whose law decides about consent: the person's, else the phone number's, else the company's."""
    consent: Consent = Consent()
    landing_url: str | None = None
    user_agent: str | None = None
    ip: str | None = None
    ga_client_id: str | None = None
    ga_session_id: str | None = None
    original_value_minor: int | None = None
    """For a change: the value the conversion was first told with, where it is known."""
    call_id: str | None = None
    call_started_at: datetime | None = None
    """When the caller's telephone began to ring ours."""
    person_id: str | None = None
    probability: float | None = None
    campaign: str | None = None
    source: str | None = None
    medium: str | None = None
    first_time: bool = True

    def __post_init__(self) -> None:
        """Take blank texts for what they are: nothing. One of them in a request can refuse all of it."""
        for name in _TEXTS:
            value = getattr(self, name)
            if isinstance(value, str) and not value.strip():
                object.__setattr__(self, name, None)
        ids = self.click_ids
        if (
            any(isinstance(value, str) and value.strip() != value for value in ids.values())
            or "" in ids.values()
        ):
            kept = {name: value.strip() for name, value in ids.items() if isinstance(value, str)}
            object.__setattr__(self, "click_ids", {name: value for name, value in kept.items() if value})


_TEXTS: Final = (
    "currency", "phone_e164", "email", "first_name", "last_name", "city", "postal_code", "country", "region",
    "landing_url", "user_agent", "ip", "ga_client_id", "ga_session_id", "person_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in `seconds`: per account, or for all that share one project at the platform."""

    requests: int
    seconds: int
    scope: Literal["account", "platform"] = "account"


@dataclass(frozen=True, slots=True)
class Tally:
    """What a platform says it has counted in a stretch of days; None where it does not tell."""

    received: int | None = None
    counted: int | None = None
    refused: int | None = None
    note: str = ""


class Destination(ABC, Generic[S]):
    """One ad platform or webhook; subclasses are stateless and one instance serves every company."""

    name: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str]
    Settings: ClassVar[type[DestinationSettings]]

    asynchronous: ClassVar[bool] = False
    """The verdict comes later, by `status_request`; an answer of 200 is only an acceptance."""
    first_poll: ClassVar[timedelta] = timedelta(0)
    """How long after an acceptance to ask for the verdict first; only for asynchronous platforms."""
    counts_receipts: ClassVar[bool] = False
    """The platform's own counters are those of each accepted request: `status_request`, `read_counts`."""
    max_batch: ClassVar[int] = 1
    max_age: ClassVar[timedelta | None] = None
    """A conversion older than this is refused by the platform."""
    min_age: ClassVar[timedelta] = timedelta(0)
    """How long after the click the platform cannot place a conversion yet."""
    waits: ClassVar[tuple[timedelta, ...]] = PATIENT
    gives_up: ClassVar[bool] = False
    """True: after the last of `waits` the delivery has failed. False: the last wait repeats."""
    stops_after: ClassVar[timedelta | None] = None
    """Failing for so long without one success pauses the destination and tells the owner; None: never."""
    resend_unknown_within: ClassVar[timedelta | None] = None
    """How long after the first try an unknown outcome may be sent again; None means at any time, because
    the platform removes duplicates by the frozen id for ever."""
    rates: ClassVar[tuple[Rate, ...]] = ()
    """The platform's documented request limits; a worker waits rather than exceed one."""
    transport: ClassVar[Literal["http", "google_ads"]] = "http"
    """Who carries the requests: the HTTP door, or the google-ads client (same requests, over gRPC)."""
    sign_in: ClassVar[str | None] = None
    """Name of the OAuth provider by which an account is connected; None: tokens are pasted or not needed."""
    twin_paths: ClassVar[Mapping[str, str]] = {}
    """Settings that point at the platform, and where the sandbox's twin stands in for it."""
    tells: ClassVar[frozenset[str]] = frozenset(("create", "restate", "retract"))
    """What the platform has words for; a change it has no word for is never sent, and says so."""

    @abstractmethod
    def preflight(self, upload: Upload, settings: S, now: datetime) -> Verdict:
        """Say whether the platform would take this conversion now, later or never, and why."""

    @abstractmethod
    def freeze(self, upload: Upload, settings: S) -> bytes:
        """Return the bytes of this conversion as they are to be sent, now and at every later attempt."""

    def route(self, payload: bytes) -> str:
        """Name the kind of request that may carry this payload; payloads of one route share requests."""
        return ""

    @abstractmethod
    def request(
        self, payloads: Sequence[bytes], settings: S, now: datetime, token: str | None = None
    ) -> HttpRequest:
        """Return the request that carries the frozen payloads; `now` may only reach the headers."""

    @abstractmethod
    def classify(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Return one outcome for each payload, in the order they were sent."""

    def counts_once(self, payload: bytes) -> bool:
        """Say whether the platform counts this payload once for ever, whatever `resend_unknown_within` says.

        For platforms that remove duplicates of one kind of event and not of another.
        """
        return False

    def token_request(self, settings: S) -> HttpRequest | None:
        """Return the request that fetches an access token, or None where the platform needs none."""
        return None

    def read_token(self, answer: HttpAnswer) -> Token | Outcome:
        """Read the answer to `token_request`: a token, or why there is none."""
        raise NotImplementedError(f"{self.name} asks for no token")

    def token_refused(self, answer: HttpAnswer) -> bool:
        """Say whether the answer refuses the access token: then a fresh one is fetched, once."""
        return answer.status == 401

    def status_request(self, request_id: str, settings: S, token: str | None = None) -> HttpRequest:
        """Return the request that asks for the verdict on an accepted request."""
        raise NotImplementedError(f"{self.name} answers at once")

    def classify_status(self, answer: HttpAnswer, count: int) -> Reading:
        """Return one outcome for each of the `count` conversions that the request carried."""
        raise NotImplementedError(f"{self.name} answers at once")

    def is_verdict(self, answer: HttpAnswer) -> bool:
        """Say whether this answer is the later verdict of an asynchronous platform, not its receipt."""
        return False

    def trial_request(
        self, payloads: Sequence[bytes], settings: S, now: datetime, token: str | None = None
    ) -> HttpRequest | None:
        """Return a request that has the payloads checked and counts nothing; None: the platform has none."""
        return None

    def classify_trial(self, answer: HttpAnswer, payloads: Sequence[bytes]) -> Reading:
        """Return one outcome for each payload of a trial; DONE means: it would be taken."""
        raise NotImplementedError(f"{self.name} has no trial run")

    def tally_request(
        self, settings: S, since: datetime, until: datetime, token: str | None = None
    ) -> HttpRequest | None:
        """Return the question for the platform's own counters of these days; None: it has none."""
        return None

    def read_tally(self, answer: HttpAnswer, settings: S, since: datetime, until: datetime) -> Tally | None:
        """Read the answer to `tally_request` for the same days; None: it could not be read."""
        raise NotImplementedError(f"{self.name} has no counters")

    def read_counts(self, answer: HttpAnswer) -> Tally | None:
        """Read the platform's counts of one receipt from the answer to `status_request`; None: unreadable."""
        raise NotImplementedError(f"{self.name} counts no receipts")

    def tells_counts(self) -> bool:
        """Say whether the platform has counters of its own that can be asked for."""
        return self.counts_receipts or type(self).tally_request is not Destination.tally_request

    def account_of(self, settings: S) -> str:
        """Name the account at the platform, for its rate limits: connections to one account share them."""
        return ""

    def wait_before(self, attempt: int) -> timedelta | None:
        """Return the wait after the given failed attempt (1 is the first); None means give up."""
        if attempt <= len(self.waits):
            return self.waits[attempt - 1]
        return None if self.gives_up else self.waits[-1]
