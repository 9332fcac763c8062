"""What a marketer can do about each reason why something is never sent: one line for each pre-flight code."""

from dataclasses import dataclass
from typing import Final, Literal

Link = Literal["", "connect", "settings", "resume", "replay", "settle", "outcome", "websites"]
"""What the button beside an answer does: connect the platform, open the destination's settings, let it run,
send again, say what became of it, set the call's outcome, open the websites."""


@dataclass(frozen=True, slots=True)
class Advice:
    """The rest of the first line ("... will not go to Google Ads: ..."), the next step and its button."""

    headline: str
    next_step: str
    link: Link = ""
    tone: Literal["calm", "warn", "bad"] = "calm"


_NORMAL = "Nothing to do: without such a click the platform could not credit any ad."
_TOO_LATE = "Nothing to do: the platform takes it no more."
KEPT_BACK: Final = Advice(
    "it is kept back",
    "If the cause is gone, have it judged again; else nothing more happens to it.",
    "replay",
)
_NO_CLICK = Advice("the caller came by no click of its ads", _NORMAL)
_NO_ACTION = Advice(
    "its settings name no place for a {what}",
    "Name a conversion for a {what} in the settings, then have it judged again.",
    "settings",
    "warn",
)

_NO_WORD = Advice(
    "the platform knows no such change",
    "Nothing to do here. Change it by hand at the platform if it matters.",
)

ADVICE: Final[dict[str, Advice]] = {
    "CONSENT_DENIED": Advice("the visitor said no to ads", "Nothing to do: the visitor's choice is kept."),
    "CONSENT_UNKNOWN": Advice(
        "it is not known whether the visitor agreed",
        "Let your consent banner tell the calltrack tag what visitors choose; calls after that are sent.",
        "websites",
        "warn",
    ),
    "NO_IDENTIFIERS": _NO_CLICK,
    "NO_CLICK_ID": _NO_CLICK,
    "NO_CLIENT_ID": Advice(
        "the website's analytics did not know this visitor",
        "Nothing to do for this call. Let the analytics tag run on the pages that carry the calltrack tag.",
        "websites",
    ),
    "NO_ACTION": _NO_ACTION,
    "NO_EVENT": _NO_ACTION,
    "NO_RULE": _NO_ACTION,
    "CALLS_DO_NOT_CHANGE": _NO_WORD,
    "TOO_OLD_TO_CHANGE": Advice("it is too old to be changed there", _TOO_LATE),
    "BEFORE_CALL": Advice(
        "its time lies before the call",
        "Correct the time of the purchase, then set its value anew.",
        "",
        "warn",
    ),
    "BEFORE_CONVERSION": Advice(
        "its time lies before the conversion's own",
        "Set the value anew; it is told with the time of now.",
        "",
        "warn",
    ),
    "BEFORE_CLICK": Advice(
        "the call came before the click", "Nothing to do: a click cannot have caused an earlier call."
    ),
    "IN_FUTURE": Advice(
        "its time lies in the future",
        "Correct the time of the purchase, then set its value anew.",
        "",
        "warn",
    ),
    "TOO_OLD": Advice("it is older than the platform takes", _TOO_LATE),
    "OUTSIDE_WINDOW": Advice(
        "the call came too long after the click",
        "Nothing to do. How long a click counts stands in the destination's settings.",
        "settings",
    ),
    "NO_VALUE": Advice(
        "it has no value",
        "Write down what this {what} was worth: {name} takes none without a value; then it goes by itself."
        " A rule with a fixed value gives one to every {what} that comes without.",
        "outcome",
        "warn",
    ),
    "NO_PAGE": Advice(
        "page and browser of the visit are not known",
        'Choose "Phone call" in the settings, then have it judged again.',
        "settings",
        "warn",
    ),
    "NO_WORD_FOR_VALUE": Advice(
        "it takes no later value", "Nothing to do: the first value stays there; calltrack's own is right."
    ),
    "NO_WORD_FOR_TAKING_BACK": Advice(
        "it takes nothing back", "Nothing to do: it stays counted there; calltrack's own figures are right."
    ),
    "CONNECTED_LATER": Advice(
        "it was connected afterwards", "Nothing to do: it hears of everything that happened since."
    ),
}


def advice_for(code: str, name: str, what: str) -> Advice:
    """Return the advice of a known code, written for a destination and a kind of conversion."""
    found = ADVICE[code]
    fill = {"name": name, "what": what or "conversion"}
    return Advice(found.headline.format(**fill), found.next_step.format(**fill), found.link, found.tone)
