"""The courier: carries frozen payloads to a destination and brings back one outcome for each.

The only place where destinations meet the network. It holds the HTTP door and the access tokens of this
process (in memory only), fetches a new token when one runs out or is refused, and turns every failure on
the way into outcomes. It opens no transaction and knows no ledger.
"""

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import SecretStr

from calltrack.destinations.base import Destination, Tally
from calltrack.destinations.outcomes import Class, Outcome, Reading, Token, no_verdict, of_failure
from calltrack.infra.http import HttpAnswer, HttpDoor, HttpFailure, HttpRequest

Keep = Callable[[str], None]
"""Stores a refresh token that the provider put in place of the present one."""

EXPIRES_EARLY = timedelta(seconds=60)
KEPT_OF_ANSWER = 16_384
MAX_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one request was and what came of it: enough for the ledger's attempt rows.

    `request_hash` is the SHA-256 of the body as sent; `answer` the first 16 KB of what came back. `status` is
    None when no answer came, or when nothing was sent because no access token was to be had.
    """

    outcomes: Reading
    request_hash: str
    status: int | None
    answer: bytes
    seconds: float


class Transport(Protocol):
    """Who carries a request to a platform and brings back its answer."""

    def send(self, request: HttpRequest, *, total_seconds: float | None = None) -> HttpAnswer | HttpFailure:
        """Send it once and return the answer, or why there is none; the network never makes it raise.

        `total_seconds`: how long that may take; None: the transport's own limit.
        """


class Courier:
    """Sends for any destination. Thread-safe; one per process."""

    def __init__(
        self,
        door: HttpDoor,
        *,
        google_ads: Transport | None = None,
        google_ads_seconds: float | None = None,
    ) -> None:
        """Take the one HTTP door; the google-ads client is loaded when the first request needs it.

        `google_ads_seconds`: how long one of its answers may take; None: as long as an upload may.
        """
        self._door = door
        self._google_ads = google_ads
        self._google_ads_seconds = google_ads_seconds
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    def deliver(
        self,
        destination: Destination[Any],
        settings: Any,
        payloads: Sequence[bytes],
        now: datetime,
        keep: Keep | None = None,
    ) -> Attempt:
        """Send the payloads in one request; always returns one outcome for each.

        `keep` is called with a new refresh token where the provider changed it, before anything is sent.
        """
        return self._carry(
            destination,
            settings,
            now,
            len(payloads),
            lambda token: destination.request(payloads, settings, now, token),
            lambda answer: destination.classify(answer, payloads),
            keep,
        )

    def trial(
        self,
        destination: Destination[Any],
        settings: Any,
        payloads: Sequence[bytes],
        now: datetime,
        keep: Keep | None = None,
    ) -> Attempt | None:
        """Have the payloads checked without counting them; None: the platform has no such request."""
        if destination.trial_request(payloads, settings, now) is None:
            return None

        def build(token: str | None) -> HttpRequest:
            request = destination.trial_request(payloads, settings, now, token)
            if request is None:
                raise RuntimeError(f"{destination.name} has a trial without a token only")
            return request

        return self._carry(
            destination,
            settings,
            now,
            len(payloads),
            build,
            lambda answer: destination.classify_trial(answer, payloads),
            keep,
        )

    def poll(
        self,
        destination: Destination[Any],
        settings: Any,
        request_id: str,
        count: int,
        now: datetime,
        keep: Keep | None = None,
    ) -> Attempt:
        """Ask for the verdict on an accepted request of `count` conversions.

        OPEN means ask again; CONFIG means pause; every other class is a verdict, as `deliver` gives it.
        """
        attempt = self._carry(
            destination,
            settings,
            now,
            count,
            lambda token: destination.status_request(request_id, settings, token),
            lambda answer: destination.classify_status(answer, count),
            keep,
        )
        if attempt.status is not None:
            return attempt
        return replace(attempt, outcomes=tuple(no_verdict(outcome) for outcome in attempt.outcomes))

    def carry(
        self,
        destination: Destination[Any],
        settings: Any,
        now: datetime,
        count: int,
        build: Callable[[str | None], HttpRequest],
        read: Callable[[HttpAnswer], Reading],
        keep: Keep | None = None,
        *,
        seconds: float | None = None,
    ) -> Attempt:
        """Carry another request over a destination's connection, such as one about a customer list.

        `build` takes the access token, `read` gives one outcome for each of the `count` things it is about.
        `seconds`: how long the answer may take, where a person waits for it; None: as long as an upload's.
        """
        return self._carry(destination, settings, now, count, build, read, keep, seconds)

    def warm_google_ads(self) -> None:
        """Load the google-ads client in this process, so that the first request need not wait for that."""
        from calltrack.destinations.google_ads_client import warm

        warm()

    def tally(
        self,
        destination: Destination[Any],
        settings: Any,
        since: datetime,
        until: datetime,
        now: datetime,
        keep: Keep | None = None,
    ) -> Tally | Outcome | None:
        """Ask for the platform's own counters; an outcome says why there was no answer, None that it was odd.

        Raises:
            RuntimeError: the platform has no counters.
        """

        def build(token: str | None) -> HttpRequest:
            request = destination.tally_request(settings, since, until, token)
            if request is None:
                raise RuntimeError(f"{destination.name} has no counters")
            return request

        _, answer = self._exchange(destination, settings, now, build, keep)
        if isinstance(answer, HttpAnswer):
            return destination.read_tally(answer, settings, since, until)
        return answer if isinstance(answer, Outcome) else _not_told(answer)

    def counts_of(
        self,
        destination: Destination[Any],
        settings: Any,
        request_id: str,
        now: datetime,
        keep: Keep | None = None,
    ) -> Tally | Outcome | None:
        """Ask for the platform's own counts of one accepted request; answers as `tally` does."""

        def build(token: str | None) -> HttpRequest:
            return destination.status_request(request_id, settings, token)

        _, answer = self._exchange(destination, settings, now, build, keep)
        if isinstance(answer, HttpAnswer):
            return destination.read_counts(answer)
        return answer if isinstance(answer, Outcome) else _not_told(answer)

    def fetch(self, url: str) -> HttpAnswer | HttpFailure:
        """Fetch a file that a platform has made for us; its address alone gives access."""
        return self._door.send(HttpRequest("GET", url))

    def forget(self, destination: Destination[Any], settings: Any) -> None:
        """Drop the access token of this connection, so that the next request fetches a new one."""
        request = destination.token_request(settings)
        if request is not None:
            with self._lock:
                self._tokens.pop(_key(destination, request), None)

    def _transport_of(self, destination: Destination[Any]) -> Transport:
        if destination.transport == "http":
            return self._door
        return self._google_ads_transport()

    def _google_ads_transport(self) -> Transport:
        if self._google_ads is not None:
            return self._google_ads
        # Seconds and 100 MB: only a process that talks to Google this way pays for it. Not under the lock,
        # or tokens of other destinations would wait for it.
        from calltrack.destinations.google_ads_client import TOTAL_SECONDS, GoogleAdsTransport

        with self._lock:
            if self._google_ads is None:
                seconds = self._google_ads_seconds or TOTAL_SECONDS
                self._google_ads = GoogleAdsTransport(self._door, total_seconds=seconds)
            return self._google_ads

    def _carry(
        self,
        destination: Destination[Any],
        settings: Any,
        now: datetime,
        count: int,
        build: Callable[[str | None], HttpRequest],
        read: Callable[[HttpAnswer], Reading],
        keep: Keep | None = None,
        seconds: float | None = None,
    ) -> Attempt:
        body, answer = self._exchange(destination, settings, now, build, keep, seconds)
        if isinstance(answer, Outcome):
            return Attempt(answer.about(count), "", None, b"", 0.0)
        digest = hashlib.sha256(body).hexdigest()
        if isinstance(answer, HttpFailure):
            return Attempt(of_failure(answer, count), digest, None, b"", answer.seconds)
        outcomes = read(answer)
        if len(outcomes) != count:
            raise RuntimeError(f"{destination.name} judged {len(outcomes)} of {count} conversions")
        return Attempt(outcomes, digest, answer.status, answer.body[:KEPT_OF_ANSWER], answer.seconds)

    def _exchange(
        self,
        destination: Destination[Any],
        settings: Any,
        now: datetime,
        build: Callable[[str | None], HttpRequest],
        keep: Keep | None,
        seconds: float | None = None,
    ) -> tuple[bytes, HttpAnswer | HttpFailure | Outcome]:
        """Send one request with an access token; returns its body and what came back.

        An outcome in place of an answer: no token was to be had, and nothing was sent.
        """
        token = self._token(destination, settings, now, keep)
        if isinstance(token, Outcome):
            return b"", token
        transport = self._transport_of(destination)
        request = build(token)
        answer = transport.send(request, total_seconds=seconds)
        if isinstance(answer, HttpAnswer) and token is not None and destination.token_refused(answer):
            # A token may be withdrawn before its time: one fresh one, then the refusal counts.
            self.forget(destination, settings)
            fresh = self._token(destination, settings, now, keep)
            if isinstance(fresh, Outcome):
                return b"", fresh
            request = build(fresh)
            answer = transport.send(request, total_seconds=seconds)
        return request.body, answer

    def _token(
        self, destination: Destination[Any], settings: Any, now: datetime, keep: Keep | None = None
    ) -> str | Outcome | None:
        request = destination.token_request(settings)
        if request is None:
            return None
        key = _key(destination, request)
        with self._lock:
            kept = self._tokens.get(key)
        if kept is not None and now < kept[1]:
            return kept[0]
        answer = self._door.send(request)
        if isinstance(answer, HttpFailure):
            # Only the sign-in failed: no conversion has left, whatever happened to this request.
            failed = of_failure(answer, 1)[0]
            if failed.class_ is not Class.UNKNOWN:
                return failed
            return Outcome(Class.LATER, "TOKEN_NO_ANSWER", "The sign-in service did not answer.", failed.hint)
        token = destination.read_token(answer)
        if isinstance(token, Token):
            keys = [key]
            if token.refresh_token is not None and keep is not None:
                keep(token.refresh_token)
                keys.append(_key_after(destination, settings, token.refresh_token))
            with self._lock:
                if len(self._tokens) >= MAX_TOKENS:
                    self._tokens.clear()
                for one in keys:
                    self._tokens[one] = (token.value, now + token.lifetime - EXPIRES_EARLY)
            return token.value
        return token


def _not_told(failure: HttpFailure) -> Outcome:
    """Say why counters were not told; nothing was at stake, so a missing answer is no unknown outcome."""
    outcome = of_failure(failure, 1)[0]
    if outcome.class_ is not Class.UNKNOWN:
        return outcome
    said = "The platform did not answer the question for its counters."
    return Outcome(Class.LATER, outcome.code, said, "Nothing to do: calltrack asks again.")


def _key_after(destination: Destination[Any], settings: Any, refresh_token: str) -> str:
    """Name the same connection as it will be once the new refresh token is stored."""
    changed = settings.model_copy(update={"refresh_token": SecretStr(refresh_token)})
    request = destination.token_request(changed)
    if request is None:
        raise RuntimeError(f"{destination.name} needs a token only sometimes")
    return _key(destination, request)


def _key(destination: Destination[Any], request: HttpRequest) -> str:
    """Name a connection without keeping its secrets as a key."""
    return f"{destination.name}:{hashlib.sha256(request.url.encode() + request.body).hexdigest()}"
