"""Twilio's form posts, read once and strictly."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from calltrack.kernel.cards import redact
from calltrack.kernel.errors import BadInput
from calltrack.telephony.events import KINDS, CallEvent, CallStatus, EventKind
from calltrack.telephony.plans import E164

SID = re.compile(r"[A-Za-z0-9_-]{2,64}")
NUMBER = re.compile(r"[0-9]{1,9}")
STATUS_WORDS: dict[str, CallStatus] = {
    "queued": "ringing",
    "initiated": "ringing",
    "ringing": "ringing",
    "in-progress": "in_progress",
    "answered": "completed",  # Only DialCallStatus says so, of a conference that was joined.
    "completed": "completed",
    "busy": "busy",
    "no-answer": "no_answer",
    "failed": "failed",
    "canceled": "canceled",
}
OVER = frozenset(("completed", "busy", "no-answer", "failed", "canceled"))
WITHHELD_WORDS = frozenset(
    (
        "",
        "anonymous",
        "restricted",
        "blocked",
        "unknown",
        "unavailable",
        "private",
        "withheld",
        "no-caller-id",
    )
)
WITHHELD_NUMBERS = frozenset(
    # The words anonymous, unavailable, unknown, blocked and restricted, typed on a keypad.
    ("+266696687", "+86282452253", "+8656696", "+2562533", "+7378742833")
)


def parse(kind: EventKind, form: Mapping[str, str], received_at: datetime) -> CallEvent:
    """Read one form post of the given kind; BadInput names the field that is missing or wrong.

    Kinds: `incoming` (voice and fallback address), `leg` (child status and whisper), `dialed` (Dial action),
    `ended` (parent status), `recording` and `voicemail` (Record action), `key` (Gather action; its key tells
    no two questions apart, the asker adds which one it was).
    """
    if kind not in KINDS:
        raise BadInput(f"{kind!r} is not a kind of call event")
    own_sid, parent_sid = _sid(form, "CallSid"), _sid(form, "ParentCallSid")
    account_sid = _sid(form, "AccountSid")
    if own_sid is None or account_sid is None:
        raise BadInput("CallSid and AccountSid are needed in every call event")
    from_, withheld = _caller(form)
    word = _status_word(kind, form)
    to = _text(form, "To") or _text(form, "Called")
    talk, bridged = _talk(form) if kind == "dialed" else (None, None)
    of_leg = kind == "leg"
    return CallEvent(
        kind=kind,
        key=_key(kind, form, own_sid, word),
        call_sid=(parent_sid or own_sid) if of_leg else own_sid,
        leg_sid=own_sid if of_leg else _sid(form, "DialCallSid") if kind == "dialed" else None,
        account_sid=account_sid,
        sequence=_number(form, "SequenceNumber"),
        status=STATUS_WORDS[word],
        from_=from_,
        from_withheld=withheld,
        to=_number_or_text(to or ""),
        at=_moment(form, "Timestamp") or _utc(received_at),
        duration_seconds=_number(form, "CallDuration"),  # "Duration" is minutes, rounded up.
        talk_seconds=talk,
        bridged=bridged,
        caller_gone=not of_leg and form.get("CallStatus") in OVER,
        forwarded_to=_number_or_text(to or "") or None if of_leg else None,
        forwarded_from=_text(form, "ForwardedFrom"),
        digits=_text(form, "Digits"),
        recording_sid=_sid(form, "RecordingSid"),
        recording_url=_text(form, "RecordingUrl", 2000),
        recording_status=_recording_status(kind, form),
        recording_seconds=_number(form, "RecordingDuration"),
        recording_channels=_number(form, "RecordingChannels"),
        recording_source=_text(form, "RecordingSource"),
        recording_started_at=_moment(form, "RecordingStartTime"),
        caller_city=_text(form, "FromCity") or _text(form, "CallerCity"),
        caller_country=_text(form, "FromCountry") or _text(form, "CallerCountry"),
        stir=_text(form, "StirVerstat"),
        sip_code=_number(form, "SipResponseCode"),
        error_code=_number(form, "ErrorCode") or None,
        error_url=_text(form, "ErrorUrl", 2000),
    )


TRANSCRIPT_STEPS = {
    "transcription-started": "started",
    "transcription-content": "said",
    "transcription-stopped": "stopped",
    "transcription-error": "failed",
}
# The transcription listens on the caller's leg: what comes in there is the caller.
SPEAKERS = {"inbound_track": "caller", "outbound_track": "business"}
LONGEST_UTTERANCE = 8_000


def parse_transcript(form: Mapping[str, str], received_at: datetime) -> CallEvent | None:
    """Read a report of a running transcription (`<Start><Transcription>`); None for what is not final.

    Card numbers are taken out here, before anything is stored.

    Raises:
        BadInput: a field is missing or wrong.
    """
    own_sid, account_sid = _sid(form, "CallSid"), _sid(form, "AccountSid")
    transcription = _sid(form, "TranscriptionSid")
    word = form.get("TranscriptionEvent") or ""
    step = TRANSCRIPT_STEPS.get(word)
    if own_sid is None or account_sid is None or transcription is None or step is None:
        raise BadInput("A transcription report needs CallSid, AccountSid, TranscriptionSid and a known event")
    if step == "said" and (form.get("Final") or "true").lower() != "true":
        return None
    track, sequence = _text(form, "Track", 40) or "", _number(form, "SequenceId")
    return CallEvent(
        kind="transcript",
        key=f"transcript:{transcription}:{step}:{track}:{'' if sequence is None else sequence}",
        call_sid=own_sid,
        account_sid=account_sid,
        status="in_progress",
        at=_moment(form, "Timestamp") or _utc(received_at),
        to=dialled_number(form),
        sequence=sequence,
        text=redact(_said(form)) if step == "said" else _text(form, "ErrorMessage"),
        speaker=SPEAKERS.get(track),
        language=_text(form, "LanguageCode", 20),
        transcript_sid=transcription,
        transcript_step=step,
        error_code=_number(form, "ErrorCode") or None,
    )


def _said(form: Mapping[str, str]) -> str:
    try:
        told = json.loads(form.get("TranscriptionData") or "{}")
    except ValueError:
        raise BadInput("TranscriptionData is not JSON") from None
    text = told.get("transcript") if isinstance(told, dict) else None
    return _clean(text if isinstance(text, str) else "")[:LONGEST_UTTERANCE]


def dialled_number(form: Mapping[str, str]) -> str:
    """Return the number a request is about, read as `parse` reads it: dialled, or rung by a leg."""
    return _number_or_text(_text(form, "To") or _text(form, "Called") or "")


def _status_word(kind: EventKind, form: Mapping[str, str]) -> str:
    if kind == "dialed":
        word = form.get("DialCallStatus") or ""
        if not word:
            raise BadInput("DialCallStatus is missing: this is not the report of a Dial")
    else:
        # Recording reports carry no CallStatus, and come from a call that was answered.
        word = form.get("CallStatus") or ("in-progress" if kind in ("recording", "voicemail") else "")
    if kind == "incoming" and word not in STATUS_WORDS:
        return "ringing"  # A caller is waiting: a word we do not know must not cost the call.
    if word not in STATUS_WORDS:
        raise BadInput(f"{word[:40]!r} is not a call status")
    return word


def _key(kind: EventKind, form: Mapping[str, str], own_sid: str, word: str) -> str:
    """Name the message, so that its repetition is recognised."""
    if kind == "incoming":
        error = _number(form, "ErrorCode")
        return f"incoming:{own_sid}:{error}" if error else f"incoming:{own_sid}"
    if kind == "dialed":
        return f"dialed:{own_sid}:{_sid(form, 'DialCallSid') or word}"
    if kind in ("recording", "voicemail"):
        recording = _sid(form, "RecordingSid") or "none"
        return f"{kind}:{own_sid}:{recording}:{_recording_status(kind, form)}"
    if kind == "key":
        return f"key:{own_sid}"
    sequence = _number(form, "SequenceNumber")
    return f"{kind}:{own_sid}:{word if sequence is None else sequence}"


def _recording_status(kind: EventKind, form: Mapping[str, str]) -> str | None:
    if kind == "recording":
        return _text(form, "RecordingStatus", 20) or "completed"
    return "completed" if form.get("RecordingUrl") else None


def _talk(form: Mapping[str, str]) -> tuple[int | None, bool | None]:
    """Return the seconds caller and business were joined, and whether they were.

    DialCallStatus "completed" alone proves nothing: a mailbox that picked up says so as well.
    """
    word = (form.get("DialBridged") or "").lower()
    if word == "true":
        return _number(form, "DialCallDuration"), True
    return (0, False) if word == "false" else (None, None)


def _caller(form: Mapping[str, str]) -> tuple[str | None, bool]:
    return caller_named((form.get("From") or form.get("Caller") or "").strip())


def caller_named(raw: str) -> tuple[str | None, bool]:
    """Return the caller's E.164 number (None: withheld, or no number), and whether it is withheld."""
    if raw.lower() in WITHHELD_WORDS or raw in WITHHELD_NUMBERS:
        return None, True
    number = _number_or_text(raw)
    if number in WITHHELD_NUMBERS or _sip_user(raw).lower() in WITHHELD_WORDS:
        return None, True
    return (number if E164.fullmatch(number) else None), False


