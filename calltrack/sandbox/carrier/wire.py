"""How the carrier asks and tells over HTTP: signed, with cookies, redirects, time limits and retries."""

from __future__ import annotations

import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import httpx

from calltrack.sandbox.carrier.overrides import Failure, Overrides, overrides_of
from calltrack.sandbox.carrier.signing import sign
from calltrack.sandbox.carrier.twiml_rules import MOST_BYTES

MOST_REDIRECTS = 10
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


@dataclass(frozen=True)
class Answer:
    """What came back from one attempt, or why nothing did."""

    url: str
    method: str
    attempt: int
    milliseconds: float
    status: int | None = None
    content_type: str = ""
    body: str = ""
    failure: Failure | None = None
    error: str = ""
    error_code: int = 0

    @property
    def is_ok(self) -> bool:
        """Whether the hook answered with success."""
        return self.failure is None


def pool(connections: int = 100) -> httpx.Client:
    """Return a client that many calls can share: pooled, and without a memory of cookies."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    client = httpx.Client(limits=limits, follow_redirects=False, trust_env=False, verify=_certificates())
    _forget_cookies(client)
    return client


@dataclass(frozen=True)
class _Attempt:
    """One try of one request; a redirect changes address and method."""

    url: str
    method: str
    fields: Mapping[str, str]
    rules: Overrides
    deadline: float
    token: str
    number: int
    began: float

    @property
    def milliseconds(self) -> float:
        return (time.perf_counter() - self.began) * 1000

    def failed(self, failure: Failure, error: str, code: int, status: int | None = None) -> Answer:
        return Answer(
            self.url, self.method, self.number, self.milliseconds, status, "", "", failure, error, code
        )


@cache
def _certificates() -> ssl.SSLContext:
    """Read the certificates once: it takes longer than a call."""
    return ssl.create_default_context()


class Wire:
    """The requests of one call.

    `seen` is told of every attempt; `via` maps a public origin to the one that is really asked.
    """

    def __init__(
        self,
        http: httpx.Client,
        auth_token: str,
        seen: Callable[[Answer, str, Mapping[str, str]], None],
        via: Mapping[str, str] | None = None,
    ) -> None:
        _forget_cookies(http)  # Cookies belong to one call; a shared client must not mix them.
        self._http = http
        self._auth_token = auth_token
        self._seen = seen
        self._via = dict(via or {})
        self._cookies = httpx.Cookies()
        self._lock = threading.Lock()

    def send(
        self, url: str, method: str, fields: Mapping[str, str], purpose: str, retry_5xx: bool = False
    ) -> Answer:
        """Make one request with its retries; return the last answer."""
        rules = overrides_of(url)
        if retry_5xx:
            rules = replace(rules, retried=rules.retried | {"5xx"})
        deadline = time.monotonic() + rules.total_seconds
        token = str(uuid.uuid4())
        number = 0
        while True:
            number += 1
            began = time.perf_counter()
            answer = self._follow(_Attempt(url, method, fields, rules, deadline, token, number, began))
            self._seen(answer, purpose, fields)
            if answer.failure is None or not rules.allows(answer.failure, number):
                return answer
            if time.monotonic() >= deadline:
                return answer

    def _follow(self, attempt: _Attempt) -> Answer:
        """Make one attempt; a 301, 302 or 303 turns it into a GET without parameters."""
        for _ in range(MOST_REDIRECTS + 1):
            answer, location = self._once(attempt)
            if location is None:
                return answer
            keeps_method = answer.status in (307, 308)
            attempt = replace(
                attempt,
                url=urljoin(attempt.url, location),
                method=attempt.method if keeps_method else "GET",
                fields=attempt.fields if keeps_method else {},
            )
        return attempt.failed("4xx", "too many redirects", 11215, answer.status)

    def _once(self, attempt: _Attempt) -> tuple[Answer, str | None]:
        if time.monotonic() >= attempt.deadline:
            return attempt.failed("rt", "no answer within the time limit", 11205), None
        try:
            response = self._http.send(self._request(attempt), stream=True)
            try:
                body = _read(response, attempt.deadline)
            finally:
                response.close()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            return attempt.failed("ct", f"cannot use the address: {error}", 11210), None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return attempt.failed("ct", f"cannot connect: {error}", 11205), None
        except (httpx.TransportError, TimeoutError) as error:
            return attempt.failed("rt", f"no answer: {error or type(error).__name__}", 11205), None
        with self._lock:
            self._cookies.extract_cookies(response)
        status = response.status_code
        if status >= 400:
            return attempt.failed("5xx" if status >= 500 else "4xx", f"HTTP {status}", 11200, status), None
        answer = Answer(
            attempt.url,
            attempt.method,
            attempt.number,
            attempt.milliseconds,
            status,
            response.headers.get("content-type", ""),
            body,
        )
        return answer, response.headers.get("location") if 300 <= status < 400 else None

    def _request(self, attempt: _Attempt) -> httpx.Request:
        is_post = attempt.method == "POST"
        address = _address(attempt.url, {} if is_post else attempt.fields)
        headers = {
            "X-Twilio-Signature": sign(address, attempt.fields if is_post else {}, self._auth_token),
            "I-Twilio-Idempotency-Token": attempt.token,
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        if is_post:
            headers["Content-Type"] = FORM
        left = max(0.001, attempt.deadline - time.monotonic())
        rules = attempt.rules
        request = self._http.build_request(
            attempt.method,
            self._reachable(address),
            headers=headers,
            content=urlencode(attempt.fields).encode() if is_post else None,
            timeout=httpx.Timeout(min(rules.read_seconds, left), connect=min(rules.connect_seconds, left)),
        )
        with self._lock:
            self._cookies.set_cookie_header(request)
        return request

    def _reachable(self, address: str) -> str:
        for public, real in self._via.items():
            if address == public or address.startswith((f"{public}/", f"{public}?")):
                return real + address[len(public) :]
        return address


def _address(url: str, query: Mapping[str, str]) -> str:
    """Return the address to request: without fragment, with the fields of a GET."""
    parts = urlsplit(url)
    joined = "&".join(part for part in (parts.query, urlencode(query)) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", joined, ""))


def _read(response: httpx.Response, deadline: float) -> str:
    """Read the body within the time and size limits of the carrier."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if time.monotonic() > deadline:
            raise TimeoutError("not finished within the time limit")
        if size > MOST_BYTES * 2:
            break
    return b"".join(chunks).decode("utf-8", "replace")


def _forget_cookies(client: httpx.Client) -> None:
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
