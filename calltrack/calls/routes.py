"""The carrier's hooks: signature, then the answer from memory, then the record of it.

`/voice/{number_id}` and `/fallback` answer a call, `/challenge` a key the guard asked for, `/step/{token}`
goes on in its call flow. Calls without a flow use `/whisper`, which tells the business who calls, and
`/dialed` and `/voicemail`, which go on after it. `/status`, `/leg`, `/recording` and `/transcription` only
report. `/voice/incoming` finds the number by what was dialled. A caller is connected even when nothing can be
recorded, and to the location's own line when a flow is broken.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from flask import Blueprint, Response, request

from calltrack.callflows.place import Phase, Token, read_token
from calltrack.calls import answers
from calltrack.calls.answers import Answer, hang_up, nothing
from calltrack.calls.desk import Desk
from calltrack.calls.guard.answers import guarded, key_pressed
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
ABOUT_THE_CALL = ("incoming", "dialed", "ended", "voicemail", "key")
STEP_KINDS: dict[Phase, EventKind] = {
    "key": "key", "notice": "key", "rung": "dialed", "message": "voicemail", "whisper": "leg", "accept": "leg"
}  # fmt: skip
Answering = Callable[[Desk, Route, CallEvent], Answer]
T = TypeVar("T")


class _Refused(Exception):
    """The request is answered with this status and changes nothing."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def create_blueprint(desk: Desk) -> Blueprint:
    """Return the hooks, answered at the given desk."""
    blueprint = Blueprint("voice", __name__, url_prefix="/voice")
    answering: dict[str, tuple[EventKind, Answering]] = {
        "call": ("incoming", guarded(answers.first)),
        "challenge": ("incoming", key_pressed(answers.first)),
        "dialed": ("dialed", answers.after_dial),
        "voicemail": ("voicemail", lambda _desk, _route, event: Answer(hang_up(), event)),
    }
    reports: dict[str, EventKind] = {"status": "ended", "leg": "leg", "recording": "recording"}
    for name, (kind, answer) in answering.items():
        _add(blueprint, name, partial(_answer, desk, kind, answer))
    _add(blueprint, "fallback", partial(_fallback, desk))
    for name, kind in reports.items():
        _add(blueprint, name, partial(_report, desk, kind))
    _add(blueprint, "transcription", partial(_transcription, desk))
    _add(blueprint, "whisper", partial(_whisper, desk))
    _add(blueprint, "step", partial(_step, desk), "/<number_hex>/step/<token_text>")
    _add(blueprint, "incoming", partial(_answer, desk, "incoming", guarded(answers.first), None), "/incoming")
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


def _answer(desk: Desk, kind: EventKind, answering: Answering, number_hex: str | None) -> Response:
    """Answer somebody who waits on the line: signature first, then a document whatever happens."""
    return _answer_sent(desk, kind, answering, number_hex, *_read(desk))


def _fallback(desk: Desk, number_hex: str | None) -> Response:
    """Answer where another address failed; after a ring the carrier tells here, too, how it ended."""
    sent, table = _read(desk)
    if "DialCallStatus" in sent.fields:
        return _answer_sent(desk, "dialed", answers.after_dial_elsewhere, number_hex, sent, table)
    return _answer_sent(desk, "incoming", guarded(answers.at_fallback), number_hex, sent, table)


def _answer_sent(
    desk: Desk,
    kind: EventKind,
    answering: Answering,
    number_hex: str | None,
    sent: HookRequest,
    table: RouteTable,
) -> Response:
    route = _find(desk, table, sent, number_hex)
    if route is not None:
        _check(desk, sent, route, kind)
    if route is None or (route.row.is_released and kind == "incoming"):
        return _unknown(desk, sent, number_hex, is_call=kind == "incoming")
    otherwise = route.connect if kind == "incoming" else hang_up()
    return _answer_and_keep(desk, sent, route, kind, answering, otherwise)


