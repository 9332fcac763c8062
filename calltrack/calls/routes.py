"""The carrier's hooks: signature, then the answer from memory, then the record of it.

`/voice/{number_id}` and `/fallback` answer a call, `/whisper` tells the business who calls, `/dialed` and
`/voicemail` go on after it; `/status`, `/leg` and `/recording` only report. `/voice/incoming` finds the
number by what was dialled. A caller is connected even when nothing can be recorded.
"""

from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response, request

from calltrack.calls.answers import after_dial, nothing, whisper
from calltrack.calls.desk import Desk, open_desk
from calltrack.calls.hook_request import HookRequest, TooLarge, read_request
from calltrack.calls.intake import NotKept
from calltrack.calls.route_table import Account, Route, RouteTable, unknown_number
from calltrack.calls.service import Received, UnknownCaller
from calltrack.infra.log import log
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import new_id
from calltrack.telephony import twilio
from calltrack.telephony.base import CallEvent, EventKind
from calltrack.wiring import Services

REFRESH_WAIT = 0.3
# Which hooks are about the caller's own leg: there "To" is the number that was dialled.
ABOUT_THE_CALL = ("incoming", "dialed", "ended", "voicemail")
Answer = Callable[[Desk, Route, CallEvent], bytes]


class _Refused(Exception):
    """The request is answered with this status and changes nothing."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def make_blueprint(services: Services, desk: Desk | None = None) -> Blueprint:
    """Return the hooks as a blueprint; without a desk one is opened, whose threads live with the process."""
    at = desk or open_desk(services)
    blueprint = Blueprint("voice", __name__, url_prefix="/voice")
    documents: dict[str, tuple[EventKind, Answer]] = {
        "": ("incoming", lambda _desk, route, _event: route.connect),
        "/fallback": ("incoming", lambda _desk, route, _event: route.connect),
        "/dialed": ("dialed", after_dial),
        "/voicemail": ("voicemail", lambda _desk, _route, _event: nothing()),
    }
    for path, (kind, answer) in documents.items():
        _add(blueprint, f"/<number_hex>{path}", partial(_document, at, kind, answer))
    _add(blueprint, "/<number_hex>/whisper", partial(_whisper, at))
    _add(blueprint, "/incoming", partial(_document, at, "incoming", documents[""][1], None))
    reports: dict[str, EventKind] = {"/status": "ended", "/leg": "leg", "/recording": "recording"}
    for path, kind in reports.items():
        _add(blueprint, f"/<number_hex>{path}", partial(_report, at, kind))
    return blueprint


def _add(blueprint: Blueprint, path: str, view: Callable[..., Response]) -> None:
    blueprint.add_url_rule(path, path, view, methods=["GET", "POST"], provide_automatic_options=False)


def _document(desk: Desk, kind: EventKind, answer: Answer, number_hex: str | None) -> Response:
    """Answer somebody who waits on the line: signature first, then a document whatever happens."""
    try:
        sent, table = _read(desk)
        route = _find(desk, table, sent, number_hex)
        if route is None:
            return _unknown(desk, sent, number_hex, is_call=kind == "incoming")
        _check_signature(desk, sent, [route.token], route.row.number_id.hex)
        _check_agreement(sent, route, kind)
    except _Refused as refusal:
        return _refuse(refusal)
    if route.row.is_released and kind == "incoming":
        return _unknown(desk, sent, number_hex, is_call=True)
    try:
        event = twilio.parse(kind, sent.fields, desk.clock())
        document = answer(desk, route, event)
        desk.intake.accept(_received(desk, route, event))
        return _twiml(document)
    except (BadInput, NotKept) as problem:
        log.error("voice: answered without a record (%s)", problem or type(problem).__name__)
    except Exception:  # noqa: BLE001 - the caller is connected whatever is wrong with us
        log.exception("voice: answered without a record")
    return _twiml(route.connect if kind == "incoming" else nothing())


def _whisper(desk: Desk, number_hex: str) -> Response:
    """Tell the business who calls; an error here would cost the connection, so there is none."""
    try:
        sent, table = _read(desk)
        route = table.by_id(number_hex)
        if route is None:
            raise _Refused(403, f"unknown number {number_hex[:64]!r}")
        _check_signature(desk, sent, [route.token], number_hex)
        _check_agreement(sent, route, "leg")
    except _Refused as refusal:
        return _refuse(refusal)
    try:
        return _twiml(whisper(desk, route))
    except Exception:  # noqa: BLE001 - the caller is connected whatever is wrong with us
        log.exception("voice: no whisper")
        return _twiml(nothing())


def _report(desk: Desk, kind: EventKind, number_hex: str) -> Response:
    """Take note of a report: 204 means it is kept; 503 asks the carrier to send it again."""
    try:
        sent, table = _read(desk)
        route = table.by_id(number_hex)
        if route is None:
            raise _Refused(403, f"unknown number {number_hex[:64]!r}")
        _check_signature(desk, sent, [route.token], number_hex)
        _check_agreement(sent, route, kind)
        desk.intake.accept(_received(desk, route, twilio.parse(kind, sent.fields, desk.clock())))
    except _Refused as refusal:
        return _refuse(refusal)
    except BadInput as problem:
        return _refuse(_Refused(400, str(problem)))
    except NotKept:
        return _refuse(_Refused(503, "neither the database nor the disk took it"))
    return Response(status=204)


def _read(desk: Desk) -> tuple[HookRequest, RouteTable]:
    table = desk.routes.table
    if table is None:  # A fast failure: the carrier turns to the fallback address of the number.
        raise _Refused(503, "no routes are known yet")
    try:
        return read_request(request), table
    except TooLarge as problem:
        raise _Refused(413, str(problem)) from None
    except BadInput as problem:
        raise _Refused(400, str(problem)) from None


def _find(desk: Desk, table: RouteTable, sent: HookRequest, number_hex: str | None) -> Route | None:
    """Return the route of the request; a number bought this minute is looked for once more."""
    route = _look_up(table, sent, number_hex)
    if route is None:
        desk.routes.refresh(REFRESH_WAIT)
        route = _look_up(desk.routes.table or table, sent, number_hex)
    return route


def _look_up(table: RouteTable, sent: HookRequest, number_hex: str | None) -> Route | None:
    if number_hex is not None:
        return table.by_id(number_hex)
    return table.by_number(sent.fields.get("AccountSid", ""), twilio.dialled_number(sent.fields))


def _check_signature(desk: Desk, sent: HookRequest, tokens: list[str], subject: str) -> None:
    if not sent.is_signed_by(desk.base_url, tokens):
        raise _Refused(403, f"no valid signature for {subject[:64]!r}")


def _check_agreement(sent: HookRequest, route: Route, kind: EventKind) -> None:
    """Refuse a signed request in which number, account and company do not belong together (S6)."""
    if sent.fields.get("AccountSid") != route.row.account_sid:
        raise _Refused(403, f"number {route.row.number_id.hex} belongs to another carrier account")
    if kind in ABOUT_THE_CALL and twilio.dialled_number(sent.fields) != route.row.e164:
        raise _Refused(403, f"number {route.row.number_id.hex} is not the number that was dialled")


def _unknown(desk: Desk, sent: HookRequest, number_hex: str | None, *, is_call: bool) -> Response:
    """Answer a signed call to a number nobody here owns; anybody else is refused."""
    account = _signing_account(desk, sent)
    if account is None:
        return _refuse(_Refused(403, f"unknown number {(number_hex or '')[:64]!r}, no known signer"))
    if not is_call:
        return _twiml(nothing())
    try:
        desk.intake.accept_unknown(
            UnknownCaller(
                id=new_id(desk.clock()),
                at=desk.clock(),
                account_sid=account.account_sid,
                call_sid=sent.fields.get("CallSid", "")[:64],
                to_number=twilio.dialled_number(sent.fields)[:32],
                detail={"company_id": str(account.company_id), "asked_for": (number_hex or "")[:64]},
            )
        )
    except Exception:  # noqa: BLE001 - the caller is connected whatever is wrong with us
        log.exception("voice: a call to an unknown number is not written down")
    return _twiml(unknown_number(account, "it-IT"))


def _signing_account(desk: Desk, sent: HookRequest) -> Account | None:
    table = desk.routes.table
    accounts = table.accounts(sent.fields.get("AccountSid", "")) if table else []
    return next((a for a in accounts if sent.is_signed_by(desk.base_url, [a.token])), None)


def _received(desk: Desk, route: Route, event: CallEvent) -> Received:
    row = route.row
    return Received(row.company_id, row.number_id, row.location_id, event, desk.clock())


def _refuse(refusal: _Refused) -> Response:
    log.warning("voice: refused %s %s: %s", refusal.status, request.endpoint, refusal)
    return Response(status=refusal.status)


def _twiml(document: bytes) -> Response:
    return Response(document, content_type=twilio.CONTENT_TYPE)
