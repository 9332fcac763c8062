"""Carries requests of the Google Ads API by Google's own client, over gRPC; answers come back in REST form.

Only `sending.Courier` imports this file, and only when such a request is to be sent or may be soon: the
client costs 100 MB and, cold, half a second to two, many times that on a busy machine. Channels are made
in the process that uses them (a forked child makes its own) and are shared by all accounts: access token
and manager account travel with each call, not with the channel.
"""

import importlib
import json
import logging
import os
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
from google.ads.googleads import util
from google.ads.googleads.client import _CLIENT_INFO, _GRPC_CHANNEL_OPTIONS, GoogleAdsClient
from google.ads.googleads.errors import GoogleAdsException
from google.ads.googleads.interceptors import ExceptionInterceptor, MetadataInterceptor
from google.api_core.exceptions import DeadlineExceeded, GoogleAPICallError, ServiceUnavailable
from google.auth.credentials import AnonymousCredentials
from google.protobuf import json_format

from calltrack.infra.http import HttpAnswer, HttpDoor, HttpFailure, HttpRequest

VERSION: Final = "v26"
HOST: Final = "googleads.googleapis.com"
TOTAL_SECONDS: Final = 25.0
FAILURE_KEY: Final = f"google.ads.googleads.{VERSION}.errors.googleadsfailure-bin"
_TYPES: Final = f"google.ads.googleads.{VERSION}.services.types"
_PATH: Final = re.compile(rf"(?P<base>.*)/{VERSION}/customers/(?P<customer>[0-9]+)(?P<call>[:/][A-Za-z/:]+)")