def _answer_and_keep(
    desk: Desk, sent: HookRequest, route: Route, kind: EventKind, answering: Answering, otherwise: bytes
) -> Response:
    event = _whatever_happens(lambda: twilio.parse(kind, sent.fields, desk.clock()), None)
    if event is None:
        return _twiml(otherwise)
    answer = _whatever_happens(lambda: answering(desk, route, event), Answer(otherwise, event))
    _whatever_happens(lambda: desk.intake.accept(_received(desk, route, answer.event)), None)
    return _twiml(answer.document)


def _step(desk: Desk, number_hex: str, token_text: str) -> Response:
    """Go on in a call flow; whatever is wrong with it, the caller reaches the location's own line."""
    sent, table = _read(desk)
    route = _find(desk, table, sent, number_hex)
    if route is None:
        raise _Refused(403, f"unknown number {number_hex[:64]!r}")
    token = _whatever_happens(lambda: read_token(token_text), None)
    of_leg = "ParentCallSid" in sent.fields if token is None else STEP_KINDS[token.place.phase] == "leg"
    _check(desk, sent, route, "leg" if of_leg else "key")
    if of_leg:
        return _twiml(_whatever_happens(lambda: _to_phone(desk, sent, route, token), nothing()))
    kind = STEP_KINDS[token.place.phase] if token else "key"
    is_over = kind == "voicemail" or _is_over(sent)
    otherwise = hang_up() if is_over else route.connect
    return _answer_and_keep(desk, sent, route, kind, partial(_at_step, token), otherwise)


def _at_step(token: Token | None, desk: Desk, route: Route, event: CallEvent) -> Answer:
    if token is None:
        raise BadInput("the address names no step of a flow")
    return answers.at_step(desk, route, token, event)


def _to_phone(desk: Desk, sent: HookRequest, route: Route, token: Token | None) -> bytes:
    """Answer on a leg to the business: what it hears before it is joined, or after it pressed a key."""
    if token is None:
        return nothing()
    if token.place.phase == "accept":
        return answers.accept_at_step(sent.fields.get("Digits", ""))
    return answers.whisper_at_step(desk, route, token, sent.fields.get("CallSid", ""))


def _is_over(sent: HookRequest) -> bool:
    """Tell whether the caller talked already: a broken flow then ends the call rather than ring again."""
    return sent.fields.get("DialBridged", "").lower() == "true"


def _whisper(desk: Desk, number_hex: str) -> Response:
    """Tell the business who calls; an error here would cost the connection, so there is none."""
    sent, table = _read(desk)
    route = _find(desk, table, sent, number_hex)
    if route is None:
        raise _Refused(403, f"unknown number {number_hex[:64]!r}")
    _check(desk, sent, route, "leg")
    return _twiml(_whatever_happens(lambda: answers.whisper(desk, route), nothing()))


def _report(desk: Desk, kind: EventKind, number_hex: str) -> Response:
    """Take note of a report: 204 means it is kept; 503 asks the carrier to send it again."""
    return _take(desk, kind, number_hex, partial(twilio.parse, kind))


def _transcription(desk: Desk, number_hex: str) -> Response:
    """Take note of what was just said; what is not final yet is left aside."""
    return _take(desk, "transcript", number_hex, twilio.parse_transcript)


def _take(desk: Desk, kind: EventKind, number_hex: str, read: Callable[..., CallEvent | None]) -> Response:
    sent, table = _read(desk)
    route = _find(desk, table, sent, number_hex)
    if route is None:
        raise _Refused(403, f"unknown number {number_hex[:64]!r}")
    _check(desk, sent, route, kind)
    try:
        event = read(sent.fields, desk.clock())
        if event is not None:
            desk.intake.accept(_received(desk, route, event))
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
    if number_hex not in (None, "incoming"):  # An application's addresses name no number.
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
    row, now = route.row, desk.clock()
    event = desk.guard.noted(event, now)
    return Received(row.company_id, row.number_id, row.location_id, event, now)


def _twiml(document: bytes) -> Response:
    return Response(document, content_type=twilio.CONTENT_TYPE)
