"""The twin's gRPC server: the four services that calltrack calls, with Google's errors and faults.

The google-ads package ships no servicer stubs; generic handlers over its own messages do the job. Loading
this file costs what the client costs, so the twin loads it when somebody first asks where it listens.
"""

import importlib
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.status_pb2 import Status

from calltrack.sandbox.platforms import oauth
from calltrack.sandbox.platforms.faults import LONGEST_HANG
from calltrack.sandbox.platforms.google_ads_budgets import CURRENCY, BudgetBook
from calltrack.sandbox.platforms.google_ads_checks import MAX_ROWS, Fault
from calltrack.sandbox.platforms.google_ads_rules import Books
from calltrack.sandbox.platforms.google_ads_spend import Reports
from calltrack.sandbox.platforms.twin import Desk

TARGET: Final = "google_ads"
SPEND_TARGET: Final = "google_spend"
VERSION: Final = "v26"
THREADS: Final = 16
_NAMES: Final = f"google.ads.googleads.{VERSION}"
_FAILURE_KEY: Final = f"{_NAMES}.errors.googleadsfailure-bin"
_HEADER: Final = re.compile(r"[0-9]{10}")

_uploads = importlib.import_module(f"{_NAMES}.services.types.conversion_upload_service")
_adjustments = importlib.import_module(f"{_NAMES}.services.types.conversion_adjustment_upload_service")
_searches = importlib.import_module(f"{_NAMES}.services.types.google_ads_service")
_budgets = importlib.import_module(f"{_NAMES}.services.types.campaign_budget_service")
_errors = importlib.import_module(f"{_NAMES}.errors.types.errors")

