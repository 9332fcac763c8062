"""A call as the live view shows it: plain words, the number always masked."""

from typing import Any

from calltrack.conversions.call_log import CallSummary
from calltrack.dashboard import words
from calltrack.dashboard.show import money, span
from calltrack.kernel.phone import masked


def card(call: CallSummary) -> dict[str, Any]:
    """Return the JSON of one call for the live view."""
    sign = words.outcome(call.status, call.outcome)
    brought = ""
    if call.purchase == "counted":
        brought = f"Purchase {money(call.value_minor, call.currency or '')}"
    elif call.lead == "counted":
        brought = "Lead"
    elif (found := _missed(call)) is not None:
        brought = found.word
    return {
        "id": call.id.hex,
        "word": sign.word,
        "tone": sign.tone,
        "icon": sign.icon,
        "is_open": call.is_open,
        "is_lost": call.is_lost,
        "caller": masked(call.caller) if call.caller else "Number withheld",
        "city": call.caller_city,
        "location": call.location,
        "source": "" if call.source is None else words.source(call.source, call.medium),
        "campaign": call.campaign or "",
        "started_at": call.started_at.isoformat(timespec="milliseconds"),
        "talk": span(call.talk_seconds) if call.talk_seconds else "",
        "brought": brought,
        "is_demo": call.is_demo,
    }


def _missed(call: CallSummary) -> words.Sign | None:
    """Return what became of a missed call."""
    return words.missed(call.missed, call.missed_at, call.tried_at, call.reached_at, call.caller is None)
