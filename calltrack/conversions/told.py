"""What somebody outside says came of a call: the outcome, the clues to the call, the contact. Values only."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

Said = Literal["lead", "purchase", "none", "refund", "cancelled"]
OUTCOMES: tuple[Said, ...] = ("lead", "purchase", "none", "refund", "cancelled")
# Click ids of ad platforms that lead to a visit, case-exact.
CLICK_IDS = ("gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "li_fat_id")


@dataclass(frozen=True, kw_only=True)
class Clues:
    """What leads to the call. `called_at` is when the call began, as the sender knows it.

    `day_only` marks a `called_at` that was told as a day without a time (it stands at noon of that day).
    """

    ids: tuple[UUID, ...] = ()
    clicks: dict[str, str] = field(default_factory=dict)
    call_sid: str = ""
    phone: str = ""
    called_at: datetime | None = None
    day_only: bool = False

    @property
    def any(self) -> bool:
        """Whether anything but a time is known."""
        return bool(self.ids or self.clicks or self.call_sid or self.phone)


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Who the customer is, as the sender knows it; empty parts were not told; `country` has two letters."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""

    @property
    def any(self) -> bool:
        """Whether any part was told."""
        return any(asdict(self).values())


@dataclass(frozen=True, kw_only=True)
class Told:
    """One outcome told from outside. `value_minor` counts minor units of `currency`.

    purchase: its value; refund: what was given back (None: all of it). `occurred_day_only` marks a time told
    as a day (it stands at noon of that day).
    """

    outcome: Said
    value_minor: int | None = None
    currency: str = ""
    occurred_at: datetime | None = None
    occurred_day_only: bool = False
    order_id: str = ""
    reason: str = ""
    called_back_at: datetime | None = None
    clues: Clues = field(default_factory=Clues)
    contact: Contact = field(default_factory=Contact)

    @property
    def subject(self) -> str:
        """Return what this outcome is about: the order, else all clues to the call together."""
        if self.order_id:
            return f"order:{self.order_id}"
        clues = asdict(self.clues)
        return "clues:" + json.dumps(clues, default=_plain, sort_keys=True)

    @property
    def fingerprint(self) -> bytes:
        """Return 32 bytes that are equal exactly where the same thing was said again."""
        return hashlib.sha256(to_json(self).encode()).digest()


def to_json(told: Told) -> str:
    """Write it down, the same text for the same values."""
    # Written flat: `asdict` copies all that is in it, which costs more than reading the line did.
    parts = vars(told) | {"clues": vars(told.clues), "contact": vars(told.contact)}
    return json.dumps(parts, default=_plain, sort_keys=True, ensure_ascii=False)


def from_json(text: str) -> Told:
    """Read what `to_json` wrote."""
    raw: dict[str, Any] = json.loads(text)
    clues, contact = raw.pop("clues"), raw.pop("contact")
    clues["ids"] = tuple(UUID(one) for one in clues["ids"])
    clues["called_at"] = _moment(clues["called_at"])
    for name in ("occurred_at", "called_back_at"):
        raw[name] = _moment(raw[name])
    known = {one.name for one in fields(Contact)}
    kept = {name: value for name, value in contact.items() if name in known}
    return Told(**raw, clues=Clues(**clues), contact=Contact(**kept))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
