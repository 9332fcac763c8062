"""What the events say of each recording and message."""

from dataclasses import dataclass
from datetime import datetime

from calltrack.calls.told import Told, first, last
from calltrack.telephony.base import CallEvent

RANK = {"in-progress": 0, "paused": 0, "absent": 1, "failed": 2, "completed": 3}
# What is shorter holds no words: somebody hung up after the tone (facts C.6).
SHORTEST_MESSAGE = 2


@dataclass(frozen=True)
class RecordingState:
    """One recording or voicemail."""

    recording_sid: str
    kind: str
    status: str
    url: str
    seconds: int | None
    channels: int | None = None
    started_at: datetime | None = None


def recordings_of(told: Told) -> tuple[RecordingState, ...]:
    """Return all recordings that were told of, by their sid."""
    events = [event for event in (*told.recording, *told.voicemail) if event.recording_sid]
    return tuple(
        _recording(sid, [event for event in events if event.recording_sid == sid])
        for sid in sorted({event.recording_sid or "" for event in events})
    )


def message_seconds(recordings: tuple[RecordingState, ...]) -> int | None:
    """Return how long the message is that the caller left; None when there is none worth the name."""
    spoken = [one.seconds or 0 for one in recordings if one.kind == "voicemail"]
    longest = max(spoken, default=0)
    return longest if longest >= SHORTEST_MESSAGE else None


def _recording(sid: str, events: list[CallEvent]) -> RecordingState:
    spoken = any(event.kind == "voicemail" or event.recording_source == "RecordVerb" for event in events)
    latest = max(events, key=lambda event: (RANK.get(event.recording_status or "", 1), event.at, event.key))
    starts = [event.recording_started_at for event in events if event.recording_started_at]
    return RecordingState(
        recording_sid=sid,
        kind="voicemail" if spoken else "call",
        status=latest.recording_status or "in-progress",
        url=first(event.recording_url for event in events),
        seconds=last(event.recording_seconds for event in events),
        channels=last(event.recording_channels for event in events),
        started_at=min(starts, default=None),
    )
