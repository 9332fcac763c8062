"""Where a call stands in its flow, and how an address of a hook says so.

Hooks remember nothing: what must be known at the next step travels in its address, which the carrier signs.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from calltrack.kernel.errors import BadInput

Phase = Literal["key", "notice", "rung", "message", "whisper", "accept"]
LETTERS: dict[str, Phase] = {
    "k": "key", "n": "notice", "r": "rung", "m": "message", "w": "whisper", "a": "accept"
}  # fmt: skip
PHASES = {phase: letter for letter, phase in LETTERS.items()}
TOKEN = re.compile(
    r"([0-9a-f]{32})\.([a-z0-9][a-z0-9_-]{0,39})\.([knrmwa])([0-9]{1,2})\.([0-9a-f]{1,3})\.([a-z]{2,3}-[A-Z]{2})"
    r"\.([tu]{0,2})\.([0-9]{1,11})"
)
ALL_AT_ONCE = 99
"""The `turn` of a ring in which every phone rings."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A step, and what of the call so far counts there.

    turn: the try of a menu, the turn of a ring group, the phone that is whispered to. left_out: the phones
    that answered without taking the call, one bit each. is_told: the caller heard that the call is recorded.
    is_unrecorded: the caller chose not to be.
    """

    step: str
    phase: Phase
    language: str
    turn: int = 0
    left_out: int = 0
    is_told: bool = False
    is_unrecorded: bool = False


@dataclass(frozen=True)
class Token:
    """A place in a certain version of a flow, and when the call came in."""

    version: UUID
    place: Place
    began: datetime

    def __str__(self) -> str:
        place = self.place
        flags = "t" * place.is_told + "u" * place.is_unrecorded
        return (
            f"{self.version.hex}.{place.step}.{PHASES[place.phase]}{place.turn}.{place.left_out:x}"
            f".{place.language}.{flags}.{int(self.began.timestamp())}"
        )


def read_token(text: str) -> Token:
    """Read what `str(token)` wrote; raises BadInput for anything else."""
    found = TOKEN.fullmatch(text)
    if found is None:
        raise BadInput("This is no step of a call flow")
    version, step, phase, turn, left_out, language, flags, began = found.groups()
    place = Place(
        step=step,
        phase=LETTERS[phase],
        language=language,
        turn=int(turn),
        left_out=int(left_out, 16),
        is_told="t" in flags,
        is_unrecorded="u" in flags,
    )
    return Token(UUID(version), place, datetime.fromtimestamp(int(began), UTC))
