"""Numbers for sale and the rules of their countries: as many as a demo needs, in the carrier's shape."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from calltrack.sandbox.carrier_rest.answers import Refusal

PER_AREA = 60


@dataclass(frozen=True)
class Area:
    """One prefix of one country: `digits` more make a number."""

    country: str
    type: str
    prefix: str
    digits: int
    locality: str = ""
    region: str = ""
    postal_code: str = ""
    sms: bool = False


@dataclass(frozen=True)
class Rule:
    """What must be handed in before a number of a country and type may be bought."""

    address: str = "none"
    bundle: bool = False
    monthly: str = "1.15"


AREAS = (
    Area("IT", "local", "+390687", 6, "Roma", "Lazio", "00184"),
    Area("IT", "local", "+390287", 6, "Milano", "Lombardia", "20121"),
    Area("IT", "local", "+3901187", 5, "Torino", "Piemonte", "10121"),
    Area("IT", "mobile", "+39350", 7, sms=True),
    Area("IT", "toll_free", "+39800", 6),
    Area("DE", "local", "+493056", 6, "Berlin", "Berlin", "10115"),
    Area("DE", "local", "+498954", 6, "München", "Bayern", "80331"),
    Area("DE", "mobile", "+491521", 7, sms=True),
    Area("DE", "toll_free", "+49800", 7),
    Area("FR", "local", "+33142", 6, "Paris", "Île-de-France", "75001"),
    Area("FR", "national", "+33972", 6),
    Area("FR", "mobile", "+33644", 6, sms=True),
    Area("GB", "local", "+442038", 6, "London", "Greater London", "EC1A"),
    Area("GB", "mobile", "+447401", 6, sms=True),
    Area("GB", "toll_free", "+44808", 7),
    Area("CH", "local", "+414451", 5, "Zürich", "Zürich", "8001"),
    Area("US", "local", "+1415236", 4, "San Francisco", "CA", "94102", True),
    Area("US", "local", "+1212235", 4, "New York", "NY", "10001", True),
    Area("US", "local", "+1312237", 4, "Chicago", "IL", "60601", True),
    Area("US", "toll_free", "+1833237", 4, sms=True),
    Area("CA", "local", "+1416237", 4, "Toronto", "ON", "M5H", True),
)
RULES: dict[tuple[str, str], Rule] = {
    ("IT", "local"): Rule("local", True, "2.25"),
    ("IT", "mobile"): Rule("any", True, "4.50"),
    ("IT", "toll_free"): Rule("any", True, "25.00"),
    ("DE", "local"): Rule("local", True, "1.15"),
    ("DE", "mobile"): Rule("any", True, "6.50"),
    ("DE", "toll_free"): Rule("any", True, "20.00"),
    ("FR", "local"): Rule("local", True, "1.15"),
    ("FR", "national"): Rule("any", True, "1.15"),
    ("FR", "mobile"): Rule("any", True, "3.00"),
    ("GB", "local"): Rule("any", False, "1.15"),
    ("GB", "mobile"): Rule("any", False, "1.15"),
    ("GB", "toll_free"): Rule("none", False, "2.15"),
    ("CH", "local"): Rule("local", True, "1.15"),
    ("US", "toll_free"): Rule(monthly="2.15"),
}


@cache
def numbers_of(area: Area) -> tuple[str, ...]:
    """Return the numbers of one area, always the same ones."""
    found: dict[str, None] = {}
    turn = 0
    while len(found) < min(PER_AREA, 10**area.digits):
        digest = hashlib.sha256(f"{area.prefix}/{turn}".encode()).hexdigest()
        found[f"{area.prefix}{int(digest[:12], 16) % 10**area.digits:0{area.digits}d}"] = None
        turn += 1
    return tuple(found)


def rule(country: str, type_: str) -> Rule:
    """Return the rules of a country and type; none where nothing is asked."""
    return RULES.get((country, type_), Rule())


def area_of(e164: str) -> Area | None:
    """Return the area that sells this very number; None when nobody does."""
    return next((area for area in AREAS if e164.startswith(area.prefix) and e164 in numbers_of(area)), None)


def areas_of(country: str, type_: str) -> list[Area]:
    """Return the areas of a country and type; a Refusal where the country has no such numbers."""
    found = [area for area in AREAS if (area.country, area.type) == (country, type_)]
    if not found:
        raise Refusal(
            404, 20404, f"The requested resource /AvailablePhoneNumbers/{country}/{type_} was not found"
        )
    return found


def offer(area: Area, e164: str) -> dict[str, Any]:
    """Return a search result; it spells its capabilities in its own way, and tells no price."""
    return {
        "friendly_name": e164,
        "phone_number": e164,
        "lata": None,
        "locality": area.locality or None,
        "rate_center": None,
        "latitude": None,
        "longitude": None,
        "region": area.region or None,
        "postal_code": area.postal_code or None,
        "iso_country": area.country,
        "address_requirements": rule(area.country, area.type).address,
        "beta": False,
        "capabilities": {"voice": True, "SMS": area.sms, "MMS": False, "fax": False},
    }
