"""The carrier's hooks beside the callers' own: text messages, and calls we begin.

`/voice/{number}/sms` receives a message, `/sms/{id}` hears how far one of ours has come; `/out/{token}`
answers a call we began, `/key` and `/dialed` go on in it, `/status` hears of its end. Like the callers' hooks
they answer from memory and keep what they hear in the database or the spool.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request

from calltrack.calls.desk import Desk
from calltrack.calls.guard.legs import allowed, sorry
from calltrack.calls.hook_request import HookRequest, TooLarge, read_request
from calltrack.calls.intake import NotKept
from calltrack.calls.outbound import documents
from calltrack.calls.outbound.reports import Kind, Report
from calltrack.calls.outbound.rules import Step, to_plain
from calltrack.calls.outbound.tokens import Errand, read_errand
from calltrack.calls.route_table import Route
from calltrack.infra.log import log
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import parse_id
from calltrack.telephony import twilio
from calltrack.telephony.base import CallPlan, HangUp
from calltrack.telephony.events import CallEvent, EventKind
from calltrack.telephony.twilio_messages import parse_received, parse_report, plain

ANY_NUMBER = "incoming"
STAY_SILENT = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
READ_AS: dict[str, EventKind] = {"answer": "leg", "key": "key", "dialed": "dialed", "status": "ended"}


def create_side_blueprint(desk: Desk) -> Blueprint:
    """Return the hooks, answered at the given desk."""
    blueprint = Blueprint("voice_side", __name__, url_prefix="/voice")
    _add(blueprint, "/<number_hex>/sms", "sms", partial(_sms, desk))
    _add(blueprint, "/<number_hex>/sms/<message_hex>", "sms_report", partial(_sms_report, desk))
    _add(blueprint, "/<number_hex>/out/<token>", "out", partial(_out, desk, "answer"))
    for step in ("key", "dialed", "status"):
        _add(blueprint, f"/<number_hex>/out/<token>/{step}", f"out_{step}", partial(_out, desk, step))
    return blueprint


def _add(blueprint: Blueprint, rule: str, name: str, view: Callable[..., Response]) -> None:
    blueprint.add_url_rule(rule, name, view, methods=["GET", "POST"], provide_automatic_options=False)


def _sms(desk: Desk, number_hex: str) -> Response:
    """Keep a received message; 503 lets the carrier turn to the fallback address, or try again."""
    read = _read(desk, number_hex)
    if isinstance(read, Response):
        return read
    sent, route = read
    try:
        found = parse_received(sent.fields)
        if found.to != route.row.e164:
            return _refuse(403, "the message was sent to another number")
        _keep(desk, route, "message", f"sms:{found.sid}", None, plain(found))
    except BadInput as problem:
        return _refuse(400, str(problem))
    except NotKept:
        return _refuse(503, "neither the database nor the disk took a message")
    return _twiml(STAY_SILENT)


def _sms_report(desk: Desk, number_hex: str, message_hex: str) -> Response:
    read = _read(desk, number_hex)
    if isinstance(read, Response):
        return read
    sent, route = read
    if _is_of_another(sent, route):
        return _refuse(403, "the message was sent by another number")
    try:
        found, about = parse_report(sent.fields), parse_id(message_hex)
        _keep(desk, route, "message", f"sms:{found.sid}:{found.status}", about, plain(found))
    except BadInput as problem:
        return _refuse(400, str(problem))
    except NotKept:
        return _refuse(503, "neither the database nor the disk took a report")
    return Response(status=204)


def _out(desk: Desk, what: str, number_hex: str, token: str) -> Response:
    """Go on in a call we began; what cannot be kept of it does not stop somebody who is on the line."""
    read = _read(desk, number_hex)
    if isinstance(read, Response):
        return read
    sent, route = read
    if _is_of_another(sent, route):
        return _refuse(403, "the call was begun from another number")
    try:
        errand = read_errand(desk.vault, route.row.company_id, token)
        event = twilio.parse(READ_AS[what], sent.fields, desk.clock())
    except BadInput as problem:
        return _refuse(400, str(problem))
    try:
        step = _step(what, event)
        key = f"out:{errand.id.hex}:{what}:{step.status}:{step.digits}:{event.leg_sid or ''}"
        _keep(desk, route, "call_out", key, errand.id, to_plain(step))
    except NotKept:
        if what == "status":
            return _refuse(503, "neither the database nor the disk took a report")
        log.error("voice: a call we began goes on, though its %s was kept nowhere", what)
    return (
        Response(status=204)
        if what == "status"
        else _twiml(_document(desk, route, token, errand, event, what))
    )


def _document(desk: Desk, route: Route, token: str, errand: Errand, event: CallEvent, what: str) -> bytes:
    address = route.hook(f"out/{token}")
    if event.caller_gone:
        plan = CallPlan((HangUp(),))
    elif what == "key":
        plan = documents.after_key(errand, address, event.digits or "", route.row.e164)
    elif what == "dialed":
        joined = bool(event.bridged or (event.bridged is None and event.status == "completed"))
        plan = documents.after_talk(errand, joined=joined)
    else:
        plan = documents.when_answered(errand, address)
    checked = allowed(desk.guard, route.row.company_id, plan)
    return sorry(errand.language) if checked is None else twilio.render(checked).encode()


def _step(what: str, event: CallEvent) -> Step:
    return Step(
        what=what,
        at=event.at,
        call_sid=event.call_sid,
        status=event.status,
        digits=(event.digits or "")[:1],
        bridged=event.bridged,
        talk_seconds=event.talk_seconds,
    )


def _keep(desk: Desk, route: Route, kind: Kind, key: str, about: UUID | None, fields: dict[str, Any]) -> None:
    row = route.row
    desk.intake.accept_report(
        Report(
            company_id=row.company_id, number_id=row.number_id, kind=kind, key=key, about=about,
            received_at=desk.clock(), fields=fields,
        )
    )  # fmt: skip


def _read(desk: Desk, number_hex: str) -> tuple[HookRequest, Route] | Response:
    """Return the request and its route: signed by the number's own account, else the refusal."""
    table = desk.routes.table
    if table is None:
        return _refuse(503, "no routes are known yet")
    try:
        sent = read_request(request)
    except TooLarge as problem:
        return _refuse(413, str(problem))
    except BadInput as problem:
        return _refuse(400, str(problem))
    if number_hex == ANY_NUMBER:
        route = table.by_number(sent.fields.get("AccountSid", ""), sent.fields.get("To", ""))
    else:
        route = table.by_id(number_hex)
    if route is None:
        return _refuse(403, f"unknown number {number_hex[:64]!r}")
    if not sent.is_signed_by(desk.base_url, [route.token]):
        return _refuse(403, f"no valid signature for number {route.row.number_id.hex}")
    if sent.fields.get("AccountSid") != route.row.account_sid:
        return _refuse(403, f"number {route.row.number_id.hex} belongs to another carrier account")
    return sent, route


def _is_of_another(sent: HookRequest, route: Route) -> bool:
    """Tell whether a request about what we sent or began names another number than its address (S6)."""
    return sent.fields.get("From") != route.row.e164


def _refuse(status: int, reason: str) -> Response:
    log.warning("voice: refused with %s (%s): %s", status, request.endpoint, reason)
    return Response(status=status)


def _twiml(document: bytes) -> Response:
    return Response(document, content_type=twilio.CONTENT_TYPE)
