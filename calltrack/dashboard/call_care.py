"""What people did about a call, as its page shows it."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from calltrack.accounts.queries import members
from calltrack.automations.call_backs import CallOutRow, calls_out
from calltrack.automations.doing import steps_of
from calltrack.calls.people.model import MissedCall
from calltrack.calls.people.tags import tag_choices, tags_of_call
from calltrack.calls.people.work import STATUSES, notes_of, work_of
from calltrack.calls.queries import CallRow
from calltrack.dashboard import words
from calltrack.dashboard.access import Here
from calltrack.dashboard.show import shortened, span
from calltrack.dashboard.timelines import Moment
from calltrack.journeys.queries import Journey
from calltrack.messages.queries import MessageRow, messages_with, thread_with
from calltrack.wiring import Services


@dataclass(frozen=True)
class CallCare:
    """What the page's template is given, and what belongs on the person's line of time."""

    shown: dict[str, Any]
    happened: tuple[Moment, ...]


def people_of(services: Services, session: Session, here: Here, call: CallRow, journey: Journey) -> CallCare:
    """Return tags, notes, work, the missed call, calls begun for it, and messages."""
    company_id = here.company.id
    missed = session.get(MissedCall, (company_id, call.id))
    begun = calls_out(session, company_id, call.id)
    won_at = ""
    if missed is not None and missed.reached_at is not None:
        local = missed.reached_at.astimezone(ZoneInfo(here.company.timezone))
        won_at = local.replace(tzinfo=None).isoformat(timespec="seconds")
    hashes = {call.caller_hash} if call.caller_hash else set()
    written = messages_with(session, services.vault, company_id, hashes | set(journey.hashes))
    thread = thread_with(session, services.vault, company_id, call.caller_hash) if call.caller_hash else None
    shown = {
        "missed": missed,
        "calls_out": begun,
        "steps": steps_of(session, company_id, call.id),
        "won_at": won_at,
        "call_tags": tags_of_call(session, company_id, call.id),
        "all_tags": tag_choices(session, company_id),
        "notes": notes_of(session, services.vault, company_id, call.id),
        "work": work_of(session, company_id, call.id),
        "statuses": STATUSES,
        "people": members(session, company_id),
        "thread": thread,
    }
    rang = [_rang_back(one) for one in begun if one.kind == "back"]
    return CallCare(shown, (*[_message(one) for one in written], *rang))


def _message(one: MessageRow) -> Moment:
    if one.is_received:
        return Moment(one.at, "Wrote a message", "copy", "calm", (shortened(one.text),))
    state = words.message_state(one.state)
    tone = "warn" if one.state in ("undelivered", "failed", "refused", "unknown", "dropped") else "calm"
    return Moment(one.at, f"Was sent a message ({state})", "send", tone, (shortened(one.text), one.problem))


def _rang_back(one: CallOutRow) -> Moment:
    if one.joined_at is not None:
        talked = (f"They talked {span(one.talk_seconds)}.",)
        return Moment(one.joined_at, "Was called back", "call-in", "good", talked)
    what = "No answer" if one.caller_status else one.problem or "Nobody was joined"
    return Moment(
        one.created_at, "Was tried to be called back", "call-missed", "warn", (f"{what}.".replace("..", "."),)
    )