# What a step of a fault script is answered with: gRPC status, enum and code.
_STEPS: Final = {
    "400": (grpc.StatusCode.INVALID_ARGUMENT, "request_error", "REQUIRED_FIELD_MISSING"),
    "401": (grpc.StatusCode.UNAUTHENTICATED, "authentication_error", "OAUTH_TOKEN_EXPIRED"),
    "403": (grpc.StatusCode.PERMISSION_DENIED, "authorization_error", "USER_PERMISSION_DENIED"),
    "429": (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota_error", "RESOURCE_TEMPORARILY_EXHAUSTED"),
    "500": (grpc.StatusCode.INTERNAL, "internal_error", "INTERNAL_ERROR"),
    "504": (grpc.StatusCode.INTERNAL, "internal_error", "DEADLINE_EXCEEDED"),
}
_BY_ENUM: Final = {
    "quota_error": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "internal_error": grpc.StatusCode.INTERNAL,
    "authentication_error": grpc.StatusCode.UNAUTHENTICATED,
    "authorization_error": grpc.StatusCode.PERMISSION_DENIED,
    "not_allowlisted_error": grpc.StatusCode.PERMISSION_DENIED,
}
_ROW_ENUMS: Final = ("conversion_upload_error", "conversion_adjustment_upload_error")
_SEARCHED_FIRST: Final = (*_BY_ENUM, *_ROW_ENUMS, "request_error", "header_error", "database_error")


class Server:
    """The four services on a free port of the loopback interface."""

    def __init__(self, desk: Desk, budgets: BudgetBook | None = None) -> None:
        """Start listening; `address` says where."""
        self._desk = desk
        self._budgets = budgets or BudgetBook(None)
        self._books = Books(desk.journal)
        self._reports = Reports(desk.spend, self._budgets)
        self._server = grpc.server(
            ThreadPoolExecutor(THREADS, thread_name_prefix="google-ads-twin"),
            options=[("grpc.max_receive_message_length", 64 * 1024 * 1024), ("grpc.so_reuseport", 0)],
        )
        for service, methods in self._handlers().items():
            handler = grpc.method_handlers_generic_handler(f"{_NAMES}.services.{service}", methods)
            self._server.add_generic_rpc_handlers((handler,))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        """Stop at once."""
        self._server.stop(None)

    def _handlers(self) -> Mapping[str, Mapping[str, grpc.RpcMethodHandler]]:
        clicks, calls = _uploads.UploadClickConversionsRequest, _uploads.UploadCallConversionsRequest
        changes, search = (
            _adjustments.UploadConversionAdjustmentsRequest,
            _searches.SearchGoogleAdsStreamRequest,
        )
        return {
            "ConversionUploadService": {
                "UploadClickConversions": _unary(clicks, self._answering(self._click_conversions)),
                "UploadCallConversions": _unary(calls, self._answering(self._call_conversions)),
            },
            "ConversionAdjustmentUploadService": {
                "UploadConversionAdjustments": _unary(changes, self._answering(self._take_adjustments)),
            },
            "CampaignBudgetService": {
                "MutateCampaignBudgets": grpc.unary_unary_rpc_method_handler(
                    self._change_budgets,
                    request_deserializer=_budgets.MutateCampaignBudgetsRequest.pb().FromString,
                    response_serializer=lambda message: message.SerializeToString(),
                ),
            },
            "GoogleAdsService": {
                "SearchStream": grpc.unary_stream_rpc_method_handler(
                    self._search,
                    request_deserializer=search.pb().FromString,
                    response_serializer=lambda message: message.SerializeToString(),
                )
            },
        }

    def _answering(self, answer: Callable[[Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
        """Play the next step of the fault script, or answer."""

        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            self._admit(request, context)
            step = self._desk.faults.next(TARGET)
            if step is None:
                return answer(request)
            return self._play(step, request, context, answer)

        return handle

    def _admit(self, request: Any, context: grpc.ServicerContext) -> None:
        """Refuse who is not signed in, accounts nobody may use, and requests beyond the limits."""
        context.set_trailing_metadata((("request-id", _request_id()),))
        sent = {item.key: item.value for item in context.invocation_metadata()}
        if not oauth.is_valid(str(sent.get("authorization", "")), self._desk.now()):
            _refuse(context, grpc.StatusCode.UNAUTHENTICATED, "authentication_error", "OAUTH_TOKEN_EXPIRED")
        manager = str(sent.get("login-customer-id", ""))
        if manager and not _HEADER.fullmatch(manager):
            _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "header_error", "INVALID_LOGIN_CUSTOMER_ID")
        if not _HEADER.fullmatch(request.customer_id):
            _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "request_error", "INVALID_CUSTOMER_ID")
        if request.customer_id.startswith("403"):
            _refuse(
                context, grpc.StatusCode.PERMISSION_DENIED, "authorization_error", "USER_PERMISSION_DENIED"
            )
        if hasattr(request, "partial_failure") and not hasattr(request, "operations"):
            self._check_frame(request, context)

    def _check_frame(self, request: Any, context: grpc.ServicerContext) -> None:
        rows = _rows_of(request)
        if not request.partial_failure:
            _refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "partial_failure_error",
                "PARTIAL_FAILURE_MODE_REQUIRED",
            )
        if len(rows) > MAX_ROWS:
            is_change = hasattr(request, "conversion_adjustments")
            enum, what = (_ROW_ENUMS[1], "ADJUSTMENTS") if is_change else (_ROW_ENUMS[0], "CONVERSIONS")
            _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, enum, f"TOO_MANY_{what}_IN_REQUEST")
        if not rows:
            _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "request_error", "REQUIRED_FIELD_MISSING")

    def _play(
        self, step: str, request: Any, context: grpc.ServicerContext, answer: Callable[[Any], Any]
    ) -> Any:
        word, _, rest = step.partition(":")
        if word == "reason":
            return self._say_reason(rest, request, context)
        if word.isdigit():
            status, enum, code = _STEPS.get(word, (grpc.StatusCode.UNAVAILABLE, "", ""))
            _refuse(context, status, enum, code, retry_after=rest.partition("=")[2])
        processed = (
            answer(request) if word in ("slow", "timeout-after-processing", "drop-after-processing") else None
        )
        if word in ("slow", "timeout", "timeout-after-processing"):
            _hang(context, min(float(rest or 30), LONGEST_HANG))
        if word == "slow":
            return processed
        # As a broken connection looks: no trailing metadata of Google's.
        context.set_trailing_metadata(())
        return context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    def _say_reason(self, name: str, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse the request with a code of Google's, or every row of it where the code is about rows."""
        enum, code = _enum_of(name)
        if enum not in _ROW_ENUMS or not hasattr(request, "partial_failure"):
            _refuse(context, _BY_ENUM.get(enum, grpc.StatusCode.INVALID_ARGUMENT), enum, code)
        fault = Fault(enum, code, "", "The fault script says so.")
        return _response(request, dict.fromkeys(range(len(_rows_of(request))), fault))

    def _click_conversions(self, request: Any) -> Any:
        return self._conversions(request, calls=False)

    def _call_conversions(self, request: Any) -> Any:
        return self._conversions(request, calls=True)

    def _conversions(self, request: Any, *, calls: bool) -> Any:
        faults = self._books.upload(
            request.customer_id,
            request.conversions,
            self._desk.now(),
            calls=calls,
            dry_run=request.validate_only,
            too_recent=self._desk.faults.modes.too_recent_click,
        )
        return _response(request, faults)

    def _take_adjustments(self, request: Any) -> Any:
        faults = self._books.adjust(
            request.customer_id,
            request.conversion_adjustments,
            self._desk.now(),
            dry_run=request.validate_only,
        )
        return _response(request, faults)

    def _change_budgets(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Carry out all operations of a request or none; a refusal is one of the whole request."""

        def change(request: Any) -> Any:
            amounts = [
                (one.update.resource_name, one.update.amount_micros, tuple(one.update_mask.paths))
                for one in request.operations
            ]
            faults = self._budgets.change(request.customer_id, amounts, dry_run=request.validate_only)
            if faults:
                _refuse_rows(context, faults, "operations")
            response = _budgets.MutateCampaignBudgetsResponse.pb()()
            for name, _, _ in amounts if not request.validate_only else ():
                response.results.add(resource_name=name)
            return response

        return self._answering(change)(request, context)

    def _budget_rows(self, customer: str, query: str) -> Any:
        """Return budgets with their campaigns; None: the question is about something else."""
        rows = self._budgets.asked(customer, query)
        if rows is None:
            return None
        response = _searches.SearchGoogleAdsStreamResponse.pb()()
        for budget, campaign_id, campaign_name in rows:
            row = response.results.add()
            row.customer.currency_code = CURRENCY
            row.campaign.id, row.campaign.name = int(campaign_id), campaign_name
            found = row.campaign_budget
            found.resource_name = f"customers/{customer}/campaignBudgets/{budget.id}"
            found.id, found.name, found.amount_micros = int(budget.id), budget.name, budget.amount_micros
            found.explicitly_shared, found.reference_count = budget.explicitly_shared, len(budget.campaigns)
            found.period, found.status = 2, 2
        return response

    def _search(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        self._admit(request, context)
        is_summary = "FROM offline_conversion_upload_client_summary" in request.query
        budgets = self._budget_rows(request.customer_id, request.query)
        is_report = budgets is None and not is_summary
        step = self._desk.faults.next(SPEND_TARGET if is_report else TARGET)
        if step == "drop-after-processing" and is_report:
            # The first batch has left when the connection breaks.
            yield next(self._report(request, context))
        if step is not None:
            self._play(step, request, context, lambda _: None)
        if budgets is not None:
            yield budgets
        elif is_summary:
            yield self._summary(request.customer_id)
        else:
            yield from self._report(request, context)

    def _report(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Answer a question about cost and clicks."""
        now, modes = self._desk.now(), self._desk.faults.modes
        refused = self._reports.refusal(request.query, now, modes.daily_operations)
        if refused is not None:
            _refuse(context, _BY_ENUM.get(refused[0], grpc.StatusCode.INVALID_ARGUMENT), *refused)
        rows = max(int(modes.rows_per_batch), 1)
        return self._reports.answer(request.customer_id, request.query, now, rows)

    def _summary(self, customer: str) -> Any:
        """Return Google's own counts of the last seven days."""
        response = _searches.SearchGoogleAdsStreamResponse.pb()()
        days = self._books.recent_days(self._desk.now())
        good = sum(counts["successful"] for _, counts in days)
        total = good + sum(counts["failed"] for _, counts in days)
        if total:
            found = response.results.add().offline_conversion_upload_client_summary
            found.resource_name = (
                f"customers/{customer}/offlineConversionUploadClientSummaries/GOOGLE_ADS_API"
            )
            found.client, found.status = 2, (3 if good == total else 4)
            found.total_event_count, found.successful_event_count = total, good
            found.success_rate = good / total
            for day, counts in days:
                one = found.daily_summaries.add(upload_date=day)
                one.successful_count = self._desk.faults.modes.less(counts["successful"])
                one.failed_count = counts["failed"]
        return response


def _unary(message: Any, handle: Callable[[Any, grpc.ServicerContext], Any]) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(
        handle,
        request_deserializer=message.pb().FromString,
        response_serializer=lambda response: response.SerializeToString(),
    )


def _rows_of(request: Any) -> Any:
    is_change = hasattr(request, "conversion_adjustments")
    return request.conversion_adjustments if is_change else request.conversions


def _response(request: Any, faults: Mapping[int, Fault]) -> Any:
    """Return the response of a request: a filled result for each row that went in, an empty one else."""
    is_change, is_call = hasattr(request, "conversion_adjustments"), not hasattr(request, "job_id")
    if is_change:
        response = _adjustments.UploadConversionAdjustmentsResponse.pb()()
    elif is_call:
        response = _uploads.UploadCallConversionsResponse.pb()()
    else:
        response = _uploads.UploadClickConversionsResponse.pb()()
    if not request.validate_only:
        for index, row in enumerate(_rows_of(request)):
            result = response.results.add()
            for name in result.DESCRIPTOR.fields_by_name if index not in faults else ():
                if name != "user_identifiers" and _is_given(row, name):
                    _copy(row, result, name)
    if not is_call:
        # The server's own numbers lie above what a client may ask for.
        response.job_id = request.job_id or 2**31 + secrets.randbelow(2**31)
    if faults:
        response.partial_failure_error.CopyFrom(_partial(faults, is_change=is_change))
    return response


def _is_given(row: Any, name: str) -> bool:
    field = row.DESCRIPTOR.fields_by_name[name]
    return bool(row.HasField(name) if field.has_presence else getattr(row, name))


def _copy(row: Any, result: Any, name: str) -> None:
    value = getattr(row, name)
    if hasattr(value, "CopyFrom"):
        getattr(result, name).CopyFrom(value)
    else:
        setattr(result, name, value)


def _partial(faults: Mapping[int, Fault], *, is_change: bool) -> Status:
    rows = "conversion_adjustments" if is_change else "conversions"
    failure = _failure(
        (fault.enum, fault.code, fault.words, rows, index, fault.field)
        for index, fault in sorted(faults.items())
    )
    detail = AnyMessage()
    detail.Pack(failure, type_url_prefix="type.googleapis.com/")
    return Status(code=3, message=failure.errors[0].message, details=[detail])


def _failure(errors: Iterable[tuple[str, str, str, str, int, str]]) -> Any:
    failure = _errors.GoogleAdsFailure.pb()(request_id=_request_id())
    for enum, code, words, rows, index, field in errors:
        error = failure.errors.add(message=words)
        if enum:
            values = error.error_code.DESCRIPTOR.fields_by_name[enum].enum_type.values_by_name
            setattr(error.error_code, enum, values[code].number)
        if rows:
            error.location.field_path_elements.add(field_name=rows, index=index)
        if field:
            error.location.field_path_elements.add(field_name=field)
    return failure


def _refuse(
    context: grpc.ServicerContext, status: grpc.StatusCode, enum: str, code: str, *, retry_after: str = ""
) -> None:
    """Refuse the whole request, a GoogleAdsFailure in the trailing metadata; never returns."""
    metadata: list[tuple[str, str | bytes]] = [("request-id", _request_id())]
    if enum:
        failure = _failure([(enum, code, "The request was refused.", "", 0, "")])
        if retry_after.isdigit():
            quota = failure.errors[0].details.quota_error_details
            quota.retry_delay.CopyFrom(Duration(seconds=int(retry_after)))
            quota.rate_scope, quota.rate_name = 2, "sandbox"
        metadata.append((_FAILURE_KEY, failure.SerializeToString()))
    context.set_trailing_metadata(tuple(metadata))
    context.abort(status, f"{code or status.name}: the request was refused.")


def _refuse_rows(context: grpc.ServicerContext, faults: Mapping[int, Fault], rows: str) -> None:
    """Refuse the whole request for what is wrong with some of its rows; never returns."""
    failure = _failure(
        (fault.enum, fault.code, fault.words, rows, place, fault.field)
        for place, fault in sorted(faults.items())
    )
    context.set_trailing_metadata(
        (("request-id", failure.request_id), (_FAILURE_KEY, failure.SerializeToString()))
    )
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Request contains an invalid argument.")


def _enum_of(name: str) -> tuple[str, str]:
    """Return the enum that has this code; `enum/CODE` names it where several do."""
    enum, _, code = name.rpartition("/")
    fields = _errors.ErrorCode.pb().DESCRIPTOR.fields_by_name
    for candidate in [enum] if enum else [*_SEARCHED_FIRST, *fields]:
        if candidate in fields and code in fields[candidate].enum_type.values_by_name:
            return candidate, code
    return "request_error", "UNKNOWN"


def _hang(context: grpc.ServicerContext, seconds: float) -> None:
    until = time.monotonic() + seconds
    while context.is_active() and time.monotonic() < until:
        time.sleep(0.02)


def _request_id() -> str:
    return secrets.token_urlsafe(16)
