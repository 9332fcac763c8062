"""Messages of CRMs: nested JSON or a form becomes named texts, by a company's own field names or by guess."""

from collections.abc import Mapping
from typing import Any

from calltrack.conversions.csv_reading import is_our_id, name_for
from calltrack.conversions.reading import NAMES
from calltrack.conversions.told import Said

# What people may choose for a column or field, in the order of use, with the words for it.
CHOICES = (
    ("outcome", "Outcome"), ("value", "Value"), ("currency", "Currency"), ("occurred_at", "When it happened"),
    ("order_id", "Order id"), ("phone", "Phone of the caller"), ("called_at", "When the call began"),
    ("gclid", "gclid"), ("gbraid", "gbraid"), ("wbraid", "wbraid"), ("fbclid", "fbclid"),
    ("msclkid", "msclkid"), ("ttclid", "ttclid"), ("li_fat_id", "li_fat_id"),
    ("call_id", "calltrack call id"), ("call_sid", "Carrier's call id"), ("id", "calltrack id of any kind"),
    ("person_id", "calltrack person id"), ("conversion_id", "calltrack conversion id"),
    ("called_back_at", "When you called back"), ("reason", "Reason"), ("email", "E-mail"),
    ("first_name", "First name"), ("last_name", "Last name"), ("name", "Full name"), ("city", "City"),
    ("postal_code", "Postal code"), ("country", "Country (two letters)"),
)  # fmt: skip
MOST_FIELDS = 300
DEEPEST = 6


def texts_of(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return our own names of an API object: flat, or grouped under `click`, `contact` and `clues`."""
    flat = dict(fields)
    for group in ("click", "clicks", "contact", "clues", "person"):
        inner = flat.pop(group, None)
        if isinstance(inner, Mapping):
            flat = dict(inner) | flat
    return {str(name): _text(value) for name, value in flat.items() if _text(value)}


def flatten(message: Mapping[str, Any]) -> dict[str, str]:
    """Return every value of a nested message under its path: `deal.amount`, `contacts.0.email`."""
    found: dict[str, str] = {}
    _walk(message, "", found, 0)
    return found


def by_mapping(
    message: Mapping[str, Any], fields: Mapping[str, str], outcomes: Mapping[str, Said]
) -> dict[str, str]:
    """Return a CRM's message by our names.

    Args:
        message: JSON object or form.
        fields: our name -> the path in the message (`deal.amount`); names left out are guessed.
        outcomes: the CRM's own word for an outcome, in lower case -> ours.
    """
    flat = flatten(message)
    texts: dict[str, str] = {}
    for path, value in flat.items():
        name = name_for(path) or name_for(path.rpartition(".")[2])
        if name and name != "id" and name not in texts:
            texts[name] = value
    exact = {name: _text(message.get(name)) for name in NAMES}
    # The `id` of a CRM's message is its own; ours are known by their shape.
    texts |= {name: text for name, text in exact.items() if text and (name != "id" or is_our_id(text))}
    texts |= {name: flat[path] for name, path in fields.items() if path in flat}
    if said := outcomes.get(texts.get("outcome", "").strip().lower()):
        texts["outcome"] = said
    return texts


def _walk(value: Any, path: str, found: dict[str, str], depth: int) -> None:
    if len(found) >= MOST_FIELDS or depth > DEEPEST:
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _walk(inner, f"{path}.{name}" if path else str(name), found, depth + 1)
    elif isinstance(value, list):
        for place, inner in enumerate(value[:20]):
            _walk(inner, f"{path}.{place}" if path else str(place), found, depth + 1)
    elif text := _text(value):
        found[path] = text


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or value is None or isinstance(value, Mapping | list):
        return ""
    return f"{value:.10f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
