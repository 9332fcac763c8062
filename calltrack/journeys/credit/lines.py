"""Journeys told as JSON lines: parsed once, equal paths added up on the way."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import msgspec

from calltrack.journeys.credit.choice import Choice
from calltrack.journeys.credit.gathering import Gathering
from calltrack.journeys.credit.paths import Paths
from calltrack.journeys.credit.soft import Step
from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import LARGEST_MINOR

MOST = 1e15
WORTH_IT = 0.8
"""Lines are looked at for exact repetitions while more than one in five is one: cheaper than parsing them."""
Count = Annotated[float, msgspec.Meta(ge=0, le=MOST)]
WORDS = {
    "float": "a number",
    "int": "a whole number",
    "array": "a list",
    "str": "text",
    "object": "an object",
    "null": "nothing",
    "bool": "true or false",
    "str | object": "a channel, or an object of channels with probabilities",
    "array | null": "a list",
    "str | null": "text",
}
EXAMPLE = '{"path": ["google / cpc", "direct"], "conversions": 1, "nulls": 0, "value_minor": 85000}'


class Line(msgspec.Struct, gc=False):
    """A journey, or several equal ones. The path stays as it is written: equal ones are parsed once."""

    path: msgspec.Raw
    conversions: Count
    nulls: Count = 0.0
    value_minor: Annotated[int, msgspec.Meta(ge=0, le=LARGEST_MINOR)] = 0
    hours_before: tuple[Count, ...] | None = None
    kind: str | None = None


class BadLine(BadInput):
    """A line that makes no sense: where it begins in the text that was read, and what is wrong with it."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(offset, reason)
        self.offset = offset
        self.reason = reason


class Reader:
    """Takes whole lines, as many at a time as is convenient, and adds them up."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._gathering = Gathering(choice, _steps)
        self._repeats = True

    def add(self, text: bytes) -> None:
        """Add the journeys of some lines; empty lines are passed over.

        Raises:
            BadLine: one of them makes no sense.
        """
        try:
            self._add(text)
        except (msgspec.DecodeError, UnicodeDecodeError, BadInput):
            raise _first_bad(text, self._choice) from None

    def paths(self) -> Paths:
        """Return all journeys so far as columns."""
        return self._gathering.paths()

    def _add(self, text: bytes) -> None:
        times = None
        if self._repeats:
            counts = Counter(text.split(b"\n"))
            for empty in [line for line in counts if not line or line.isspace()]:
                del counts[empty]
            self._repeats = len(counts) < WORTH_IT * counts.total()
            text, times = b"\n".join(counts), list(counts.values())
        lines = LINES.decode_lines(text)
        self._gathering.add(lines, [bytes(line.path) for line in lines], times)


def _first_bad(text: bytes, choice: Choice) -> BadLine:
    """Return what is wrong with the first line that makes no sense, one by one."""
    offset = 0
    for line in text.split(b"\n"):
        try:
            if line.strip():
                one = LINE.decode(line)
                Gathering(choice, _steps).add([one], [bytes(one.path)])
        except msgspec.ValidationError as problem:
            return BadLine(offset, f"{_in_words(str(problem))}; a line is such as {EXAMPLE}")
        except msgspec.DecodeError:
            return BadLine(offset, f"it is not one JSON object, such as {EXAMPLE}")
        except UnicodeDecodeError:
            return BadLine(offset, "it is not UTF-8 text")
        except BadInput as problem:
            return BadLine(offset, str(problem))
        offset += len(line) + 1
    raise AssertionError("a batch was refused, but none of its lines")


def _in_words(problem: str, within: str = "") -> str:
    """Return what the parser found, in plain words, the field first."""
    what, _, where = problem.partition(" - at `$")
    for type_, words in WORDS.items():
        what = what.replace(f"`{type_}`", words)
    what = f"{what[:1].lower()}{what[1:]}".replace("`", "")
    field = f"{within}{where}".strip(".`")
    return f"{field}: {what}" if field else what


def _steps(raw: bytes) -> list[Step]:
    try:
        steps = PATH.decode(raw)
    except msgspec.ValidationError as problem:
        raise BadInput(f"{_in_words(str(problem), 'path')}; a line is such as {EXAMPLE}") from None
    return [step if isinstance(step, str) else tuple(step.items()) for step in steps]


def whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Return the same bytes cut after line ends only."""
    rest = b""
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        if end:
            yield rest + piece[:end]
            rest = piece[end:]
        else:
            rest += piece
    if rest:
        yield rest


LINE = msgspec.json.Decoder(Line)
LINES = msgspec.json.Decoder(Line)
PATH = msgspec.json.Decoder(list[str | dict[str, float]])
