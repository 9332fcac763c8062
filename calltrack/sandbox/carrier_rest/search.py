"""AvailablePhoneNumbers: numbers for sale, by country, type and filter."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import Blueprint, Response, request

from calltrack.sandbox.carrier_rest.answers import Refusal, page
from calltrack.sandbox.carrier_rest.desk import Desk
from calltrack.sandbox.carrier_rest.stock import Area, areas_of, numbers_of, offer

TYPES = {"Local": "local", "TollFree": "toll_free", "Mobile": "mobile", "National": "national"}
NORTH_AMERICA = ("US", "CA")
PLACES = {"InLocality": "locality", "InRegion": "region", "InPostalCode": "postal_code"}


def add(pages: Blueprint, desk: Desk) -> None:
    """Add the search to the twin."""

    @pages.get("/2010-04-01/Accounts/<account>/AvailablePhoneNumbers/<country>/<word>.json")
    @desk.answers("search")
    def search(account: str, country: str, word: str) -> Response:
        """List what is for sale and not taken."""
        taken = {row["phone_number"] for row in desk.records.all("number")}
        rows = [
            offer(area, e164)
            for area in areas_of(country, TYPES.get(word, word))
            if _area_fits(area, request.args)
            for e164 in numbers_of(area)
            if e164 not in taken and _number_fits(area, e164, request.args)
        ]
        return page(
            "available_phone_numbers",
            rows,
            f"/2010-04-01/Accounts/{account}/AvailablePhoneNumbers/{country}/{word}.json",
        )


def _area_fits(area: Area, asked: Mapping[str, str]) -> bool:
    for name, part in PLACES.items():
        if asked.get(name) and asked[name].casefold() != getattr(area, part).casefold():
            return False
    if asked.get("SmsEnabled") == "true" and not area.sms:
        return False
    return not (
        asked.get("ExcludeAllAddressRequired") == "true" and offer(area, "")["address_requirements"] != "none"
    )


def _number_fits(area: Area, e164: str, asked: Mapping[str, str]) -> bool:
    code = asked.get("AreaCode", "")
    if code:
        if area.country not in NORTH_AMERICA:
            raise Refusal(400, 20001, "AreaCode is for the United States and Canada only")
        if not e164.startswith(f"+1{code}"):
            return False
    pattern = asked.get("Contains", "")
    return not pattern or _contains(e164, pattern)


def _contains(e164: str, pattern: str) -> bool:
    """Match digits anywhere; a star stands for one digit, not in the middle."""
    bare = pattern.lstrip("+")
    if len(bare) < 2 or "*" in bare.strip("*") or not re.fullmatch(r"[0-9*]+", bare):
        raise Refusal(400, 20001, f"Contains cannot be {pattern[:40]!r}")
    return re.search(bare.replace("*", "[0-9]"), e164) is not None
