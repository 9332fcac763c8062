"""How a table of spend is read, and what each of its lines says. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Final, Literal

from calltrack.conversions.amounts import guess_mark, read_amount
from calltrack.conversions.moments import guess_day_first
from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import CURRENCIES, EXPONENTS, currency_code
from calltrack.kernel.origin import campaign_key
from calltrack.spend.rules import MOST_MINOR, read_days
from calltrack.spend.told import Days

Mark = Literal["", ",", "."]
# Our name -> what people read beside it.
NAMES: Final[dict[str, str]] = {
    "day": "Day (or month)",
    "last_day": "Last day of a stretch",
    "campaign": "Campaign",
    "campaign_id": "Campaign's number",
    "cost": "Cost",
    "currency": "Currency",
    "clicks": "Clicks",
    "impressions": "Impressions",
    "source": "Source of its visits (utm_source)",
    "medium": "Medium of its visits (utm_medium)",
    "utm_campaign": "Campaign of its visits (utm_campaign)",
}
_TITLES: Final[dict[str, str]] = {
    title: name
    for name, titles in (
        (
            "day",
            "day date tag datum giorno data fecha dia jour month monat mese from firstday von dal startdate",
        ),
        ("day", "reportingstarts timeperiod"),
        ("last_day", "lastday to until bis al end enddate reportingends"),
        ("campaign", "campaign campaignname kampagne campagna nomecampagna campana campagne name"),
        ("campaign_id", "campaignid kampagnenid idcampagna"),
        (
            "cost",
            "cost spend amountspent costs kosten ausgaben costo spesa importospeso importo gasto amount",
        ),
        ("cost", "totalcost coste depense cout"),
        ("currency", "currency currencycode wahrung waehrung valuta devise moneda"),
        ("clicks", "clicks klicks clic clics linkclicks clicsullink"),
        ("impressions", "impressions impressionen impressioni impresiones impr"),
        ("source", "source utmsource quelle"),
        ("medium", "medium utmmedium"),
        ("utm_campaign", "utmcampaign"),
    )
    for title in titles.split()
}
MOST_COUNT: Final = 10**12


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a table is read: our name -> place of the column; decimal mark (empty: as a person types)."""

    columns: dict[str, int] = field(default_factory=dict)
    mark: Mark = ""
    day_first: bool = True
    account: str = ""
    currency: str = "EUR"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LineSays:
    """What a line says: so much for a campaign over some days."""

    campaign: str
    campaign_id: str
    campaign_key: str
    days: Days
    cost_minor: int
    clicks: int
    impressions: int


def guess(
    header: Sequence[str], samples: Sequence[Sequence[str]], country: str, currency: str = "EUR"
) -> Plan:
    """Guess what the columns are from their titles, the mark and the order of dates from the values.

    The currency is the one beside the costs or in their title, `Amount spent (USD)`; else the one given.
    """
    columns: dict[str, int] = {}
    for place, title in enumerate(header):
        plain = re.sub(r"\(.*?\)", "", unicodedata.normalize("NFKD", title).lower())
        name = _TITLES.get(re.sub(r"[^a-z]", "", plain), "")
        if name and name not in columns:
            columns[name] = place
    costs = _column(samples, columns.get("cost"))
    days = _column(samples, columns.get("day")) + _column(samples, columns.get("last_day"))
    told = set(_column(samples, columns.get("currency")))
    told = told or set(re.findall(r"\(([A-Z]{3})\)", header[columns["cost"]] if "cost" in columns else ""))
    known = {code.upper() for code in told} & CURRENCIES
    return Plan(
        columns=columns, mark=guess_mark(costs) or "", day_first=guess_day_first(days, country),
        currency=known.pop() if len(known) == 1 else currency,
    )  # fmt: skip