def _number_or_text(raw: str) -> str:
    """Return the E.164 number inside a raw party, else the raw text, cut to a sane length."""
    for candidate in (raw.strip(), _sip_user(raw)):
        compact = re.sub(r"[ ().-]", "", candidate)
        if E164.fullmatch(compact):
            return compact
    return _clean(raw)[:120]


def _sip_user(raw: str) -> str:
    """Return the user part of a SIP address; the raw text of anything else."""
    scheme, colon, rest = raw.strip().partition(":")
    if not colon or scheme.lower() not in ("sip", "sips", "tel"):
        return raw.strip()
    return re.split(r"[@;?]", rest, maxsplit=1)[0]


def _sid(form: Mapping[str, str], name: str) -> str | None:
    value = form.get(name) or ""
    if not value:
        return None
    if not SID.fullmatch(value):
        raise BadInput(f"{name} is not an identifier of the carrier: {value[:40]!r}")
    return value


def _number(form: Mapping[str, str], name: str) -> int | None:
    value = (form.get(name) or "").strip()
    if not value:
        return None
    if not NUMBER.fullmatch(value):
        raise BadInput(f"{name} is not a whole number: {value[:40]!r}")
    return int(value)


def _text(form: Mapping[str, str], name: str, longest: int = 200) -> str | None:
    return _clean(form.get(name) or "")[:longest] or None


def _clean(text: str) -> str:
    """Drop what no database or page can show: control characters and broken surrogates."""
    return "".join(c for c in text if c.isprintable()).strip()


def _moment(form: Mapping[str, str], name: str) -> datetime | None:
    """Read a time as Twilio writes it (RFC 2822, newer products ISO 8601); an unreadable one is not told."""
    value = (form.get(name) or "").strip()
    if not value:
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(value)
            return _utc(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise BadInput("The time of receipt must carry a time zone")
    return moment.astimezone(UTC)
