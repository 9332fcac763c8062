"""How values are written on pages: template filters, pure but for the page's own time zone."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g
from markupsafe import Markup, escape

from calltrack.dashboard import words
from calltrack.kernel.money import EXPONENTS
from calltrack.kernel.phone import masked, pretty
from calltrack.kernel.phone_prefix import pretty_prefix
from calltrack.kernel.region_names import region_name

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "CHF": "CHF", "JPY": "¥"}
THIN = "\u202f"
NO_BREAK = "\u00a0"
# Below this count a percentage would say more than is known.
FEW = 10


def phone(e164: str | None, in_full: bool) -> str:
    """Return a caller's number for people; masked for those who may not see it."""
    if not e164:
        return "Number withheld"
    return pretty(e164) if in_full else masked(e164)


def line(e164: str) -> str:
    """Return one of our own or the business's numbers for people; these are no secret."""
    return pretty(e164)


def beginnings(prefixes: Sequence[str]) -> str:
    """Return leading digits of numbers for people: `+39 02 or +49 89`."""
    *most, last = [pretty_prefix(one).replace(" ", NO_BREAK) for one in prefixes] or [""]
    return f"{', '.join(most)} or {last}" if most else last


def money(minor: int | None, currency: str) -> str:
    """Return an amount: `€ 1 234.50`, whole amounts without decimals."""
    if minor is None:
        return "–"
    exponent = EXPONENTS.get(currency, 2)
    whole, part = divmod(abs(minor), 10**exponent)
    text = f"{whole:,}".replace(",", THIN) + (f".{part:0{exponent}d}" if part else "")
    return f"{'-' if minor < 0 else ''}{SYMBOLS.get(currency, currency)}{THIN}{text}"


def price(micros: int | None, currency: str) -> str:
    """Return what the carrier charged, to a tenth of a cent: `$ 0.026`."""
    if micros is None:
        return "–"
    return f"{SYMBOLS.get(currency, currency)}{THIN}{micros / 1_000_000:.3f}"


def of_platform(micros: int, currency: str) -> str:
    """Return a platform's amount, told in millionths of a currency, to its minor unit."""
    return money(round(micros * 10 ** EXPONENTS.get(currency, 2) / 1_000_000), currency)


def number(value: int | float | None) -> str:
    """Return a count with thin blanks between thousands."""
    return "–" if value is None else f"{value:,}".replace(",", THIN)


def percent(share: float | None) -> str:
    """Return a share; never a rounded 0 % or 100 % that was not exact."""
    if share is None:
        return "–"
    if 0.995 <= share < 1:
        return f"over 99{THIN}%"
    return f"under 1{THIN}%" if 0 < share < 0.005 else f"{share * 100:.0f}{THIN}%"


def span(seconds: int | None) -> str:
    """Return a length of talk: `0:08`, `3:02`, `1:04:00`."""
    if seconds is None:
        return "–"
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def shortened(text: str, longest: int = 200) -> str:
    """Return the beginning of a long text; three dots say that there is more."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def day(value: date) -> str:
    """Return a day: `Fri 20 Nov 2026`."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def zone() -> ZoneInfo:
    """Return the time zone of the company whose page is drawn; UTC outside companies."""
    here = g.get("here")
    return ZoneInfo(here.company.timezone if here else "UTC")


def moment(at: datetime | None, with_seconds: bool = False) -> Markup:
    """Return a moment in the company's time zone as `<time>`, machine-readable to the second."""
    if at is None:
        return Markup("–")
    local = at.astimezone(zone())
    clock = f"{local:%H:%M:%S}" if with_seconds else f"{local:%H:%M}"
    return Markup('<time datetime="{}">{} {} {}</time>').format(
        at.isoformat(timespec="seconds"), f"{local.day} {local:%b}", _year(local), clock
    )


def clock(at: datetime | None, with_seconds: bool = True) -> Markup:
    """Return the time of day in the company's time zone as `<time>`."""
    if at is None:
        return Markup("–")
    text = at.astimezone(zone()).strftime("%H:%M:%S" if with_seconds else "%H:%M")
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), text)


def _year(local: datetime) -> str:
    here = g.get("here")
    this_year = here.now.astimezone(zone()).year if here else None
    return "" if local.year == this_year else str(local.year)


def change(now: float | None, before: float | None) -> str:
    """Return how a figure changed against the period before, in words and a number."""
    if now is None or before is None:
        return "nothing to compare with"
    if now == before:
        return "as before"
    if before < FEW:
        return f"{before:g} before"
    grown = (now - before) / before
    if not round(abs(grown) * 100):
        return "about as before"
    return f"{'+' if grown > 0 else '−'}{abs(grown) * 100:,.0f}{THIN}%"


def bar(share: float, tone: str = "accent") -> Markup:
    """Return a thin bar of the given share (0 to 1); it only repeats a number that stands beside it."""
    width = max(0.0, min(1.0, share)) * 100
    return Markup(
        '<svg class="bar {}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="6"/><rect class="fill" width="{}" height="6"/></svg>'
    ).format(tone, f"{width:.1f}")


def icon(name: str, label: str = "") -> Markup:
    """Return an icon of the sprite; without a label it is decoration."""
    from calltrack.dashboard.assets import asset

    named = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" {}><use href="{}#{}"/></svg>').format(
        named, asset("icons.svg"), escape(name)
    )


def dict_with(of: dict[str, str], **more: str) -> dict[str, str]:
    """Return the dictionary with more or other entries: an address with one filter changed."""
    return of | more


def install(app: Flask) -> None:
    """Give the templates these filters and words."""
    filters: dict[str, Any] = {
        "phone": phone, "line": line, "beginnings": beginnings,
        "money": money, "price": price, "number": number, "percent": percent,
        "span": span, "day": day, "moment": moment, "clock": clock, "change": change, "source": words.source,
        "likely": words.likely, "age": words.age, "destination": words.destination,
        "choice": words.choice, "region": region_name,
    }  # fmt: skip
    app.jinja_env.filters.update({f"ct_{name}": function for name, function in filters.items()})
    app.jinja_env.filters["dictwith"] = dict_with
    app.jinja_env.globals.update(
        ct_bar=bar, ct_icon=icon, ct_outcome=words.outcome, ct_state=words.state, ct_words=words
    )
