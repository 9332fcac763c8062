"""The carrier's hooks: signature, then the answer from memory, then the record of it.

`/voice/{number_id}` and `/fallback` answer a call, `/whisper` tells the business who calls, `/dialed` and
`/voicemail` go on after it; `/status`, `/leg` and `/recording` only report. `/voice/incoming` finds the
number by what was dialled. A caller is connected even when nothing can be recorded.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from flask import Blueprint, Response, request

from calltrack.calls.answers import after_dial, hang_up, nothing, whisper
from calltrack.calls.desk import Desk
from calltrack.calls.hook_request import HookRequest, TooLarge, read_request
from calltrack.calls.intake import NotKept
from calltrack.calls.route_table import Account, Route, RouteTable, unknown_number
from calltrack.calls.service import Received, UnknownCaller
from calltrack.infra.log import log
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import new_id
from calltrack.telephony import twilio
from calltrack.telephony.base import CallEvent, EventKind

REFRESH_WAIT = 1.0
# Which hooks are about the caller's own leg: there "To" is the number that was dialled.
ABOUT_THE_CALL = ("incoming", "dialed", "ended", "voicemail")
Answer = Callable[[Desk, Route, CallEvent], bytes]
T = TypeVar("T")


class _Refused(Exception):
    """The request is answered with this status and changes nothing."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def create_blueprint(desk: Desk) -> Blueprint:
    """Return the hooks, answered at the given desk."""
    blueprint = Blueprint("voice", __name__, url_prefix="/voice")
    answers: dict[str, tuple[EventKind, Answer]] = {
        "call": ("incoming", lambda _desk, route, _event: route.connect),
        "fallback": ("incoming", lambda _desk, route, _event: route.connect),
        "dialed": ("dialed", after_dial),
        "voicemail": ("voicemail", lambda _desk, _route, _event: hang_up()),
    }
    reports: dict[str, EventKind] = {"status": "ended", "leg": "leg", "recording": "recording"}
    for name, (kind, answer) in answers.items():
        _add(blueprint, name, partial(_answer, desk, kind, answer))
    for name, kind in reports.items():
        _add(blueprint, name, partial(_report, desk, kind))
    _add(blueprint, "whisper", partial(_whisper, desk))
    _add(blueprint, "incoming", partial(_answer, desk, "incoming", answers["call"][1], None), "/incoming")
    return blueprint


def _add(blueprint: Blueprint, name: str, view: Callable[..., Response], path: str | None = None) -> None:
    rule = path or ("/<number_hex>" if name == "call" else f"/<number_hex>/{name}")
    blueprint.add_url_rule(
        rule, name, partial(_unless_refused, view), methods=["GET", "POST"], provide_automatic_options=False
    )


def _unless_refused(view: Callable[..., Response], **place: str) -> Response:
    try:
        return view(**place)
    except _Refused as refusal:
        log.warning("voice: refused with %s (%s): %s", refusal.status, request.endpoint, refusal)
        return Response(status=refusal.status)


def _answer(desk: Desk, kind: EventKind, answer: Answer, number_hex: str | None) -> Response:
    """Answer somebody who waits on the line: signature first, then a document whatever happens."""
    sent, table = _read(desk)
    route = _find(desk, table, sent, number_hex)
    if route is not None:
        _check(desk, sent, route, kind)
    if route is None or (route.row.is_released and kind == "incoming"):
        return _unknown(desk, sent, number_hex, is_call=kind == "incoming")
    otherwise = route.connect if kind == "incoming" else hang_up()
    event = _whatever_happens(lambda: twilio.parse(kind, sent.fields, desk.clock()), None)
    if event is None:
        return _twiml(otherwise)
    document = _whatever_happens(lambda: answer(desk, route, event), otherwise)
    _whatever_happens(lambda: desk.intake.accept(_received(desk, route, event)), None)
    return _twiml(document)


