"""The HTTP side of Twilio's client: bounded in time, pooled, to Twilio or to the server a setting names.

One per process, shared by all accounts and threads. Every failure leaves it as `Retry`, `Refused` or
`NotFound`, so that no part of Twilio's library ever sees one.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

from calltrack.telephony.carrier_errors import CarrierError
from calltrack.telephony.twilio_errors import failure, lost, unsent

ORIGINAL_HOST = "X-Twilio-Original-Host"
CONNECT_SECONDS = 3.05
READ_SECONDS = 10.0
MEDIA_SECONDS = 30.0
POOL = 16
# Twilio's advice: 100 ms doubled each time, a tenth more or less by chance, five tries. A 429 is never
# processed.
TRIES = 5
FIRST_WAIT = 0.1
LONGEST_WAIT = 2.0
CHUNK = 65_536

Pause = Callable[[float], None]


class TwilioHttp(TwilioHttpClient):  # type: ignore[misc]  # Twilio's client ships no types
    """Sends what Twilio's client builds; repeats only what was certainly not processed."""

    def __init__(
        self,
        base: str = "",
        *,
        timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
        pause: Pause = time.sleep,
    ) -> None:
        """Prepare the pool; `base` replaces scheme and host of every address (see TWILIO_API_BASE)."""
        super().__init__()
        self.timeout = timeout
        self._base = urlsplit(base) if base else None
        self._pause = pause
        # A connection that never came about carried nothing: only that is tried again below us.
        again = urllib3.Retry(
            total=None, connect=1, read=0, redirect=0, status=0, other=0, backoff_factor=0.2
        )
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, HTTPAdapter(pool_maxsize=POOL, max_retries=again))
        # Proxies and .netrc of the machine are for the way out; a base on this machine needs neither.
        self.session.trust_env = self._base is None

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Send it and return the answer of a success; raises CarrierError otherwise."""
        wait = FIRST_WAIT
        for left in reversed(range(TRIES)):
            response = self._once(method, url, params, data, headers, auth)
            if response.status_code < 400:
                return _readable(method, response)
            problem = failure(method, response.status_code, response.text, response.headers)
            if response.status_code != 429 or not left:
                raise problem
            asked = getattr(problem, "after_seconds", None)
            if asked is not None and asked > LONGEST_WAIT:
                raise problem
            self._pause(max(asked or 0.0, wait * random.uniform(0.9, 1.1)))  # noqa: S311 - jitter, no secret
            wait *= 2
        raise AssertionError("the last try returns or raises")

    def open_stream(
        self, url: str, headers: Mapping[str, str], auth: tuple[str, str]
    ) -> tuple[int, Mapping[str, str], Iterator[bytes], Callable[[], None]]:
        """GET something large; return status, headers (any case), its chunks and what closes it.

        Raises CarrierError when it is no success; status 416 is handed out, a browser understands it.
        """
        address, told = self._reachable(url, dict(headers))
        try:
            answer = self.session.get(
                address,
                headers=told,
                auth=auth,
                stream=True,
                # Twilio may lead to its store; the password does not travel to another host.
                allow_redirects=self._base is None,
                timeout=(CONNECT_SECONDS, MEDIA_SECONDS),
            )
        except requests.RequestException as error:
            raise _translated("GET", error) from None
        if answer.status_code >= 300 and answer.status_code != 416:
            try:
                raise failure("GET", answer.status_code, answer.text, answer.headers)
            finally:
                answer.close()
        return answer.status_code, answer.headers, _chunks(answer), answer.close

    def close(self) -> None:
        """Close the kept-alive connections."""
        self.session.close()

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Write nothing: addresses and forms hold people's numbers."""

    def log_response(self, status_code: int, response: Response) -> None:
        """Write nothing, for the same reason."""

    def _once(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None,
        data: dict[str, object] | None,
        headers: dict[str, str] | None,
        auth: tuple[str, str] | None,
    ) -> Response:
        address, told = self._reachable(url, dict(headers or {}))
        try:
            return super().request(method, address, params=params, data=data, headers=told, auth=auth)
        except requests.RequestException as error:
            raise _translated(method, error) from None
        finally:
            # Kept by the library for its own tests; it holds the password and what was asked.
            self._test_only_last_request = self._test_only_last_response = None

    def _reachable(self, url: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Return address and headers for the server that is really asked."""
        if self._base is None:
            return url, headers
        parts = urlsplit(url)
        headers[ORIGINAL_HOST] = parts.netloc
        path = self._base.path.rstrip("/") + parts.path
        return urlunsplit((self._base.scheme, self._base.netloc, path, parts.query, "")), headers


def _readable(method: str, response: Response) -> Response:
    """Pass on a success; one whose body cannot be read says nothing about what was done."""
    if response.status_code == 204:
        return response
    try:
        told = json.loads(response.text)
    except ValueError:
        raise lost(method) from None
    if not isinstance(told, dict):
        raise lost(method)
    return response


def _translated(method: str, error: requests.RequestException) -> CarrierError:
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    never_sent = isinstance(
        reason,
        (
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ProxyError,
        ),
    )
    if never_sent or isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError)):
        return unsent()
    return lost(method)


def _chunks(answer: requests.Response) -> Iterator[bytes]:
    try:
        yield from answer.iter_content(CHUNK)
    except (requests.RequestException, urllib3.exceptions.HTTPError):
        raise lost("GET") from None
    finally:
        answer.close()
