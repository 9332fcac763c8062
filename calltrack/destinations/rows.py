"""Conversions as a person writes them down, one JSON object a line: what `calltrack preview` reads.

A row needs `id`, `kind`, `event` and `happened_at`; every other part may be missing. What cannot be read is a
BadInput that names the field and what to write; what is not known here is named in the warnings.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from calltrack.destinations.base import Consent, ConsentState, Upload
from calltrack.destinations.hashing import is_hashed
from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import LARGEST_MINOR, currency_code
from calltrack.kernel.phone import COUNTRIES, country_of, to_e164

Text = Annotated[str, Meta(max_length=4096)]
Moment = Annotated[datetime, Meta(tz=True)]
Minor = Annotated[int, Meta(ge=0, le=LARGEST_MINOR)]

# Two codes that everybody writes and ISO 3166 does not have.
_ALIASES = {"UK": "GB", "EL": "GR"}

_ACTIONS: dict[str, Literal["create", "restate", "retract"]] = {
    "conversion": "create", "restate": "restate", "retract": "retract",
}  # fmt: skip


class _Click(msgspec.Struct):
    gclid: Text | None = None
    gbraid: Text | None = None
    wbraid: Text | None = None
    fbclid: Text | None = None
    fbc: Text | None = None
    fbp: Text | None = None
    msclkid: Text | None = None
    ttclid: Text | None = None
    li_fat_id: Text | None = None
    captured_at: Moment | None = None


class _Analytics(msgspec.Struct):
    client_id: Text | None = None
    session_id: Text | int | None = None


class _Person(msgspec.Struct):
    phone: Text | None = None
    email: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    city: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None


class _Consent(msgspec.Struct):
    ad_user_data: ConsentState | None = None
    ad_personalization: ConsentState | None = None


class _Page(msgspec.Struct):
    url: Text | None = None
    user_agent: Text | None = None
    ip: Text | None = None


class _Original(msgspec.Struct):
    happened_at: Moment | None = None
    value_minor: Minor | None = None


class _Row(msgspec.Struct):
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: Literal["lead", "purchase"]
    event: Literal["conversion", "restate", "retract"]
    happened_at: Moment
    value_minor: Minor | None = None
    currency: Text | None = None
    click: _Click | None = None
    ga: _Analytics | None = None
    person: _Person | None = None
    consent: _Consent | None = None
    page: _Page | None = None
    original: _Original | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what the destinations are told, and what was left out of it and why."""

    id: str
    upload: Upload
    warnings: tuple[str, ...] = ()


_PARTS: dict[str, type[msgspec.Struct]] = {
    "click": _Click, "ga": _Analytics, "person": _Person, "consent": _Consent, "page": _Page,
    "original": _Original,
}  # fmt: skip


def read_row(line: str | bytes) -> Row:
    """Read one line; raises BadInput with the field and what to write there."""
    try:
        raw = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf") if isinstance(line, bytes) else line)
        if not isinstance(raw, dict):
            raise BadInput('A row is a JSON object, such as {"id": "c1", "kind": "lead", ...}.')
        row = msgspec.convert(raw, _Row)
    except msgspec.ValidationError as problem:
        raise BadInput(_in_words(problem)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise BadInput(f"This line is not JSON: {problem}.") from None
    warnings = _unknown(raw)
    return Row(row.id, _upload(row, warnings), tuple(warnings))


def _in_words(problem: msgspec.ValidationError) -> str:
    text, _, place = str(problem).partition(" - at `$")
    field = place.rstrip("`").lstrip(".")
    if "missing required field" in text:
        return f"{text.replace('Object', 'The row')}; id, kind, event and happened_at are needed."
    advice = ""
    if field.endswith(("happened_at", "captured_at")):
        advice = " Write a time with its zone, such as 2026-11-20T12:00:00Z."
    elif field.endswith("value_minor"):
        advice = " Write whole minor units, such as 85000 for 850.00."
    return f"{field or 'row'}: {text[0].lower()}{text[1:]}.{advice}"


def _unknown(raw: dict[str, Any]) -> list[str]:
    named = [name for name in raw if name not in _Row.__struct_fields__]
    for part, struct in _PARTS.items():
        if isinstance(raw.get(part), dict):
            named += [f"{part}.{name}" for name in raw[part] if name not in struct.__struct_fields__]
    return [f"{name[:80]} is not a field of a row; it was ignored." for name in named]


def _upload(row: _Row, warnings: list[str]) -> Upload:
    person, click, page = row.person or _Person(), row.click or _Click(), row.page or _Page()
    consent, original = row.consent or _Consent(), row.original or _Original()
    analytics = row.ga or _Analytics()
    country = _country(person.country, warnings)
    phone = _phone(person.phone, country, warnings)
    action = _ACTIONS[row.event]
    if action != "create" and original.happened_at is None:
        warnings.append("original.happened_at is missing; the conversion is taken to have this row's time.")
    return Upload(
        # Platforms drop ids that are only digits, so calltrack never makes one.
        id=f"conv-{row.id}" if row.id.isdigit() else row.id,
        kind=row.kind,
        action=action,
        occurred_at=(original.happened_at or row.happened_at) if action != "create" else row.happened_at,
        changed_at=row.happened_at,
        sequence=0 if action == "create" else 1,
        value_minor=row.value_minor,
        currency=currency_code(row.currency) if row.currency and row.currency.strip() else None,
        click_ids=_click_ids(click),
        clicked_at=click.captured_at,
        phone_e164=phone,
        email=person.email or None,
        first_name=person.first_name or None,
        last_name=person.last_name or None,
        city=person.city or None,
        postal_code=person.postal_code or None,
        country=country,
        region=country or (country_of(phone) if phone else None),
        consent=Consent(consent.ad_user_data or "unknown", consent.ad_personalization or "unknown"),
        landing_url=page.url or None,
        user_agent=page.user_agent or None,
        ip=page.ip or None,
        ga_client_id=analytics.client_id or None,
        ga_session_id=str(analytics.session_id) if analytics.session_id not in (None, "") else None,
        original_value_minor=original.value_minor,
    )


def _click_ids(click: _Click) -> dict[str, str]:
    cookies = {"fbc": "_fbc", "fbp": "_fbp"}
    named = {name: getattr(click, name) for name in click.__struct_fields__ if name != "captured_at"}
    return {cookies.get(name, name): value for name, value in named.items() if value}


def _country(text: str | None, warnings: list[str]) -> str | None:
    if not text or not text.strip():
        return None
    code = _ALIASES.get(text.strip().upper(), text.strip().upper())
    if code in COUNTRIES:
        return code
    warnings.append("person.country is not an ISO country of two letters such as IT; it was left out.")
    return None


def _phone(text: str | None, country: str | None, warnings: list[str]) -> str | None:
    if not text or not text.strip():
        return None
    if is_hashed(text.strip()):
        warnings.append(
            "person.phone is hashed already and goes as it is; the platforms hash different forms."
        )
        return text.strip().lower()
    try:
        return to_e164(text, country)
    except BadInput:
        warnings.append("person.phone is not a phone number in E.164 such as +390669940001; it was left out.")
        return None
