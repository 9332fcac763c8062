"""The interpreter of call flows: a step and what is known of the call in, a call plan out.

Pure: the same question gets the same answer, however often and by whichever process it is asked. The time
that counts for opening hours is the moment the call came in.
"""

from dataclasses import replace

from calltrack.callflows import ringing
from calltrack.callflows.opening import is_open
from calltrack.callflows.place import Place
from calltrack.callflows.ringing import Turn
from calltrack.callflows.steps import (
    Announce,
    ByCaller,
    CallerBranch,
    End,
    Flow,
    Hours,
    Menu,
    Next,
    Refuse,
    RingGroup,
    Voicemail,
)
from calltrack.callflows.walk import Addresses, Call, Heard, Reply, Walk
from calltrack.callflows.words import words_for
from calltrack.kernel.phone import country_of
from calltrack.telephony.base import Announced, Ask, CallPlan, HangUp, Reject, Silence, TakeMessage, Whisper


def begin(flow: Flow, call: Call, addresses: Addresses) -> Reply:
    """Answer a call that came in."""
    return _walk(Walk(flow=flow, call=call, addresses=addresses, language=flow.language), flow.start)


def go_on(flow: Flow, call: Call, addresses: Addresses, place: Place, heard: Heard) -> Reply:
    """Answer at a place of the flow, after a key, a ring or a message.

    Raises:
        KeyError: the flow has no such step.
        ValueError: the step is of another kind than the place says.
    """
    step = flow.steps[place.step]
    walk = Walk(
        flow=flow,
        call=call,
        addresses=addresses,
        language=place.language,
        announced=Announced(place.step) if place.is_told else None,
        is_unrecorded=place.is_unrecorded,
    )
    if heard.is_gone or (isinstance(step, Voicemail) and place.phase == "message"):
        return walk.ended()
    match step, place.phase:
        case Menu(), "key":
            return _after_key(walk, step, place, heard.digits)
        case RingGroup(), "notice":
            return ringing.after_notice(_pressed(walk, place, heard.digits), step, place, heard.digits)
        case RingGroup(), "rung":
            return _after_ring(walk, step, place, heard)
    raise ValueError(f"step {place.step} is a {step.kind}: nothing follows a {place.phase} there")


def whisper(flow: Flow, addresses: Addresses, place: Place, origin: str) -> Whisper | Silence:
    """Return what a phone hears before it is joined; `origin` says where the call comes from.

    Raises:
        KeyError: the flow has no such step.
        ValueError: the step rings nobody.
    """
    group = _group(flow, place)
    text = ringing.whisper_text(place.language, group, origin, is_recorded=place.is_told)
    if not text:
        return Silence()
    accept = addresses.step(replace(place, phase="accept")) if group.screening else None
    return Whisper(text=text, language=place.language, accept_url=accept)


def accept(flow: Flow, place: Place, digits: str) -> CallPlan | Silence:
    """Join a phone that pressed the right key; hang up on it after another one."""
    _group(flow, place)
    return Silence() if digits == ringing.ACCEPT_KEY else CallPlan((HangUp(),))


def _group(flow: Flow, place: Place) -> RingGroup:
    step = flow.steps[place.step]
    if not isinstance(step, RingGroup):
        raise ValueError(f"step {place.step} is a {step.kind}: it rings nobody")
    return step


def _walk(walk: Walk, name: Next) -> Reply:
    """Collect parts from this step on, until one ends the document."""
    while name is not None:
        step = walk.flow.steps[name]
        walk = walk.entering(name)
        match step:
            case Announce():
                walk, name = walk.doing(walk.saying(step.message)), step.then
            case Hours():
                now_open = is_open(step.hours, walk.call.began, walk.flow.timezone or walk.call.zone)
                name = step.open if now_open else step.closed
            case ByCaller():
                walk, name = _by_caller(walk, step)
            case Menu():
                return _ask(walk, step, name, turn=1)
            case RingGroup():
                return ringing.ring(walk, step, name, ringing.first_turn(step))
            case Voicemail():
                return _take_message(walk, step, name)
            case End():
                return walk.ended(*((walk.saying(step.message),) if step.message else ()))
            case Refuse():
                return walk.ended(Reject(reason=step.reason))
    return walk.ended()


def _by_caller(walk: Walk, step: ByCaller) -> tuple[Walk, Next]:
    caller = walk.call.caller
    if caller is None:
        return walk, step.withheld
    branch = next((branch for branch in step.branches if fits(branch, caller)), None)
    return (walk.speaking(branch.language), branch.to) if branch else (walk, step.otherwise)


def fits(branch: CallerBranch, caller: str) -> bool:
    """Tell whether a caller's number belongs to a branch."""
    if any(caller.startswith(prefix) for prefix in branch.prefixes):
        return True
    return bool(branch.countries) and country_of(caller) in branch.countries


def _ask(walk: Walk, step: Menu, name: str, turn: int) -> Reply:
    return walk.ended(
        Ask(
            action=walk.address(name, "key", turn=turn),
            prompts=(walk.saying(step.message),),
            seconds=step.seconds,
            even_without_key=True,
        )
    )


def _after_key(walk: Walk, step: Menu, place: Place, digits: str) -> Reply:
    walk = _pressed(walk, place, digits)
    option = step.options.get(digits)
    if option is not None:
        return _walk(walk.speaking(option.language), option.to)
    if place.turn < step.tries:
        return _ask(walk, step, place.step, place.turn + 1)
    return _walk(walk, step.otherwise)


def _pressed(walk: Walk, place: Place, digits: str) -> Walk:
    return walk.entering(f"{place.step}={digits[:1]}") if digits else walk


def _after_ring(walk: Walk, step: RingGroup, place: Place, heard: Heard) -> Reply:
    if heard.joined:
        return _walk(walk, step.after)
    turn = ringing.next_turn(step, Turn(place.turn, place.left_out), heard)
    if turn is not None:
        return ringing.ring(walk, step, place.step, turn)
    if step.no_answer is None:
        return walk.ended(walk.sentence(words_for(walk.language).missed))
    return _walk(walk, step.no_answer)


def _take_message(walk: Walk, step: Voicemail, name: str) -> Reply:
    asked = walk.sentence(words_for(walk.language).leave_message)
    return walk.ended(
        walk.saying(step.message) if step.message else asked,
        TakeMessage(
            action=walk.address(name, "message"), recording=walk.addresses.recording, seconds=step.seconds
        ),
    )