def _whisper(desk: Desk, number_hex: str) -> Response:
    """Tell the business who calls; an error here would cost the connection, so there is none."""
    sent, table = _read(desk)
    route = _find(desk, table, sent, number_hex)
    if route is None:
        raise _Refused(403, f"unknown number {number_hex[:64]!r}")
    _check(desk, sent, route, "leg")
    return _twiml(_whatever_happens(lambda: whisper(desk, route), nothing()))


def _report(desk: Desk, kind: EventKind, number_hex: str) -> Response:
    """Take note of a report: 204 means it is kept; 503 asks the carrier to send it again."""
    sent, table = _read(desk)
    route = _find(desk, table, sent, number_hex)
    if route is None:
        raise _Refused(403, f"unknown number {number_hex[:64]!r}")
    _check(desk, sent, route, kind)
    try:
        desk.intake.accept(_received(desk, route, twilio.parse(kind, sent.fields, desk.clock())))
    except BadInput as problem:
        raise _Refused(400, str(problem)) from None
    except NotKept:
        raise _Refused(503, "neither the database nor the disk took it") from None
    return Response(status=204)


def _whatever_happens(do: Callable[[], T], otherwise: T) -> T:
    """Do a step for a caller who waits; when it fails, say so in the log and go on without it."""
    try:
        return do()
    except (BadInput, NotKept) as problem:
        log.error("voice: answered all the same (%s %s)", type(problem).__name__, problem)
    except Exception:  # noqa: BLE001 - a caller waits: he is connected whatever is wrong with us
        log.exception("voice: answered all the same")
    return otherwise


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


def _check(desk: Desk, sent: HookRequest, route: Route, kind: EventKind) -> None:
    """Refuse what the number's own account did not sign, and what does not belong together (S6)."""
    number = route.row.number_id.hex
    if not sent.is_signed_by(desk.base_url, [route.token]):
        raise _Refused(403, f"no valid signature for number {number}")
    if sent.fields.get("AccountSid") != route.row.account_sid:
        raise _Refused(403, f"number {number} belongs to another carrier account")
    if kind in ABOUT_THE_CALL and twilio.dialled_number(sent.fields) != route.row.e164:
        raise _Refused(403, f"number {number} is not the number that was dialled")


def _unknown(desk: Desk, sent: HookRequest, number_hex: str | None, *, is_call: bool) -> Response:
    """Answer a signed call to a number nobody here owns; anybody else is refused."""
    account = _signing_account(desk, sent)
    if account is None:
        raise _Refused(403, f"unknown number {(number_hex or '')[:64]!r} and no known signer")
    if not is_call:
        return _twiml(hang_up())
    unknown = UnknownCaller(
        id=new_id(desk.clock()),
        at=desk.clock(),
        account_sid=account.account_sid,
        call_sid=_plain(sent.fields.get("CallSid", "")),
        to_number=_plain(twilio.dialled_number(sent.fields)),
        detail={"company_id": str(account.company_id), "asked_for": _plain(number_hex or "")},
    )
    _whatever_happens(lambda: desk.intake.accept_unknown(unknown), None)
    return _twiml(unknown_number(account))


def _plain(text: str) -> str:
    """Return what a database can store and a page can show, cut to the length of an identifier."""
    return "".join(mark for mark in text if mark.isprintable())[:64]


def _signing_account(desk: Desk, sent: HookRequest) -> Account | None:
    table = desk.routes.table
    accounts = table.accounts(sent.fields.get("AccountSid", "")) if table else []
    return next((a for a in accounts if sent.is_signed_by(desk.base_url, [a.token])), None)


def _received(desk: Desk, route: Route, event: CallEvent) -> Received:
    row = route.row
    return Received(row.company_id, row.number_id, row.location_id, event, desk.clock())


def _twiml(document: bytes) -> Response:
    return Response(document, content_type=twilio.CONTENT_TYPE)
