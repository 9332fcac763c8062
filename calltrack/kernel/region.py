"""Regions of visits and callers, written alike: a country and its first division (ISO 3166-2, `IT-25`)."""

import re
from typing import Final

from calltrack.kernel.areas import AREAS

LONGEST: Final = 6
_WHOLE = re.compile(r"([A-Z]{2})-?([A-Z0-9]{1,3})")
_PART = re.compile(r"[A-Z0-9]{1,3}")
_COUNTRY = re.compile(r"[A-Z]{2}")
# What servers that guess from addresses say when they do not know.
_UNKNOWN: Final = frozenset({"XX", "T1", "ZZ"})


def _beginnings() -> dict[str, str]:
    return {
        f"+{code}{beginning}": region
        for code, regions in AREAS.items()
        for region, beginnings in regions.items()
        for beginning in beginnings.split()
    }


_BEGINNINGS: Final = _beginnings()
_LENGTHS: Final = tuple(sorted({len(beginning) for beginning in _BEGINNINGS}, reverse=True))


def read_region(region: str, country: str = "") -> str:
    """Return a region as `US-CA`; empty where what was said is none.

    It may be said whole (`US-CA`, `usca`), or as the part within a country (`CA`) and the country apart.
    """
    region, country = region.strip().upper(), country.strip().upper()
    if not (0 < len(region) <= LONGEST and len(country) <= LONGEST):
        return ""
    if _COUNTRY.fullmatch(country):
        own = region.removeprefix(f"{country}-") if "-" in region else region
        if not _PART.fullmatch(own):
            own = region.removeprefix(country)
        return f"{country}-{own}" if _PART.fullmatch(own) and country not in _UNKNOWN else ""
    whole = _WHOLE.fullmatch(region)
    if country or whole is None or whole[1] in _UNKNOWN or ("-" not in region and len(region) < 4):
        return ""
    return f"{whole[1]}-{whole[2]}"


def region_of_phone(e164: str | None) -> str:
    """Return the region a phone number belongs to by its beginning; empty where its plan names none.

    Mobiles of most countries name none; in North America they have the area code of where they were handed
    out, which their owners may have left.
    """
    if not e164 or not e164.startswith("+"):
        return ""
    for length in _LENGTHS:
        found = _BEGINNINGS.get(e164[:length])
        if found is not None:
            # A shorter number is none of North America's: a short code, or cut.
            return found if e164[1] != "1" or len(e164) == 12 else ""
    return ""