def plan_from(raw: Mapping[str, Any], width: int) -> Plan:
    """Read a plan; raises BadInput with what to change."""
    columns = raw.get("columns", {})
    if not isinstance(columns, dict) or not all(
        name in NAMES and isinstance(place, int) and 0 <= place < width for name, place in columns.items()
    ):
        raise BadInput(f"columns names the place of a column, from 0, for any of {', '.join(NAMES)}.")
    if len(set(columns.values())) < len(columns):
        raise BadInput("Two values cannot be read from one column.")
    missing = [NAMES[name] for name in ("day", "cost") if name not in columns]
    if "campaign" not in columns and "campaign_id" not in columns:
        missing.append("Campaign, or its number")
    if missing:
        raise BadInput(f"Choose the columns for: {'; '.join(missing)}.")
    if raw.get("mark", "") not in ("", ",", "."):
        raise BadInput("The decimal mark is a comma or a point.")
    account = " ".join(str(raw.get("account", "")).split())
    if not 1 <= len(account) <= 120:
        raise BadInput("Name the account these costs belong to, such as TikTok or Local radio.")
    return Plan(
        columns=columns, mark=raw.get("mark", ""), day_first=bool(raw.get("day_first", True)),
        account=account, currency=currency_code(str(raw.get("currency", "EUR"))),
    )  # fmt: skip


def read_line(cells: Sequence[str], plan: Plan) -> LineSays:
    """Return what a line says.

    Raises:
        BadInput: a day, a cost or a count cannot be read, or the currency is another one.
    """

    def cell(name: str) -> str:
        place = plan.columns.get(name)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    told = cell("currency")
    if told and currency_code(told) != plan.currency:
        raise BadInput(f"This line is in {told[:8]}, the account in {plan.currency}; upload it by itself.")
    name, number = cell("campaign"), cell("campaign_id")
    if not name and not number:
        raise BadInput("This line names no campaign.")
    if not cell("cost"):
        raise BadInput("This line has no cost; write 0 where it cost nothing.")
    days = read_days(_iso(cell("day"), plan), _iso(cell("last_day"), plan))
    cost = _cost(cell("cost"), plan)
    if cost > MOST_MINOR:
        raise BadInput(f"{cell('cost')[:20]!r} is absurdly much; check the decimal mark.")
    return LineSays(
        name or number, number or name, _key(cell("source"), cell("medium"), cell("utm_campaign")), days,
        cost, _count(cell("clicks"), "clicks"), _count(cell("impressions"), "impressions"),
    )  # fmt: skip


def _cost(text: str, plan: Plan) -> int:
    """Read a cost; decimals finer than the minor unit, as platforms export, are rounded, half up."""
    if plan.mark and re.fullmatch(rf"[0-9]+[{re.escape(plan.mark)}][0-9]{{3,}}", text):
        whole, _, part = text.partition(plan.mark)
        exponent = EXPONENTS.get(plan.currency, 2)
        digits = int(whole + part[:exponent].ljust(exponent, "0"))
        return digits + (part[exponent : exponent + 1] >= "5")
    if not plan.mark and re.fullmatch(r"[0-9]+\.[0-9]{4,}", text):
        return _cost(text, Plan(columns=plan.columns, mark=".", currency=plan.currency))
    has_thousandths = EXPONENTS.get(plan.currency, 2) == 3
    if not plan.mark and not has_thousandths and re.fullmatch("[0-9]{1,3}[.,][0-9]{3}", text):
        raise BadInput(f"{text} may be thousands or parts; choose the decimal mark of this file.")
    return read_amount(text, plan.currency, plan.mark or None).minor


def _iso(text: str, plan: Plan) -> str:
    """Return a day as 2026-11-30 whatever its order of day and month; what is none stays as it is."""
    day = re.split("[ T]", text, maxsplit=1)[0]
    found = re.fullmatch(r"([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})", day)
    if found is None:
        return day if re.fullmatch("[0-9-]+", day) else text
    one, two, year = int(found[1]), int(found[2]), int(found[3])
    number, month = (one, two) if plan.day_first else (two, one)
    try:
        return date(year, month, number).isoformat()
    except ValueError:
        return day


def _count(text: str, name: str) -> int:
    # Programs write 37 as 37.0; three digits after a mark are thousands.
    digits = re.sub(r"[\s.,'\u00a0\u202f]", "", re.sub(r"[.,]0{1,2}$", "", text))
    if not digits.strip("-"):
        return 0  # Google writes -- for what it did not count.
    if not digits.isascii() or not digits.isdigit() or int(digits) > MOST_COUNT:
        raise BadInput(f"{text[:20]!r} is no number of {name}.")
    return int(digits)


def _key(source: str, medium: str, campaign: str) -> str:
    """Return the word of the visits a line names; empty unless source and medium are both there."""
    return campaign_key(source.lower(), medium.lower(), campaign) if source and medium else ""


def _column(samples: Sequence[Sequence[str]], place: int | None) -> list[str]:
    return [cells[place] for cells in samples if place is not None and place < len(cells) and cells[place]]
