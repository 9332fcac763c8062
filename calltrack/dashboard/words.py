"""The words, tones and icons in which pages speak of calls, sources, conversions and deliveries.

A tone is never alone: each comes with a word and an icon, so no information hangs on colour.
"""

from dataclasses import dataclass
from datetime import datetime

from calltrack.destinations import DESTINATIONS
from calltrack.reports.names import source_name


@dataclass(frozen=True)
class Sign:
    """A word with its tone (good, warn, bad, live, calm) and icon."""

    word: str
    tone: str
    icon: str


OUTCOMES = {
    "answered": Sign("Answered", "good", "call-in"),
    "mailbox": Sign("Voicemail", "warn", "voicemail"),
    "busy": Sign("Busy", "warn", "call-missed"),
    "missed": Sign("Missed", "bad", "call-missed"),
    "abandoned": Sign("Hung up early", "warn", "call-missed"),
    "failed": Sign("Failed", "bad", "alert"),
    "blocked": Sign("Blocked", "calm", "minus"),
    "over_limit": Sign("Refused: limit", "calm", "pause"),
    "ringing": Sign("Ringing", "live", "bell"),
    "in_progress": Sign("Talking", "live", "call-in"),
    "ended": Sign("Ended", "calm", "check"),
}
STATES = {
    "pending": Sign("Waiting", "calm", "clock"),
    "sending": Sign("On its way", "live", "send"),
    "accepted": Sign("Accepted", "calm", "check"),
    "confirmed": Sign("Confirmed", "good", "check-all"),
    "rejected": Sign("Rejected", "bad", "cross"),
    "unknown": Sign("Not known yet", "warn", "help"),
    "parked": Sign("Parked", "warn", "pause"),
    "withheld": Sign("Not sent", "calm", "minus"),
}
STATE_MEANS = {
    "pending": "It will be sent as soon as its turn comes.",
    "sending": "A worker is sending it right now.",
    "accepted": "The platform took it; its verdict is still to come.",
    "confirmed": "The platform confirmed that it counts.",
    "rejected": "The platform refused it; a person must change something.",
    "unknown": "The answer got lost; it is sent again under the same id, so nothing counts twice.",
    "parked": "It waits until the destination works again; no try is used up.",
    "withheld": "It was not sent on purpose; the reason stands beside it.",
}
PREFLIGHT = {"send": "Would be taken", "wait": "Waits until", "never": "Never sent"}
CLASSES = {
    "DONE": "done",
    "ACCEPTED": "taken, verdict to come",
    "OPEN": "no verdict yet",
    "LATER": "try again later",
    "UNKNOWN": "no answer came",
    "AGAIN": "sent again without a wrong one",
    "SPLIT": "sent again in halves",
    "ROW": "this conversion was refused",
    "CONFIG": "the connection must be repaired",
    "BUG": "a fault of ours",
}
CLASS_TONES = {"DONE": "good", "ACCEPTED": "good", "ROW": "bad", "CONFIG": "bad", "BUG": "bad"}
CHOICES = {
    "by_region": "Withhold where law asks for consent, else send",
    "withhold": "Withhold everywhere",
    "send": "Send everywhere",
    "crm": "CRM",
}
ACTIONS = {"create": "New", "restate": "New value", "retract": "Taken back"}
CODES = {
    "CONSENT_DENIED": "consent refused",
    "CONSENT_UNKNOWN": "consent not known",
    "NO_IDENTIFIERS": "nothing to match by",
    "NO_CLICK_ID": "no click known",
    "NO_ACTION": "no conversion set up for it",
    "NO_EVENT": "no event set up for it",
    "NO_RULE": "no conversion rule set up for it",
    "NO_CLIENT_ID": "visitor unknown to analytics",
    "CALLS_DO_NOT_CHANGE": "calls are not changed there",
    "TOO_OLD_TO_CHANGE": "too old to be changed",
    "NO_VALUE": "no value",
    "NO_PAGE": "page not known",
    "NO_WORD_FOR_VALUE": "takes no later value",
    "NO_WORD_FOR_TAKING_BACK": "takes nothing back",
    "TOO_OLD": "too old",
    "OUTSIDE_WINDOW": "too long after the click",
    "BEFORE_CLICK": "before the click",
    "IN_FUTURE": "time in the future",
    "CONNECTED_LATER": "connected afterwards",
    "AFTERWARDS": "held back after planning",
    "NOT_KEPT": "reason not kept",
}
NOTICE_LINKS = {
    "destination.paused": "See why and let it run",
    "webhook.disabled": "See why and let it run",
    "sign_in.expiring": "Sign in again",
    "delivery.window": "See the deliveries",
    "delivery.unknown": "See the deliveries",
    "tally.difference": "Compare",
    "platform.unwell": "See the destination",
    "carrier.refused": "See the carrier",
    "carrier.unwell": "See the carrier",
}
LEG_STATES = {
    "ringing": "rang",
    "in_progress": "answered",
    "completed": "answered",
    "busy": "was busy",
    "no_answer": "nobody picked up",
    "failed": "could not be reached",
    "canceled": "stopped ringing",
}
LINE_TYPES = {
    "landline": "a landline",
    "mobile": "a mobile phone",
    "fixedVoip": "internet telephony",
    "nonFixedVoip": "internet telephony without a fixed place",
    "tollFree": "a toll-free number",
    "premium": "a premium-rate number",
    "voicemail": "a mailbox",
    "unknown": "unknown",
}
_LIKELY = (
    (0.995, "Practically certain"),
    (0.9, "Very likely"),
    (0.7, "Likely"),
    (0.5, "More likely than not"),
    (0.2, "Uncertain"),
    (0.0, "Unlikely"),
)


