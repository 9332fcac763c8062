"""What a tracking number is for: shown to visitors in turn, shared while a pool is dry, or one source."""

from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import UUID

from calltrack.kernel.errors import BadInput

Kind = Literal["pool", "overflow", "static"]
LONGEST_WORD = 200


@dataclass(frozen=True, kw_only=True)
class Use:
    """A pool's number names its pool, a static one its location and source; the other fields stay empty."""

    kind: Kind
    pool_id: UUID | None = None
    location_id: UUID | None = None
    source: str = ""
    medium: str = ""
    campaign: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "kind": self.kind,
            "pool_id": self.pool_id.hex if self.pool_id else None,
            "location_id": self.location_id.hex if self.location_id else None,
            "source": self.source,
            "medium": self.medium,
            "campaign": self.campaign,
        }

    @staticmethod
    def from_json(stored: dict[str, Any]) -> "Use":
        """Read what `as_json` wrote."""
        return Use(
            kind=cast(Kind, stored["kind"]),
            pool_id=UUID(stored["pool_id"]) if stored["pool_id"] else None,
            location_id=UUID(stored["location_id"]) if stored["location_id"] else None,
            source=stored["source"],
            medium=stored["medium"],
            campaign=stored["campaign"],
        )


def use_of(
    kind: str, pool_id: UUID | None, location_id: UUID | None, source: str, medium: str, campaign: str
) -> Use:
    """Read what a number shall be for; leaves out what does not belong to its kind.

    Raises:
        BadInput: a field is missing or too long; the text names it.
    """
    if kind in ("pool", "overflow"):
        if pool_id is None:
            raise BadInput("Choose the pool the number belongs to.")
        return Use(kind=cast(Kind, kind), pool_id=pool_id)
    if kind != "static":
        raise BadInput("A number is for a pool, for its overflow, or static: pool, overflow or static.")
    if location_id is None:
        raise BadInput("Choose the location its calls are put through to.")
    words = [" ".join(word.split()) for word in (source, medium, campaign)]
    if not words[0] or max(map(len, words)) > LONGEST_WORD:
        raise BadInput(
            f"Name the source, such as billboard; at most {LONGEST_WORD} characters in each field."
        )
    return Use(kind="static", location_id=location_id, source=words[0], medium=words[1], campaign=words[2])
