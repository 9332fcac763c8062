"""Public holidays of a whole country, to begin a list of days off with; regional ones are added by hand.

Only countries whose holidays follow from a date or from Easter are known (docs/decisions/0015). Checked
against the package `holidays` 0.109 for 2026 and 2027.
"""

from datetime import date, timedelta
from typing import Final

from calltrack.callflows.editing import Plain
from calltrack.kernel.errors import BadInput

Days = tuple[tuple[str | int, str], ...]
# A day of every year (month-day), or so many days after Easter Sunday.
ITALY: Final[Days] = (
    ("01-01", "Capodanno"), ("01-06", "Epifania"), (0, "Pasqua"), (1, "Lunedì dell'Angelo"),
    ("04-25", "Liberazione"), ("05-01", "Festa del lavoro"), ("06-02", "Festa della Repubblica"),
    ("08-15", "Ferragosto"), ("10-04", "San Francesco"), ("11-01", "Ognissanti"), ("12-08", "Immacolata"),
    ("12-25", "Natale"), ("12-26", "Santo Stefano"),
)  # fmt: skip
GERMANY: Final[Days] = (
    ("01-01", "Neujahr"), (-2, "Karfreitag"), (1, "Ostermontag"), ("05-01", "Erster Mai"),
    (39, "Christi Himmelfahrt"), (50, "Pfingstmontag"), ("10-03", "Tag der Deutschen Einheit"),
    ("12-25", "Erster Weihnachtstag"), ("12-26", "Zweiter Weihnachtstag"),
)  # fmt: skip
AUSTRIA: Final[Days] = (
    ("01-01", "Neujahr"), ("01-06", "Heilige Drei Könige"), (1, "Ostermontag"), ("05-01", "Staatsfeiertag"),
    (39, "Christi Himmelfahrt"), (50, "Pfingstmontag"), (60, "Fronleichnam"), ("08-15", "Mariä Himmelfahrt"),
    ("10-26", "Nationalfeiertag"), ("11-01", "Allerheiligen"), ("12-08", "Mariä Empfängnis"),
    ("12-25", "Christtag"), ("12-26", "Stephanstag"),
)  # fmt: skip
FRANCE: Final[Days] = (
    ("01-01", "Jour de l'an"), (1, "Lundi de Pâques"), ("05-01", "Fête du Travail"), ("05-08", "Victoire"),
    (39, "Ascension"), (50, "Lundi de Pentecôte"), ("07-14", "Fête nationale"), ("08-15", "Assomption"),
    ("11-01", "Toussaint"), ("11-11", "Armistice"), ("12-25", "Noël"),
)  # fmt: skip
COUNTRIES: Final = {
    "IT": ("Italy", ITALY), "DE": ("Germany", GERMANY), "AT": ("Austria", AUSTRIA), "FR": ("France", FRANCE)
}  # fmt: skip


def easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher's rule)."""
    century, of_century = divmod(year, 100)
    leaps = (century + 8) // 25
    moon = (19 * (year % 19) + century - century // 4 - (century - leaps + 1) // 3 + 15) % 30
    week = (32 + 2 * (century % 4) + 2 * (of_century // 4) - moon - of_century % 4) % 7
    late = (year % 19 + 11 * moon + 22 * week) // 451
    month, day = divmod(moon + week - 7 * late + 114, 31)
    return date(year, month, day + 1)


def public_holidays(country: str, year: int) -> list[Plain]:
    """Return the days off of a country: fixed ones for every year, those that move with Easter for one.

    Raises:
        BadInput: the country is not known, or the year is none of this calendar.
    """
    if country not in COUNTRIES or not 1900 <= year <= 2199:
        raise BadInput("Choose a country and a year of the list.")
    found = []
    for when, name in COUNTRIES[country][1]:
        day = when if isinstance(when, str) else (easter(year) + timedelta(days=when)).isoformat()
        found.append({"day": day, "name": name})
    return found


def add_public_holidays(step: Plain, country: str, year: str) -> Plain:
    """Return a step of opening hours with a country's days off; days that are there already stay as they are.

    Raises:
        BadInput: no such country or year.
    """
    number = int(year) if year.isascii() and year.isdecimal() and len(year) == 4 else 0
    there = step["hours"].get("holidays", [])
    known = {one["day"] for one in there}
    known |= {f"{number}-{day}" for day in known if len(day) == 5} | {
        day[5:] for day in known if len(day) == 10
    }
    fresh = [one for one in public_holidays(country, number) if one["day"] not in known]
    days = sorted([*there, *fresh], key=lambda one: (len(one["day"]), one["day"]))
    return step | {"hours": step["hours"] | {"holidays": days}}


def countries() -> tuple[tuple[str, str], ...]:
    """Return the countries whose days off are known: code and name."""
    return tuple((code, name) for code, (name, _) in COUNTRIES.items())