# The client prints each fault, and at INFO the whole request with callers' numbers in the clear.
_CHATTER: Final = logging.getLogger("google.ads.googleads.client")


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of the API: which service and method, in which module its messages are."""

    service: str
    method: str
    module: str
    request: str
    streams: bool = False


_CALLS: Final = {
    ":uploadClickConversions": _Call(
        "ConversionUploadService",
        "upload_click_conversions",
        "conversion_upload_service",
        "UploadClickConversionsRequest",
    ),
    ":uploadCallConversions": _Call(
        "ConversionUploadService",
        "upload_call_conversions",
        "conversion_upload_service",
        "UploadCallConversionsRequest",
    ),
    ":uploadConversionAdjustments": _Call(
        "ConversionAdjustmentUploadService",
        "upload_conversion_adjustments",
        "conversion_adjustment_upload_service",
        "UploadConversionAdjustmentsRequest",
    ),
    "/campaignBudgets:mutate": _Call(
        "CampaignBudgetService",
        "mutate_campaign_budgets",
        "campaign_budget_service",
        "MutateCampaignBudgetsRequest",
    ),
    "/googleAds:searchStream": _Call(
        "GoogleAdsService",
        "search_stream",
        "google_ads_service",
        "SearchGoogleAdsStreamRequest",
        streams=True,
    ),
}

_OF_BUDGETS: Final = ("/googleAds:searchStream", "/campaignBudgets:mutate")

# google.rpc.Code by HTTP status, as Google's REST front maps them.
_STATUS: Final = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


class LoopbackClient(GoogleAdsClient):  # type: ignore[misc]  # google-ads has no types
    """The client over plain gRPC, for a twin on this machine; its own interceptors stay in place."""

    def get_service(
        self, name: str, version: str = VERSION, interceptors: Any = None, is_async: bool = False
    ) -> Any:
        """Return a service client as `GoogleAdsClient.get_service` does, without TLS."""
        chosen = self.version or version
        snake = util.convert_upper_case_to_snake_case(name)
        module = importlib.import_module(f"google.ads.googleads.{chosen}.services.services.{snake}")
        class_ = getattr(module, f"{name}Client")
        channel = grpc.intercept_channel(
            grpc.insecure_channel(self.endpoint, options=_GRPC_CHANNEL_OPTIONS),
            *(interceptors or []),
            MetadataInterceptor(self.developer_token, self.login_customer_id, self.linked_customer_id),
            ExceptionInterceptor(chosen, use_proto_plus=self.use_proto_plus),
        )
        return class_(transport=class_.get_transport_class()(channel=channel, client_info=_CLIENT_INFO))


def warm() -> None:
    """Load what questions about budgets and changes of them need; nothing is sent."""
    for name in _OF_BUDGETS:
        call = _CALLS[name]
        importlib.import_module(f"{_TYPES}.{call.module}")
        snake = util.convert_upper_case_to_snake_case(call.service)
        importlib.import_module(f"google.ads.googleads.{VERSION}.services.services.{snake}")


class GoogleAdsTransport:
    """Sends REST-shaped requests of the Google Ads API by gRPC. Thread-safe; survives a fork."""

    def __init__(self, door: HttpDoor, *, total_seconds: float = TOTAL_SECONDS) -> None:
        """Take the door by which a twin on this machine is asked where its gRPC server listens."""
        self._door = door
        self._total_seconds = total_seconds
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._services: dict[tuple[str, str], Any] = {}
        self._twins: dict[str, str] = {}
        _CHATTER.setLevel(logging.CRITICAL)

    def send(self, request: HttpRequest, *, total_seconds: float | None = None) -> HttpAnswer | HttpFailure:
        """Send it once and return the answer, or why there is none; the network never makes it raise.

        `total_seconds`: how long its answer may take; None: as long as this transport's answers may.
        A request that names no call of the API, or a server that is neither Google's nor on this machine, is
        refused. A body that does not fit the call's message is answered as Google's REST front answers it.
        """
        started = time.monotonic()
        parts = urlsplit(request.url)
        found = _PATH.fullmatch(parts.path)
        call = _CALLS.get(found["call"]) if found else None
        if found is None or call is None:
            return HttpFailure("refused", "the Google Ads API has no such call")
        endpoint = self._endpoint(f"{parts.scheme}://{parts.netloc}{found['base']}")
        if isinstance(endpoint, HttpFailure):
            return endpoint
        try:
            message = _message(call, found["customer"], request.body)
        except (json_format.ParseError, ValueError) as error:
            return _refusal(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {type(error).__name__}")
        try:
            seconds = total_seconds or self._total_seconds
            answer = self._exchange(endpoint, call, message, request, seconds)
        except GoogleAdsException as error:
            return _timed(_of_failure(error.error.code(), error.failure), started)
        except (GoogleAPICallError, grpc.RpcError) as error:
            self._forget(parts.netloc, endpoint)
            return _of_error(error, time.monotonic() - started)
        return _timed(HttpAnswer(200, _HEADERS, answer), started)

    def _exchange(
        self, endpoint: str, call: _Call, message: Any, request: HttpRequest, seconds: float
    ) -> bytes:
        # The service must outlive its stream: a channel that is let go of ends the calls on it.
        service = self._service(endpoint, call.service)
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent = ("authorization", "login-customer-id")
        metadata: list[tuple[str, str]] = [(name, headers[name]) for name in sent if name in headers]
        metadata.append(("x-goog-request-params", f"customer_id={message.customer_id}"))
        response = getattr(service, call.method)(
            request=message, timeout=seconds, metadata=metadata, retry=None
        )
        if call.streams:
            return json.dumps([_plain(batch) for batch in response]).encode()
        return json.dumps(_plain(response)).encode()

    def _service(self, endpoint: str, name: str) -> Any:
        with self._lock:
            if self._pid != os.getpid():
                # A channel that was open before a fork is the parent's.
                self._services, self._pid = {}, os.getpid()
            service = self._services.get((endpoint, name))
            if service is None:
                class_ = LoopbackClient if endpoint else GoogleAdsClient
                nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]  # the token goes with each call
                client = class_(nobody, endpoint=endpoint or None, version=VERSION, use_proto_plus=False)
                service = self._services[(endpoint, name)] = client.get_service(name)
            return service

    def _endpoint(self, base: str) -> str | HttpFailure:
        """Return where the gRPC server listens: "" is Google's own; a twin is asked for its address."""
        if base == f"https://{HOST}":
            return ""
        known = self._twins.get(base)
        if known is not None:
            return known
        answer = self._door.send(HttpRequest("GET", f"{base}/endpoint"))
        if isinstance(answer, HttpFailure):
            return HttpFailure(
                "refused" if answer.kind == "refused" else "unsent", answer.message, answer.seconds
            )
        target = answer.body.decode("ascii", "replace").strip() if answer.status == 200 else ""
        if not re.fullmatch(r"127\.0\.0\.1:[0-9]{1,5}", target):
            return HttpFailure("refused", "it is neither Google's server nor a twin on this machine")
        self._twins[base] = target
        return target

    def _forget(self, netloc: str, endpoint: str) -> None:
        """Ask anew where a twin listens after a failure: it may have been restarted elsewhere."""
        if endpoint:
            with self._lock:
                self._twins = {base: at for base, at in self._twins.items() if at != endpoint}
                self._services = {key: one for key, one in self._services.items() if key[0] != endpoint}