def outcome(status: str, result: str | None) -> Sign:
    """Return the sign of a call: its outcome, or what it is doing while it lasts."""
    if result:
        return OUTCOMES.get(result, Sign(result.replace("_", " ").capitalize(), "calm", "check"))
    return OUTCOMES.get(status, OUTCOMES["ended"])


def state(name: str) -> Sign:
    """Return the sign of a delivery's state."""
    return STATES.get(name, Sign(name, "calm", "help"))


source = source_name


def likely(probability: float) -> str:
    """Return a probability in words."""
    return next(words for least, words in _LIKELY if probability >= least)


def destination(kind: str) -> str:
    """Return a kind of destination as people call it."""
    known = DESTINATIONS.get(kind)
    return known.label if known is not None else kind.replace("_", " ").capitalize()


def choice(value: str) -> str:
    """Return a choice of a settings form in words."""
    return CHOICES.get(value, value.replace("_", " ").lower().capitalize())


def code(name: str) -> str:
    """Return the code of a verdict in words; one without words of its own is spelled out."""
    return CODES.get(name, name.replace("_", " ").lower())


def age(seconds: float) -> str:
    """Return a stretch of time in its largest unit: `8 seconds`, `2 hours`, `1 day`."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a second"


def missed(
    state: str | None,
    missed_at: datetime | None,
    tried_at: datetime | None,
    reached_at: datetime | None,
    is_withheld: bool,
) -> Sign | None:
    """Return what became of a missed call; None: there is nothing to say."""
    if state is None or missed_at is None:
        return None
    if state == "reached" and reached_at is not None:
        return Sign(f"Called back after {age((reached_at - missed_at).total_seconds())}", "good", "check")
    if state == "came_back":
        return Sign("Called again, answered", "good", "check")
    if state == "closed":
        return Sign("Dealt with", "calm", "check")
    if is_withheld:
        return None
    return Sign("Tried to ring back" if tried_at else "To ring back", "warn", "bell")


MESSAGE_STATES = {
    "due": "waits to be sent",
    "sending": "is being sent",
    "queued": "taken by the carrier",
    "sent": "sent",
    "delivered": "delivered",
    "undelivered": "not delivered",
    "failed": "not delivered",
    "refused": "refused by the carrier",
    "unknown": "not known whether it was sent",
    "dropped": "not sent",
    "received": "received",
}


def message_state(state: str) -> str:
    """Return how far a message has come, in words."""
    return MESSAGE_STATES.get(state, state)
