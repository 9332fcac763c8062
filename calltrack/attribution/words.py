"""Reasons in sentences a marketer understands, made when a page is read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from calltrack.attribution.facts import Reason
from calltrack.kernel.origin import words_of
from calltrack.kernel.region_names import region_name

UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth")
Values = Mapping[str, Any]


def span(seconds: float) -> str:
    """Return a length of time in its largest fitting unit: `8 seconds`, `2 hours`, `1 day`."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), (1, "second"))
    return many(int(seconds // size), unit)


def many(count: float, noun: str) -> str:
    """Return a count with its noun: `1 visit`, `12 visits`."""
    return f"{int(count)} {noun}{'' if int(count) == 1 else 's'}"


def named(key: str) -> str:
    """Return a campaign, or source, by its key as one phrase: `google / cpc / traslochi-roma`."""
    return " / ".join(word for word in words_of(key) if word and word != "none") or "an unnamed source"


def percent(probability: float) -> str:
    """Return a probability as people write it; never a rounded 100 % or 0 % that was not exact."""
    if 0.995 <= probability < 1:
        return "over 99 %"
    return "under 1 %" if 0 < probability < 0.005 else f"{probability * 100:.0f} %"


def sentences(reasons: Sequence[Reason]) -> tuple[str, ...]:
    """Return the reasons as sentences, in order; how many saw the number and what this visit did are one."""
    said, done = [], set[str]()
    by_code = {one.code: one.values for one in reasons}
    for one in reasons:
        if one.code in done:
            continue
        done.add(one.code) if one.code != "said" else None
        if one.code == "contact_page" and "visits" in by_code:
            done.add("visits")
            saw = _visits(by_code["visits"]).removesuffix(".")
            looked = _SAID["contact_page"](one.values).removeprefix("L")
            said.append(f"{saw}; this one l{looked}")
        elif (words := _SAID.get(one.code)) is not None:
            said.append(words(one.values))
    return tuple(said)


def _repeat(values: Values) -> str:
    if "calls_before" not in values:
        return "Somebody who called this number before rings again, from another phone or without a number."
    place = int(values["calls_before"])
    which = f"{ORDINALS[place]} call" if place < len(ORDINALS) else f"Call {place + 1}"
    ago = f"the one before was {span(values['seconds'])} earlier"
    if "campaign" not in values:
        return f"{which} from this caller; {ago}."
    came = f"{named(values['campaign'])} ({percent(values['p'])})"
    return f"{which} from this caller; {ago} and came from {came}."


def _visits(values: Values) -> str:
    count = int(values["count"])
    if not count:
        return "Nobody is known to have been shown this number before the call."
    return f"{many(count, 'visit')} saw this number in the 40 days before."


def _on_screen(values: Values) -> str:
    if float(values["seconds"]) < 1:
        return "Was looking at the number when the call began."
    return f"Had been looking at the number for {span(values['seconds'])} when the call began."


_SAID: Final[Mapping[str, Callable[[Values], str]]] = {
    "said": lambda values: str(values["words"]),
    "static": lambda values: f"Static number: it is shown nowhere but in {named(values['campaign'])}.",
    "withheld": lambda _: (
        "The caller withheld the number: only visits and the latest calls to it can tell who it is."
    ),
    "nobody": lambda values: (
        f"A wrong number or an unwanted call is likelier ({percent(values['p'])}) than any visit."
    ),
    "repeat": _repeat,
    "typed_phone": lambda _: "This visitor typed the caller's number into a form.",
    "known_phone": lambda values: (
        f"Earlier calls showed this visitor to be this caller ({percent(values['p'])} sure)."
    ),
    "tapped": lambda values: f"Tapped the number {span(values['seconds'])} before the call.",
    "copied": lambda values: f"Copied the number {span(values['seconds'])} before the call.",
    "on_screen": _on_screen,
    "last_seen": lambda values: f"Left the site {span(values['seconds'])} before the call.",
    "contact_page": lambda values: f"Looked at the contact page for {span(values['seconds'])}.",
    "same_region": lambda values: (
        f"Called from the same region as this visitor's visit ({region_name(str(values['region']))})."
    ),
    "only_visit": lambda _: "No other visit saw this number in the 40 days before.",
    "visits": _visits,
    "shared": lambda values: (
        f"{many(values['count'], 'visit')} had this number on screen when the call began: it was shared."
    ),
    "shared_campaign": lambda values: (
        f"No single visit stands out, but the likely ones came from the same campaign: "
        f"{named(values['campaign'])} ({percent(values['p'])})."
    ),
}
