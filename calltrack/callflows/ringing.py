"""A ring group: who is rung when, with what notice, and what the phones hear before they are joined.

A mailbox that answers must not end the matter: the carrier stops all other phones when one picks up, so the
others are rung once more without it.
"""

from dataclasses import dataclass, replace

from calltrack.callflows.place import ALL_AT_ONCE, Place
from calltrack.callflows.sharing import order
from calltrack.callflows.steps import RingGroup
from calltrack.callflows.walk import Call, Heard, Reply, Walk
from calltrack.callflows.words import spoken_key, words_for
from calltrack.telephony.base import Ask, Prompt, Ring, Target, Transcribe

NOTICE_SECONDS = 3
ACCEPT_KEY = "1"


@dataclass(frozen=True)
class Turn:
    """Which phones are rung next: all at once, or the one whose turn it is."""

    number: int
    left_out: int = 0


def first_turn(group: RingGroup) -> Turn:
    """Return how a ring group begins."""
    return Turn(ALL_AT_ONCE if group.how == "together" else 0)


def next_turn(group: RingGroup, turn: Turn, heard: Heard) -> Turn | None:
    """Return who is rung after nobody took the call; None: there is nobody left.

    After a ring of all phones at once the phone that answered without taking the call is left out; where the
    carrier does not say which one it was, they are rung one after the other.
    """
    rung = len(group.targets) if group.how == "together" else most_of(group)
    if turn.number != ALL_AT_ONCE:
        following = Turn(turn.number + 1, turn.left_out)
        return following if following.number < rung else None
    if not heard.picked_up or rung == 1:
        return None
    if heard.leg is None or heard.leg >= rung:
        return Turn(0)
    left_out = turn.left_out | 1 << heard.leg
    return Turn(ALL_AT_ONCE, left_out) if left_out != turn.left_out and left_out < (1 << rung) - 1 else None


def most_of(group: RingGroup) -> int:
    """Return how many phones are rung at most, one after the other."""
    return min(group.most or len(group.targets), len(group.targets))


def rung_in(group: RingGroup, turn: Turn, call: Call, name: str) -> tuple[int, ...]:
    """Return the places of the phones that ring in a turn."""
    if turn.number == ALL_AT_ONCE:
        return tuple(place for place in range(len(group.targets)) if not turn.left_out >> place & 1)
    seed = (call.caller if group.sticky else None) or call.sid
    whole = order(group.how, [target.weight for target in group.targets], f"{name}:{seed}")
    return (whole[turn.number % len(whole)],)


def ring(walk: Walk, group: RingGroup, name: str, turn: Turn) -> Reply:
    """Ring the phones of a turn; a caller who is to be recorded is told (and asked, if so set) before."""
    wants = group.record and not walk.is_unrecorded
    if wants and not walk.is_told:
        notice, opt_out = notice_of(walk), group.opt_out_key
        if opt_out is None:
            walk = walk.doing(notice)
        else:
            words, key = words_for(walk.language), spoken_key(walk.language, opt_out)
            choice = walk.sentence(words.opt_out.format(key=key))
            question = Ask(
                action=walk.address(name, "notice", turn=turn.number, is_told=False),
                prompts=(notice, choice),
                seconds=NOTICE_SECONDS,
            )
            walk = walk.doing(question)
        walk = walk.doing(*_written_down(walk))
    return walk.ended(_ring(walk, group, name, turn, record=wants))


def after_notice(walk: Walk, group: RingGroup, place: Place, digits: str) -> Reply:
    """Go on after a key during the notice: without recording for the opt-out key, else tell it again whole.

    A key cuts the notice short, so that nobody knows whether it was heard.
    """
    turn = Turn(place.turn, place.left_out)
    if digits == group.opt_out_key:
        walk = replace(walk, is_unrecorded=True)
        walk = walk.doing(walk.sentence(words_for(walk.language).not_recorded))
    elif group.record and not walk.is_unrecorded:
        walk = walk.doing(notice_of(walk), *_written_down(walk))
    return walk.ended(_ring(walk, group, place.step, turn, record=group.record and not walk.is_unrecorded))


def _written_down(walk: Walk) -> tuple[Transcribe, ...]:
    """Return what starts the transcription where the caller has just been told: once a call."""
    report = walk.addresses.transcription
    return (Transcribe(report=report, language=walk.language),) if report else ()


def notice_of(walk: Walk) -> Prompt:
    """Return what tells the caller of the recording."""
    if walk.flow.notice is not None:
        return walk.saying(walk.flow.notice, is_notice=True)
    return walk.sentence(words_for(walk.language).recording_notice, is_notice=True)


def whisper_text(language: str, group: RingGroup, origin: str, *, is_recorded: bool) -> str:
    """Return what a phone hears first: where the call comes from, that it is recorded, which key takes it."""
    words = words_for(language)
    parts = [origin] if group.whisper else []
    if is_recorded:
        parts.append(words.is_recorded)
    if group.screening:
        parts.append(words.press_to_accept.format(key=ACCEPT_KEY))
    return " ".join(parts)


def _ring(walk: Walk, group: RingGroup, name: str, turn: Turn, *, record: bool) -> Ring:
    call = walk.call
    places = rung_in(group, turn, call, name)
    whispers = group.whisper or group.screening or record
    shown = {"caller": None, "dialled": call.dialled}.get(group.caller_id, group.caller_id)
    return Ring(
        targets=tuple(
            Target(
                address=group.targets[place].address(call.own_line),
                whisper=walk.address(name, "whisper", turn=place, is_told=record) if whispers else None,
            )
            for place in places
        ),
        action=walk.address(name, "rung", turn=turn.number, left_out=turn.left_out),
        leg=walk.addresses.leg,
        recording=walk.addresses.recording,
        seconds=group.seconds,
        caller_id=shown,
        time_limit=group.time_limit,
        star_ends=group.star_ends,
        record=record,
    )
