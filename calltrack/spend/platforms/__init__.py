"""The platforms that spend is read from: one file each, one line here."""

from typing import Final

from calltrack.spend.platforms.base import Source
from calltrack.spend.platforms.google import GoogleSpend
from calltrack.spend.platforms.meta import MetaSpend
from calltrack.spend.platforms.microsoft import MicrosoftSpend

SOURCES: Final[dict[str, Source]] = {
    "google_ads": GoogleSpend(),
    "meta": MetaSpend(),
    "microsoft": MicrosoftSpend(),
}


def source_for(destination_kind: str) -> Source | None:
    """Return the platform that a destination's access reads; None: its kind tells no spend."""
    return next((one for one in SOURCES.values() if destination_kind in one.kinds), None)
