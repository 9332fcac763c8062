"""What a caller hears where the guard has a say: the usual document, or one of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from calltrack.calls.answers import Answer
from calltrack.calls.desk import Desk
from calltrack.calls.guard.desk import Asked, Decision
from calltrack.calls.guard.legs import sorry
from calltrack.calls.route_table import Route
from calltrack.telephony import twilio
from calltrack.telephony.base import Ask, CallEvent, CallPlan, HangUp, Reject, Speak

KEY, KEY_SECONDS = "1", 8
Usual = Callable[[Desk, Route, CallEvent], Answer]


@dataclass(frozen=True)
class GuardWords:
    """The guard's own sentences in one language."""

    press: str


ITALIAN = GuardWords(press="Per parlare con noi prema il tasto uno.")
ENGLISH = GuardWords(press="To speak with us, please press one.")


def guarded(usual: Usual) -> Usual:
    """Answer a call that rings in as `usual` does, unless the guard says otherwise."""

    def answer(desk: Desk, route: Route, event: CallEvent) -> Answer:
        language = route.row.language
        decision = desk.guard.decide(_asked(route), event, desk.clock())
        if decision.action == "reject":
            return Answer(rejected(), event)
        if decision.action in ("cut", "bar"):
            return Answer(sorry(language), _stopped(event, decision))
        if decision.action == "challenge":
            return Answer(challenge(language, route.hook("challenge")), event)
        return usual(desk, route, event)

    return answer


def key_pressed(usual: Usual) -> Usual:
    """Go on with a caller who had to press a key: after the right one, answer as `usual` does."""

    def answer(desk: Desk, route: Route, event: CallEvent) -> Answer:
        # The address is asked once a key: what it heard stands beside the first request, not in its place.
        event = replace(event, key=f"{event.key}:key:{event.digits or ''}")
        if (event.digits or "").strip() != KEY:
            return Answer(sorry(route.row.language), replace(event, guard="challenge"))
        decision = desk.guard.let_through(_asked(route), event, desk.clock())
        if decision.action:
            return Answer(sorry(route.row.language), _stopped(event, decision))
        return usual(desk, route, replace(event, guard="passed"))

    return answer


def _stopped(event: CallEvent, decision: Decision) -> CallEvent:
    """Return the event with why its caller is not put through: our answer ends the call."""
    return replace(event, guard=decision.action, goes_on=False)


@cache
def rejected() -> bytes:
    """Refuse the call before it is answered, which costs nothing."""
    return twilio.render(CallPlan((Reject(),))).encode()


def challenge(language: str, action: str) -> bytes:
    """Ask the caller to press a key, which goes to `action`; who presses nothing is hung up on."""
    words = ITALIAN if language.lower().startswith("it") else ENGLISH
    prompt = Speak(text=words.press, language=language)
    ask = Ask(action=action, prompts=(prompt,), seconds=KEY_SECONDS)
    return twilio.render(CallPlan((ask, HangUp()))).encode()


def _asked(route: Route) -> Asked:
    """Name the line a call would ring; a flow's own lines are looked at when they are rung."""
    row = route.row
    return Asked(row.company_id, row.number_id, "" if route.flow else row.forward_to)
