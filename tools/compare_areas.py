"""Compare the table of area codes with what phonenumbers knows of places; exits with 1 where they differ.

    .venv/bin/python -m tools.compare_areas

Takes seconds and 150 MB: phonenumbers knows a place for each of 280,000 beginnings of numbers, which is why
calltrack has a small table of its own. Run it after an update of phonenumbers: new area codes show up here.
"""

import sys
from collections import defaultdict

from phonenumbers.geodata import GEOCODE_DATA

from calltrack.kernel.areas import AREAS
from calltrack.kernel.region import region_of_phone
from calltrack.kernel.region_names import region_name

# Area codes of several provinces, and of countries that have no parts here.
LEFT_OUT = {"1": {"782", "867", "902"}, "39": {"0549", "0763", "0975"}}
# How phonenumbers writes some of them.
ALSO = {"US-DC": "Washington D.C."}
# One place across the river.
OTHERWISE = {("201", "NY")}


def american() -> list[str]:
    """Return each area code whose state or province is another one here, or that only one side has."""
    codes = AREAS["1"]
    states = {region: {region[3:], ALSO.get(region, region_name(region))} for region in codes}
    every = set().union(*states.values())
    said: dict[str, set[str]] = defaultdict(set)
    for beginning, places in GEOCODE_DATA.items():
        if beginning.startswith("1"):
            place = places.get("en", "").replace("British Colombia", "British Columbia")
            said[beginning[1:4]].add(place.rpartition(", ")[2])
    wrong = []
    for code, words in sorted(said.items()):
        region = region_of_phone(f"+1{code}5550123")
        foreign = {word for word in words - states.get(region, set()) if (code, word) not in OTHERWISE}
        if code not in LEFT_OUT["1"] and (foreign if region else words & every):
            wrong.append(f"+1 {code}: {region or 'none'} here, {', '.join(sorted(words))} there")
    mine = {code for listed in codes.values() for code in listed.split()}
    return wrong + [f"+1 {code}: unknown there" for code in sorted(mine - said.keys())]


def european(country: str) -> list[str]:
    """Return the beginnings of a country's numbers that only one side knows."""
    mine = {one for listed in AREAS[country].values() for one in listed.split()} | LEFT_OUT.get(
        country, set()
    )
    theirs = {one[len(country) :] for one in GEOCODE_DATA if one.startswith(country)}
    missing = [one for one in theirs if not any(one.startswith(own) or own.startswith(one) for own in mine)]
    strange = [own for own in mine if not any(one.startswith(own) or own.startswith(one) for one in theirs)]
    return [
        *(f"+{country} {one}: not here" for one in sorted(missing)),
        *(f"+{country} {one}: unknown there" for one in sorted(strange)),
    ]


def main() -> None:
    """Print what differs."""
    wrong = [*american(), *european("39"), *european("34")]
    print("\n".join(wrong) if wrong else "North America, Italy, Spain: no difference.")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
