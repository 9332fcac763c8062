"""What a call we begin is told to do, from what its address carries alone."""

from calltrack.calls.outbound.rules import SCORES, TAKE_KEY
from calltrack.calls.outbound.tokens import Errand
from calltrack.calls.outbound.words import words_of
from calltrack.telephony.base import Ask, CallPlan, HangUp, Ring, Speak, Target

KEY_SECONDS = 8
RING_SECONDS = 30
LONGEST_TALK = 7_200


def when_answered(errand: Errand, address: str) -> CallPlan:
    """Return what the first phone hears: a question for a key, or the code. `address` goes on from here.

    A key is asked for before a caller is rung, because a mailbox presses none.
    """
    words = words_of(errand.language)
    if errand.kind == "verify":
        code = words.code.format(code=", ".join(errand.code))
        return CallPlan((Speak(text=code, language=errand.language), HangUp()))
    question = words.connect if errand.kind == "back" else words.score
    return CallPlan(
        (
            Ask(
                action=f"{address}/key",
                prompts=(Speak(text=question, language=errand.language),),
                seconds=KEY_SECONDS,
            ),
            Speak(text=words.no_key, language=errand.language),
            HangUp(),
        )
    )


def after_key(errand: Errand, address: str, digits: str, shown: str) -> CallPlan:
    """Return what follows a key: the caller is rung (who sees `shown`), thanks, or the question again."""
    words = words_of(errand.language)
    if errand.kind == "back" and digits == TAKE_KEY:
        return CallPlan(
            (
                Ring(
                    targets=(Target(address=errand.to),),
                    action=f"{address}/dialed",
                    seconds=RING_SECONDS,
                    caller_id=shown,
                    time_limit=LONGEST_TALK,
                ),
            )
        )
    if errand.kind == "score" and digits in SCORES:
        return CallPlan((Speak(text=words.thanks, language=errand.language), HangUp()))
    again = when_answered(errand, address)
    return CallPlan((Speak(text=words.not_understood, language=errand.language), *again.parts))


def after_talk(errand: Errand, *, joined: bool) -> CallPlan:
    """Return what follows the leg to the caller."""
    if joined:
        return CallPlan((HangUp(),))
    away = words_of(errand.language).caller_away
    return CallPlan((Speak(text=away, language=errand.language), HangUp()))
