"""The look from inside a page: the bookmark that takes it, and what it told (anybody can send it)."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import digits_of

SOURCE = Path(__file__).with_name("inside.js")
Word = Annotated[str, msgspec.Meta(max_length=500)]
Number = Annotated[str, msgspec.Meta(max_length=20, pattern=r"^\+?\d{0,16}$")]
Count = Annotated[int, msgspec.Meta(ge=0, le=100_000)]


class Shown(msgspec.Struct):
    """A business number and the one in its place."""

    business: Number
    shown: Number


class Inside(msgspec.Struct):
    """What was seen from within: tags, whether the snippet runs, asked and stored, what is left to read."""

    page: Word
    tags: Count = 0
    api: bool = False
    asked: bool = False
    stored: bool = False
    numbers: Annotated[list[Shown], msgspec.Meta(max_length=20)] = []
    left: Annotated[list[Number], msgspec.Meta(max_length=20)] = []


def read_inside(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return it as values of known shape.

    Raises:
        BadInput: it is not what our look tells.
    """
    try:
        found: dict[str, Any] = msgspec.to_builtins(msgspec.convert(told, Inside))
    except msgspec.ValidationError:
        raise BadInput("This is not what the look from inside tells; use the bookmark again.") from None
    return found


def inside_script(base_url: str, to: str, numbers: Iterable[str]) -> str:
    """Return the look for one website as one line: the address of a bookmark, or a line for the console.

    It holds no percent signs that a browser would decode; in the console its first word is a label.
    `to` is the page of the dashboard that it goes to; `numbers` are the website's business numbers.
    """
    wanted = {
        "base": base_url,
        "to": to,
        "numbers": [[e164, digits_of(e164).international, digits_of(e164).national] for e164 in numbers],
    }
    lines = [line.strip() for line in SOURCE.read_text("utf-8").splitlines()]
    code = " ".join(line for line in lines if not line.startswith("//"))
    # As a value of JSON inside of JavaScript; `<` would end a script it is pasted into.
    return "javascript:" + re.sub(r'"%WANTED%"', lambda _: json.dumps(wanted).replace("<", "\\u003c"), code)
