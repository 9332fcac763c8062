"""Why advice came out as it did, or why there is none: codes and values; `words.py` has the sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a code and its values; amounts are minor units."""

    code: str
    values: Mapping[str, float | str] = field(default_factory=dict)
