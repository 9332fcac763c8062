"""The rules a TwiML document must keep, so that a carrier does what its author meant."""

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
            "callerId": E164,
            "hangupOnStar": BOOLEAN,
            "sequential": BOOLEAN,
            "timeLimit": WHOLE,
            "ringTone": re.compile("[a-z]{2}"),
            "record": re.compile("do-not-record|record-from-(?:answer|ringing)(?:-dual)?|true|false"),
            "recordingTrack": re.compile("both|inbound|outbound"),
            **RECORDING,
        },
        frozenset({"Number"}),
        text=True,
    ),
    "Number": Rule(
        {"url": URL, "method": METHOD, "sendDigits": re.compile("[0-9wW*#]+"), **CALLBACK}, text=True
    ),
}
VERBS = frozenset(RULES) - {"Number"}
ENDS = frozenset({"Hangup", "Reject"})


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
    text = (element.text or "").strip()
    if text and not rule.text:
        found.append(f"<{element.tag}> holds no text")
    for child in element:
        if child.tag in rule.children:
            found += _element_problems(child)
        else:
            found.append(f"<{child.tag}> cannot stand in <{element.tag}>")
    return found


def _place_problems(verb: ET.Element, position: int, verbs: list[ET.Element]) -> list[str]:
    """Find what is allowed by itself, but not here."""
    found = []
    last = position == len(verbs) - 1
    if verb.tag == "Reject" and position:
        found.append("<Reject> must come first, the call is answered already")
    if not last and (
        verb.tag in ENDS or verb.tag == "Redirect" or (verb.tag == "Dial" and "action" in verb.attrib)
    ):
        found.append(f"nothing after <{verb.tag}> is ever reached")
    if verb.tag == "Say" and not (verb.text or "").strip():
        found.append("<Say> has nothing to say")
    if verb.tag == "Record" and "action" not in verb.attrib:
        found.append("<Record> without action asks this same address again, for ever")
    if verb.tag == "Dial":
        found += _dial_problems(verb, position)
    return found


def _dial_problems(dial: ET.Element, position: int) -> list[str]:
    found = []
    if dial.get("answerOnBridge") == "true" and position:
        found.append("answerOnBridge works only when <Dial> is the first verb")
    numbers = [(n.text or "").strip() for n in dial.findall("Number")] or [(dial.text or "").strip()]
    if len(numbers) > 10:
        found.append("<Dial> rings at most ten numbers")
    found += [f"cannot dial {number!r}" for number in numbers if not E164.fullmatch(number)]
    return found
