"""The documents that depend on what happened: after the ringing, and before the two are joined."""

from functools import cache

from calltrack.calls.desk import Desk
from calltrack.calls.route_table import Route
from calltrack.calls.words import whisper_text
from calltrack.telephony import twilio
from calltrack.telephony.base import AfterDial, CallEvent, Silence, Whisper


def after_dial(_desk: Desk, route: Route, event: CallEvent) -> bytes:
    """End the call after a conversation; else offer the voicemail, or say that nobody is there."""
    talked = event.bridged or (event.bridged is None and event.status == "completed")
    return hang_up() if talked or event.caller_gone else route.nobody_came


def whisper(desk: Desk, route: Route) -> bytes:
    """Say where the call comes from: a static number's own source, else that of the likeliest visit."""
    row = route.row
    if row.kind == "static":
        origin = (row.source, row.medium, row.campaign)
    else:
        found = desk.intake.origin_of(row.company_id, row.number_id) if row.kind == "pool" else None
        origin = found or ("", "", "")
    text = whisper_text(row.language, origin)
    return twilio.render(Whisper(text=text, language=row.language)).encode()


@cache
def hang_up() -> bytes:
    """End the call."""
    return twilio.render(AfterDial()).encode()


@cache
def nothing() -> bytes:
    """Go on, or end: there is nothing to say."""
    return twilio.render(Silence()).encode()