_HEADERS: Final = {"content-type": "application/json"}


def _message(call: _Call, customer: str, body: bytes) -> Any:
    """Return the call's raw protobuf message; proto-plus would cost many times more for large uploads."""
    module = importlib.import_module(f"{_TYPES}.{call.module}")
    message = getattr(module, call.request).pb()()
    json_format.Parse(body, message)
    message.customer_id = customer
    return message


def _plain(message: Any) -> dict[str, Any]:
    """Return a message as REST writes it: lowerCamelCase, int64 as text, defaults left out."""
    raw = type(message).pb(message) if hasattr(type(message), "pb") else message
    plain: dict[str, Any] = json_format.MessageToDict(raw)
    return plain


def _of_failure(code: grpc.StatusCode, failure: Any) -> HttpAnswer:
    """Return a refusal with Google's own errors in it, as REST writes them."""
    kind = f"type.googleapis.com/google.ads.googleads.{VERSION}.errors.GoogleAdsFailure"
    detail = {"@type": kind, **_plain(failure)}
    return _refusal(_STATUS.get(code, 500), code.name, "Request was refused.", [detail])


def _of_error(error: Exception, seconds: float) -> HttpAnswer | HttpFailure:
    """Return what an error without a parsed failure means: an answer of Google's, or none at all."""
    call = _rpc_error(error)
    failure = _trailing_failure(call)
    if failure is not None and call is not None:
        return _of_failure(call.code(), failure)
    if isinstance(error, DeadlineExceeded):
        return HttpFailure("unknown", "no answer in time", seconds)
    code = call.code() if call is not None else grpc.StatusCode.UNKNOWN
    if isinstance(error, ServiceUnavailable) or code is grpc.StatusCode.UNAVAILABLE:
        details = (call.details() or "") if call is not None else ""
        if "failed to connect" in details.lower():
            return HttpFailure("unsent", "no connection", seconds)
        if call is not None and any(key == "request-id" for key, _ in call.trailing_metadata() or ()):
            return _refusal(503, "UNAVAILABLE", "Google is unwell.")
        return HttpFailure("unknown", "the connection broke", seconds)
    if code in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN):
        return HttpFailure("unknown", "the connection broke", seconds)
    return _refusal(_STATUS.get(code, 500), code.name, "Request was refused.")


def _rpc_error(error: Exception) -> Any:
    """Return the gRPC error behind an exception, which knows code, details and trailing metadata."""
    behind: Sequence[Any] = getattr(error, "errors", None) or [error]
    return next((one for one in behind if hasattr(one, "trailing_metadata") and hasattr(one, "code")), None)


def _trailing_failure(call: Any) -> Any:
    """Return the GoogleAdsFailure in the trailing metadata; the client parses only some codes' itself."""
    for key, value in (call.trailing_metadata() or ()) if call is not None else ():
        if key == FAILURE_KEY:
            module = importlib.import_module(f"google.ads.googleads.{VERSION}.errors.types.errors")
            return module.GoogleAdsFailure.pb().FromString(value)
    return None


def _refusal(status: int, name: str, message: str, details: Sequence[Any] = ()) -> HttpAnswer:
    error = {"code": status, "message": message, "status": name, "details": list(details)}
    return HttpAnswer(status, _HEADERS, json.dumps({"error": error}).encode())


def _timed(answer: HttpAnswer, started: float) -> HttpAnswer:
    return HttpAnswer(
        answer.status, answer.headers, answer.body, answer.truncated, time.monotonic() - started
    )
