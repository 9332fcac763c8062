"""The two branches, and the many ways their numbers are written."""

from dataclasses import dataclass

from calltrack.kernel.errors import BadInput

COUNTRY = "+39"


@dataclass(frozen=True)
class Written:
    """One number in the notations found on Italian websites."""

    e164: str
    spaced: str
    slashed: str
    dotted: str
    bracketed: str
    international: str
    zeros: str


@dataclass(frozen=True)
class Branch:
    """A branch as the pages show it."""

    path: str
    town: str
    street: str
    area: str
    number: Written


def written(e164: str) -> Written:
    """Write an Italian number of a two-digit area code in every notation the pages use.

    Raises:
        BadInput: it is no such number.
    """
    national = e164.removeprefix(COUNTRY)
    if national == e164 or not national.isdigit() or len(national) < 7:
        raise BadInput(f"{e164} is no Italian number; write it like +390669940001.")
    area, first, last = national[:2], national[2:-4], national[-4:]
    return Written(
        e164=e164,
        spaced=f"{area} {first} {last}",
        slashed=f"{area}/{first}{last}",
        dotted=f"{area}.{first}.{last}",
        bracketed=f"({area}) {first} {last}",
        international=f"{COUNTRY} {area} {first} {last}",
        zeros=f"00{COUNTRY[1:]} {area} {first}{last}",
    )


def branches(rome: str, milan: str) -> dict[str, Branch]:
    """Return both branches under the names the templates use."""
    return {
        "rome": Branch(
            "roma",
            "Roma",
            "Via Aurelia 412, 00165 Roma",
            "Roma e provincia, Castelli, litorale",
            written(rome),
        ),
        "milan": Branch(
            "milano",
            "Milano",
            "Via Ripamonti 88, 20141 Milano",
            "Milano, Monza e Brianza, Lodi",
            written(milan),
        ),
    }
