"""The documents that depend on what happened: at a step of a flow, after ringing, before two are joined."""

from dataclasses import dataclass, replace
from functools import cache
from uuid import UUID

from calltrack.callflows import rules
from calltrack.callflows.place import Place, Token, read_token
from calltrack.callflows.ringing import ACCEPT_KEY
from calltrack.callflows.steps import Flow, RingGroup
from calltrack.callflows.walk import Heard, Reply
from calltrack.calls.desk import Desk
from calltrack.calls.guard.legs import allowed, sorry
from calltrack.calls.route_table import FlowHooks, Route, SettingsHooks, rendered
from calltrack.calls.words import whisper_text
from calltrack.infra.log import log
from calltrack.kernel.errors import BadInput
from calltrack.telephony import twilio
from calltrack.telephony.base import CallEvent, CallPlan, HangUp, Silence


@dataclass(frozen=True)
class Answer:
    """A document, and the event with what our answer adds to it."""

    document: bytes
    event: CallEvent


def first(desk: Desk, route: Route, event: CallEvent) -> Answer:
    """Answer a call that came in: by its flow, else by the location's settings.

    What counts for the first question counts when it is asked again: the moment and the flow's version.
    """
    version = route.row.flow_version
    if route.flow is None or version is None:
        return Answer(route.connect, event)
    asked = desk.begun.first(event.call_sid, (version, desk.clock().replace(microsecond=0)))
    version, began = asked
    flow = desk.flow(route, version)
    call = route.call(event.call_sid, event.from_, began)
    return _answered(desk, route, rules.begin(flow, call, FlowHooks(route, version, began)), event, version)


def at_fallback(desk: Desk, route: Route, event: CallEvent) -> Answer:
    """Answer where another address failed: a flow that failed on its way is not tried again."""
    failed_on_its_way = "/step/" in (event.error_url or "")
    return Answer(route.connect, event) if failed_on_its_way else first(desk, route, event)


def at_step(desk: Desk, route: Route, token: Token, event: CallEvent) -> Answer:
    """Go on in a flow after a key, a ring or a message.

    Raises:
        NotFound: this process knows no such version of the company's flows.
        KeyError, ValueError: the version has no such place.
    """
    place, flow = token.place, desk.flow(route, token.version)
    heard = Heard(
        digits=event.digits or "",
        joined=has_talked(event),
        picked_up=event.status == "completed",
        leg=desk.picked_up.get(event.leg_sid) if event.leg_sid else None,
        is_gone=event.caller_gone,
    )
    call = route.call(event.call_sid, event.from_, token.began)
    reply = rules.go_on(flow, call, FlowHooks(route, token.version, token.began), place, heard)
    named = replace(event, step=place.step, key=key_at(event, place))
    return _answered(desk, route, reply, named, token.version)


def after_dial(_desk: Desk, route: Route, event: CallEvent) -> Answer:
    """End the call after a conversation; else offer the voicemail, or say that nobody is there."""
    over = has_talked(event) or event.caller_gone
    return Answer(hang_up() if over else route.nobody_came, event)


def after_dial_elsewhere(desk: Desk, route: Route, event: CallEvent) -> Answer:
    """Go on after a ring whose own address failed: a talk ends the call, nobody is rung a second time for it.

    Without a talk a flow is not tried again: the location's own line is rung. The event has the key it would
    have had at its own address, which may have taken it, too.
    """
    _, is_step, rest = (event.error_url or "").partition("/step/")
    if not is_step:
        return after_dial(desk, route, event)
    try:
        place = read_token(rest.partition("#")[0]).place
        event = replace(event, step=place.step, key=key_at(event, place))
    except BadInput as problem:
        log.error("voice: the address that failed names no step of a flow (%s)", problem)
    over = has_talked(event) or event.caller_gone
    return Answer(hang_up() if over else route.connect, event)


def key_at(event: CallEvent, place: Place) -> str:
    """Return the key of an event at a place of a flow: the same phones may be rung at several."""
    return f"{event.key}:{place.step}.{place.turn}.{place.left_out:x}"


def has_talked(event: CallEvent) -> bool:
    """Tell whether caller and business were joined; where the carrier does not say, a completed ring was."""
    return event.kind == "dialed" and bool(
        event.bridged or (event.bridged is None and event.status == "completed")
    )


def whisper(desk: Desk, route: Route) -> bytes:
    """Say where a call comes from that no flow answers."""
    place = route.settings_place("whisper", is_told=route.row.record)
    return _whisper(desk, route, route.settings, place, SettingsHooks(route))


def whisper_at_step(desk: Desk, route: Route, token: Token, leg_sid: str) -> bytes:
    """Say to a phone of a ring group where the call comes from, and remember which phone it is."""
    desk.picked_up.first(leg_sid, token.place.turn)
    hooks = FlowHooks(route, token.version, token.began)
    return _whisper(desk, route, desk.flow(route, token.version), token.place, hooks)


def accept_at_step(digits: str) -> bytes:
    """Join a phone that pressed the key; needs nothing that could fail."""
    return nothing() if digits == ACCEPT_KEY else hang_up()


def _whisper(desk: Desk, route: Route, flow: Flow, place: Place, hooks: SettingsHooks) -> bytes:
    step = flow.steps[place.step]
    asks = isinstance(step, RingGroup) and step.whisper
    origin = whisper_text(place.language, _origin(desk, route)) if asks else ""
    return twilio.render(rules.whisper(flow, hooks, place, origin)).encode()


def _origin(desk: Desk, route: Route) -> tuple[str, str, str]:
    """Return source, medium and campaign: a static number's own, else those of the likeliest visit."""
    row = route.row
    if row.kind == "static":
        return (row.source, row.medium, row.campaign)
    found = desk.intake.origin_of(row.company_id, row.number_id) if row.kind == "pool" else None
    return found or ("", "", "")


def _answered(desk: Desk, route: Route, reply: Reply, event: CallEvent, version: UUID) -> Answer:
    """Return the document of a reply, without lines that calls must not go to."""
    plan = allowed(desk.guard, route.row.company_id, reply.plan)
    if plan is not None:
        plan = desk.with_logins(route, plan)
    document = sorry(route.row.language) if plan is None else rendered(replace(reply, plan=plan))
    goes_on = plan is not None and reply.goes_on
    return Answer(document, replace(event, flow=version.hex, path=reply.path, goes_on=goes_on))


@cache
def hang_up() -> bytes:
    """End the call."""
    return twilio.render(CallPlan((HangUp(),))).encode()


@cache
def nothing() -> bytes:
    """Go on, or end: there is nothing to say."""
    return twilio.render(Silence()).encode()
