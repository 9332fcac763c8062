"""The flow a location has by its settings alone: what happens to calls nobody assigned a flow to."""

from dataclasses import dataclass

from calltrack.callflows.steps import Announce, End, Flow, Message, RingGroup, RingTarget, Step, Voicemail
from calltrack.callflows.words import words_for

RING, MESSAGE, WELCOME = "ring", "message", "welcome"


@dataclass(frozen=True, kw_only=True)
class LineSettings:
    """How a location puts its calls through."""

    ring_seconds: int
    announcement: str
    language: str
    whisper: bool
    voicemail: bool
    record: bool


def flow_of(settings: LineSettings) -> Flow:
    """Return the settings as a flow.

    Whether an announcement speaks of recording nobody can be sure of, so that the notice is heard beside it.
    """
    text = " ".join(settings.announcement.split())
    steps: dict[str, Step] = {}
    if text:
        steps[WELCOME] = Announce(kind="announce", message=Message(text=text), then=RING)
    steps[RING] = RingGroup(
        kind="ring",
        targets=(RingTarget(own_line=True),),
        seconds=min(max(settings.ring_seconds, 5), 120),
        whisper=settings.whisper,
        record=settings.record,
        no_answer=MESSAGE,
    )
    steps[MESSAGE] = (
        Voicemail(kind="voicemail")
        if settings.voicemail
        else End(kind="hang_up", message=Message(text=words_for(settings.language).missed))
    )
    return Flow(
        start=next(iter(steps)),
        steps=steps,
        language=settings.language,
    )
