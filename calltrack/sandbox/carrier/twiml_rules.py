"""The rules a TwiML document must keep, so that a carrier does what its author meant.

Written from the carrier's documentation alone, and never from our own renderer: it judges it.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

MOST_BYTES = 64 * 1024
BOOLEAN = re.compile(r"true|false")
WHOLE = re.compile(r"[0-9]{1,6}")
URL = re.compile(r"[!-~]+")
TEXT = re.compile(r".*", re.DOTALL)
METHOD = re.compile(r"GET|POST")
LANGUAGE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
SIP = re.compile(r"sips?:[^\s@<>\"]{1,255}@[A-Za-z0-9.\-\[\]:]{1,255}(?:;[A-Za-z0-9=;._-]*)?(?:\?[!-~]*)?")
CALLER_ID = re.compile(rf"{E164.pattern}|client:[!-~]+|sip:[!-~]+")


def _words(*words: str) -> re.Pattern[str]:
    """Accept one or more of the words, separated by blanks."""
    one = "|".join(words)
    return re.compile(rf"(?:{one})(?: (?:{one}))*")


@dataclass(frozen=True)
class Rule:
    """What one element may carry: attributes, children, text."""

    attributes: dict[str, re.Pattern[str]] = field(default_factory=dict)
    children: frozenset[str] = frozenset()
    text: bool = False


CALLBACK = {
    "statusCallback": URL,
    "statusCallbackMethod": METHOD,
    "statusCallbackEvent": _words("initiated", "ringing", "answered", "completed"),
}
RECORDING = {
    "recordingStatusCallback": URL,
    "recordingStatusCallbackMethod": METHOD,
    "recordingStatusCallbackEvent": _words("in-progress", "completed", "absent"),
    "trim": re.compile("trim-silence|do-not-trim"),
}
DETECTION = {
    "machineDetection": re.compile("Enable|DetectMessageEnd"),
    "machineDetectionTimeout": re.compile("[3-9]|[1-5][0-9]|60"),
    "machineDetectionSpeechThreshold": WHOLE,
    "machineDetectionSpeechEndThreshold": WHOLE,
    "machineDetectionSilenceTimeout": WHOLE,
    "amdStatusCallback": URL,
    "amdStatusCallbackMethod": METHOD,
}
SAY = Rule({"language": LANGUAGE, "voice": TEXT, "loop": WHOLE}, text=True)
WHISPER_VERBS = frozenset({"Say", "Play", "Pause", "Gather", "Hangup", "Redirect"})
RULES: dict[str, Rule] = {
    "Say": SAY,
    "Play": Rule({"loop": WHOLE, "digits": re.compile("[0-9wW*#]+")}, text=True),
    "Pause": Rule({"length": WHOLE}),
    "Hangup": Rule(),
    "Reject": Rule({"reason": re.compile("busy|rejected")}),
    "Redirect": Rule({"method": METHOD}, text=True),
    "Gather": Rule(
        {
            "input": _words("dtmf", "speech"),
            "action": URL,
            "method": METHOD,
            "timeout": WHOLE,
            "numDigits": WHOLE,
            "finishOnKey": re.compile("[0-9*#]?"),
            "actionOnEmptyResult": BOOLEAN,
            "language": LANGUAGE,
        },
        frozenset({"Say", "Play", "Pause"}),
    ),
    "Record": Rule(
        {
            "action": URL,
            "method": METHOD,
            "timeout": WHOLE,
            "maxLength": WHOLE,
            "finishOnKey": re.compile("[0-9*#]*"),
            "playBeep": BOOLEAN,
            "transcribe": BOOLEAN,
            **RECORDING,
        }
    ),
    "Dial": Rule(
        {
            "action": URL,
            "method": METHOD,
            "timeout": re.compile("[5-9]|[1-9][0-9]|[1-5][0-9][0-9]|600"),
            "answerOnBridge": BOOLEAN,
            "callerId": CALLER_ID,
            "callReason": TEXT,
            "referUrl": URL,
            "referMethod": METHOD,
            "hangupOnStar": BOOLEAN,
            "sequential": BOOLEAN,
            "timeLimit": WHOLE,
            "ringTone": re.compile("[a-z]{2}"),
            "record": re.compile("do-not-record|record-from-(?:answer|ringing)(?:-dual)?|true|false"),
            "recordingTrack": re.compile("both|inbound|outbound"),
            **RECORDING,
        },
        frozenset({"Number", "Sip", "Client", "Conference", "Queue"}),
        text=True,
    ),
    "Number": Rule(
        {
            "url": URL,
            "method": METHOD,
            "sendDigits": re.compile("[0-9wW*#]+"),
            "byoc": TEXT,
            **CALLBACK,
            **DETECTION,
        },
        text=True,
    ),
    "Sip": Rule(
        {"url": URL, "method": METHOD, "username": TEXT, "password": TEXT, **CALLBACK, **DETECTION}, text=True
    ),
    "Client": Rule({"url": URL, "method": METHOD, **CALLBACK}, text=True),
    "Conference": Rule(
        {
            "muted": BOOLEAN,
            "beep": re.compile("true|false|onEnter|onExit"),
            "startConferenceOnEnter": BOOLEAN,
            "endConferenceOnExit": BOOLEAN,
            "waitUrl": re.compile("[!-~]*"),
            "waitMethod": METHOD,
            "maxParticipants": WHOLE,
            "record": re.compile("do-not-record|record-from-start"),
            "statusCallback": URL,
            "statusCallbackMethod": METHOD,
            "statusCallbackEvent": _words(
                "start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"
            ),
            **RECORDING,
        },
        text=True,
    ),
    "Queue": Rule(
        {"url": URL, "method": METHOD, "reservationSid": TEXT, "postWorkActivitySid": TEXT}, text=True
    ),
    "Enqueue": Rule(
        {"action": URL, "method": METHOD, "waitUrl": URL, "waitUrlMethod": METHOD, "workflowSid": TEXT},
        text=True,
    ),
    "Leave": Rule(),
    "Start": Rule({"action": URL, "method": METHOD}, frozenset({"Recording", "Transcription"})),
    "Transcription": Rule(
        {
            "name": TEXT,
            "track": re.compile("inbound_track|outbound_track|both_tracks"),
            "statusCallbackUrl": URL,
            "statusCallbackMethod": METHOD,
            "inboundTrackLabel": TEXT,
            "outboundTrackLabel": TEXT,
            "partialResults": BOOLEAN,
            "languageCode": LANGUAGE,
            "transcriptionEngine": TEXT,
            "hints": TEXT,
            "intelligenceService": TEXT,
        }
    ),
    "Stop": Rule({}, frozenset({"Recording"})),
    "Recording": Rule(
        {"channels": re.compile("mono|dual"), "track": re.compile("both|inbound|outbound"), **RECORDING}
    ),
}
NOUNS = frozenset({"Number", "Sip", "Client", "Conference", "Queue"})
VERBS = frozenset(RULES) - NOUNS - {"Recording", "Transcription"}
ENDS = frozenset({"Hangup", "Reject", "Leave"})
ALONE = frozenset({"Conference", "Queue"})
LONGEST_TEXT = 4096
TIMES = {
    ("Gather", "timeout"): (0, 600),
    ("Gather", "numDigits"): (1, 1000),
    ("Record", "timeout"): (1, 600),
    ("Record", "maxLength"): (1, 14_400),
    ("Dial", "timeLimit"): (1, 86_400),
    ("Pause", "length"): (1, 180),
}


def problems(document: str, whisper: bool = False) -> list[str]:
    """Return what is wrong with the document, in words; an empty list when nothing is."""
    if len(document.encode("utf-8", "replace")) > MOST_BYTES:
        return [f"larger than {MOST_BYTES} bytes"]
    try:
        root = ET.fromstring(document)  # noqa: S314 - entities that expand are refused below
    except ET.ParseError as error:
        return [f"not well formed: {error}"]
    if "<!" in document:
        return ["declares a document type, entity or CDATA section"]
    if root.tag != "Response":
        return [f"the root is <{root.tag}>, not <Response>"]
    found: list[str] = []
    if root.attrib:
        found.append("<Response> has no attributes")
    allowed = WHISPER_VERBS if whisper else VERBS
    for position, verb in enumerate(root):
        if verb.tag not in allowed:
            found.append(f"<{verb.tag}> is not a verb here")
            continue
        found += _element_problems(verb)
        found += _place_problems(verb, position, list(root))
    return found


def _element_problems(element: ET.Element) -> list[str]:
    rule = RULES[element.tag]
    found = []
    for name, value in element.attrib.items():
        if name not in rule.attributes:
            found.append(f"<{element.tag}> has no attribute {name}")
        elif not rule.attributes[name].fullmatch(value):
            found.append(f"<{element.tag} {name}> cannot be {value!r}")
        elif not _in_time(element.tag, name, value):
            found.append(f"<{element.tag} {name}> is out of its limits: {value}")
    text = (element.text or "").strip()
    if text and not rule.text:
        found.append(f"<{element.tag}> holds no text")
    for child in element:
        if child.tag in rule.children:
            found += _element_problems(child)
        else:
            found.append(f"<{child.tag}> cannot stand in <{element.tag}>")
    return found


def _in_time(tag: str, name: str, value: str) -> bool:
    least, most = TIMES.get((tag, name), (0, 10**9))
    return (tag, name) not in TIMES or least <= int(value) <= most


def _place_problems(verb: ET.Element, position: int, verbs: list[ET.Element]) -> list[str]:
    """Find what is allowed by itself, but not here."""
    found = []
    last = position == len(verbs) - 1
    if verb.tag == "Reject" and position:
        found.append("<Reject> must come first, the call is answered already")
    if not last and (
        verb.tag in ENDS
        or verb.tag == "Redirect"
        or (verb.tag in ("Dial", "Enqueue") and "action" in verb.attrib)
        or (verb.tag == "Gather" and verb.get("actionOnEmptyResult") == "true")
    ):
        found.append(f"nothing after <{verb.tag}> is ever reached")
    for said in verb.iter("Say"):
        if not any(mark.isalnum() for mark in said.text or ""):
            found.append("<Say> has nothing to say")
        elif len(said.text or "") > LONGEST_TEXT:
            found.append(f"<Say> takes at most {LONGEST_TEXT} characters")
    for played in verb.iter("Play"):
        if "digits" not in played.attrib and not URL.fullmatch((played.text or "").strip()):
            found.append("<Play> has no address to play")
    if verb.tag == "Redirect" and not URL.fullmatch((verb.text or "").strip()):
        found.append("<Redirect> has no address to go to")
    if verb.tag == "Gather" and last and verb.get("actionOnEmptyResult") != "true":
        found.append("after <Gather> without a key the call simply ends")
    if verb.tag == "Record" and "action" not in verb.attrib:
        found.append("<Record> without action asks this same address again, for ever")
    if verb.tag == "Dial":
        found += _dial_problems(verb, position)
    return found


def _dial_problems(dial: ET.Element, position: int) -> list[str]:
    found = []
    if dial.get("answerOnBridge") == "true" and position:
        found.append("answerOnBridge works only when <Dial> is the first verb")
    nouns = list(dial)
    own = [(dial.text or "").strip()] if (dial.text or "").strip() or not nouns else []
    numbers = [(noun.text or "").strip() for noun in nouns if noun.tag == "Number"] + own
    lines = [(noun.text or "").strip() for noun in nouns if noun.tag == "Sip"]
    if len(nouns) + len(own) > 10:
        found.append("<Dial> rings at most ten numbers")
    if own and nouns:
        found.append("<Dial> rings its own text or its nouns, not both")
    if len(nouns) > 1 and any(noun.tag in ALONE for noun in nouns):
        found.append("a conference or a queue stands alone in <Dial>")
    found += [f"cannot dial {number!r}" for number in numbers if not E164.fullmatch(number)]
    found += [f"cannot dial {line!r}" for line in lines if not SIP.fullmatch(line) or len(line) > 255]
    if dial.get("sequential") == "true" and len(nouns) < 2:
        found.append("there is nothing to ring one after the other")
    return found
