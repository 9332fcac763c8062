"""Finds business numbers in a text as the snippet would, and those it would not take, with the reason why."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from calltrack.kernel.phone import Digits, digits_of

SEAM: Final = "\x01"
# The same signs as in calltrack/snippet/src/3_numbers.js.
GAP: Final = "(?:[\\s().\\xb7/\\x01\\u2000-\\u206f-]|%20)*"
BEHIND: Final = r"(?!\d|[-/]\d)"
# Anything but a digit may stand between: what only this finds is a notation that the snippet leaves alone.
LOOSE: Final = r"[^\d]{0,8}"
SHORTEST_REST: Final = 6


@dataclass(frozen=True)
class Written:
    """How often a number stands in a text: as the snippet takes it, and otherwise."""

    taken: int = 0
    extension: int = 0
    odd: int = 0
    without_prefix: int = 0


def look_for(text: str, e164: str) -> Written:
    """Count the places where the number stands, by how it is written."""
    digits = digits_of(e164)
    taken = [found for found in _strict(digits).finditer(text) if not _is_longer(text, found.start())]
    if taken:
        return Written(taken=len(taken))
    extension = sum(1 for found in _open_ended(digits).finditer(text) if not _is_longer(text, found.start()))
    loose = [found for found in _loose(digits).finditer(text) if not _is_longer(text, found.start())]
    odd = 0 if extension else len(loose)
    rest = (
        0
        if extension or odd
        else sum(1 for found in _rest(digits).finditer(text) if _is_alone(text, found.start()))
    )
    return Written(extension=extension, odd=odd, without_prefix=rest)


def found_among(text: str, numbers: Iterable[str]) -> list[str]:
    """Return which of the numbers stand in the text as the snippet would take them."""
    runs = re.sub(r"\D", "", text)
    return [
        e164
        for e164 in numbers
        # Most do not: their digits are nowhere, which is quickly seen.
        if (digits := digits_of(e164)).national.lstrip("0") in runs and _strict(digits).search(text)
    ]


@lru_cache(maxsize=512)
def _strict(digits: Digits) -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(map(_spaced, _forms(digits)))}){BEHIND}")


@lru_cache(maxsize=512)
def _open_ended(digits: Digits) -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(map(_spaced, _forms(digits)))})(?=[-/]?\\d)")


@lru_cache(maxsize=512)
def _loose(digits: Digits) -> re.Pattern[str]:
    return re.compile(f"(?<!\\d)(?:{LOOSE.join(digits.international)}|{LOOSE.join(digits.national)})(?!\\d)")


@lru_cache(maxsize=512)
def _rest(digits: Digits) -> re.Pattern[str]:
    """The last digits alone: what people write who leave the area code out."""
    significant = digits.national.lstrip("0")
    rests = [significant[cut:] for cut in (1, 2, 3, 4) if len(significant) - cut >= SHORTEST_REST]
    return re.compile(rf"(?<![\d+])(?:{'|'.join(map(_spaced, rests)) or '(?!)'})(?!\d)")


def _forms(digits: Digits) -> list[str]:
    """493012345 and 03012345 are written as 0049..., 49..., 49 (0)30... and 030..., longest first."""
    full, national = digits.international, digits.national
    at = next((place for place in range(len(full)) if national.endswith(full[place:])), 0)
    return sorted({"00" + full, full, full[:at] + national, national}, key=len, reverse=True)


def _spaced(digits: str) -> str:
    return GAP.join(digits)


def _is_longer(text: str, at: int) -> bool:
    """A digit, or another country's code, stands before it: it is some other number."""
    return re.search(r"\d$|\+\d+[^\da-z]*$", text[max(0, at - 9) : at], re.IGNORECASE) is not None


def _is_alone(text: str, at: int) -> bool:
    """No other digits stand before it: it is not the end of a number of another area."""
    return re.search(r"\d[\s().\x01/-]*$", text[max(0, at - 9) : at]) is None
