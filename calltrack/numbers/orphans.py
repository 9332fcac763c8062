"""Numbers the carrier bills and nobody here answers: found by comparing its list with ours."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from calltrack.telephony.carrier import OwnedNumber

Reason = Literal["released", "ours"]


@dataclass(frozen=True)
class Orphan:
    """A number of the account without a number here."""

    e164: str
    sid: str
    name: str
    reason: Reason

    @property
    def words(self) -> str:
        """Say what is the matter and the next step."""
        if self.reason == "released":
            return (
                "It was released here and is still yours at the carrier, which bills it. Give it back there, "
                "or take it into service again."
            )
        return (
            "It leads to this server, and nobody set it up here: callers hear a short message. Take it into "
            "service, or give it back at the carrier."
        )


def orphans(
    owned: Iterable[OwnedNumber],
    in_use: Collection[str],
    released: Collection[str],
    *,
    base_url: str,
    application_sid: str | None,
) -> list[Orphan]:
    """Return the orphans, by number. Other numbers of the account are somebody else's business: not told.

    `in_use` holds numbers that are being bought, too; `released` those that were given up here.
    """
    found = []
    for one in owned:
        if one.e164 in in_use:
            continue
        leads_here = (one.voice_url or "").startswith(f"{base_url}/") or (
            application_sid is not None and one.application_sid == application_sid
        )
        if one.e164 in released:
            found.append(Orphan(one.e164, one.sid, one.name, "released"))
        elif leads_here:
            found.append(Orphan(one.e164, one.sid, one.name, "ours"))
    return sorted(found, key=lambda orphan: orphan.e164)
