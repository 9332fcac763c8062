"""How tracking numbers, offers and orders look in the API."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from calltrack.kernel.money import Money
from calltrack.numbers.health import Hooks
from calltrack.numbers.hooks import NumberSetup
from calltrack.numbers.market import Offer
from calltrack.numbers.queries import NumberRow, OrderRow
from calltrack.numbers.use import Use, use_of

RENT = "Rent a month in minor units (cents); null: not known yet."


class FindingShape(BaseModel):
    """One difference between our record and the carrier's."""

    code: str
    words: str
    unfit: Annotated[bool, Field(description="true: visitors are not shown the number because of it.")]
    repairable: Annotated[bool, Field(description="true: POST .../repair sets it right.")]


class NumberShape(BaseModel):
    """A tracking number and its set-up at the carrier."""

    id: str
    e164: str
    kind: Annotated[str, Field(description="pool, overflow or static.")]
    state: Annotated[
        str, Field(description="free, shown, cooling, resting, unfit, leaving, overflow or static.")
    ]
    location: str
    location_id: str
    pool: Annotated[str | None, Field(description="The pool's id.")]
    source: str
    medium: str
    campaign: str
    hooks: Annotated[str, Field(description="application: the company's; own: the three addresses below.")]
    voice_url: str
    voice_fallback_url: str
    status_callback: str
    account_sid: str
    rent_minor: Annotated[int | None, Field(description=RENT)]
    rent_currency: str
    health: Annotated[str, Field(description="unknown, well, flawed (still shown) or unfit (not shown).")]
    findings: list[FindingShape]
    checked_at: datetime | None
    rests_until: Annotated[datetime | None, Field(description="Visitors are not shown it before.")]
    leave_at: Annotated[datetime | None, Field(description="When it is given back to the carrier.")]
    calls_30d: int
    printed_on: Annotated[
        list[str],
        Field(description="Pages of the site on which this number of a pool stands written: put it right."),
    ]


class NumberList(BaseModel):
    """Every number of the company."""

    numbers: list[NumberShape]


class UseGiven(BaseModel):
    """What a number is for."""

    kind: Literal["pool", "overflow", "static"]
    pool_id: Annotated[UUID | None, Field(description="Of kind pool and overflow.")] = None
    location_id: Annotated[UUID | None, Field(description="Of kind static.")] = None
    source: Annotated[str, Field(max_length=200, description="Of kind static, such as billboard.")] = ""
    medium: Annotated[str, Field(max_length=200)] = ""
    campaign: Annotated[str, Field(max_length=200)] = ""

    def read(self) -> Use:
        """Return the use; raises BadInput when a field is missing."""
        return use_of(self.kind, self.pool_id, self.location_id, self.source, self.medium, self.campaign)


class OfferedShape(BaseModel):
    """A number for sale."""

    e164: str
    locality: str | None
    region: str | None
    sms: bool
    address_needed: Annotated[str, Field(description="none, any, local or foreign.")]


class PaperShape(BaseModel):
    """An address or a bundle of the carrier account."""

    sid: str
    name: str
    status: str


class OfferShape(BaseModel):
    """What is for sale, what it costs, and what the law asks before it may be bought."""

    numbers: list[OfferedShape]
    rent_minor: Annotated[int | None, Field(description=RENT)]
    rent_currency: str
    documents: Annotated[list[str], Field(description="What the law asks for; empty: nothing.")]
    missing: Annotated[
        list[str], Field(description="What the account does not have yet, with the next step.")
    ]
    addresses: list[PaperShape]
    bundles: list[PaperShape]


class OrderGiven(BaseModel):
    """A number to buy."""

    e164: Annotated[str, Field(max_length=16, description="One of a search.")]
    country: Annotated[str, Field(max_length=2)]
    type: Literal["local", "toll_free", "mobile", "national"] = "local"
    use: UseGiven
    hooks: Annotated[
        Hooks | None, Field(description="Left out: own where static answers are kept, else application.")
    ] = None
    address_sid: Annotated[str | None, Field(max_length=34)] = None
    bundle_sid: Annotated[str | None, Field(max_length=34)] = None


class OrderShape(BaseModel):
    """An order of a number and what became of it."""

    id: str
    e164: str
    state: Annotated[
        str, Field(description="intended, lost (the answer is missing), bought, in_service or refused.")
    ]
    said: Annotated[str, Field(description="What the carrier said, or what is in the way.")]
    number_id: Annotated[str, Field(description="Its id as a number, once it is in service.")]
    rent_minor: int
    rent_currency: str
    ordered_by: str
    ordered_at: datetime
    changed_at: datetime


class OrderList(BaseModel):
    """One page of orders, newest first."""

    orders: list[OrderShape]
    next: str | None


def number_shape(row: NumberRow, setup: NumberSetup) -> dict[str, Any]:
    """Return a number as the API shows it."""
    return {
        "id": row.id.hex, "e164": row.e164, "kind": row.kind, "state": row.state, "location": row.location,
        "location_id": row.location_id.hex, "pool": row.pool_id.hex if row.pool_id else None,
        "source": row.source, "medium": row.medium, "campaign": row.campaign, "hooks": row.hooks,
        "voice_url": setup.voice_url, "voice_fallback_url": setup.voice_fallback_url,
        "status_callback": setup.status_callback, "account_sid": row.account_sid,
        "rent_minor": row.rent_minor, "rent_currency": row.rent_currency, "health": row.health,
        "findings": row.findings, "checked_at": row.checked_at, "rests_until": row.rests_until,
        "leave_at": row.leave_at, "calls_30d": row.calls_30d,
        "printed_on": row.printed_on if row.kind != "static" else [],
    }  # fmt: skip


def offer_shape(offer: Offer) -> dict[str, Any]:
    """Return a search's answer as the API shows it."""
    rent = offer.rent or Money(0, "")
    return {
        "numbers": [
            {
                "e164": one.e164, "locality": one.locality, "region": one.region, "sms": one.sms,
                "address_needed": one.address_needed,
            }
            for one in offer.numbers
        ],
        "rent_minor": rent.minor if offer.rent else None,
        "rent_currency": rent.currency,
        "documents": list(offer.papers.documents),
        "missing": list(offer.missing),
        "addresses": [
            {"sid": one.sid, "name": f"{one.name}, {one.city}, {one.country}", "status": "there"}
            for one in offer.papers.addresses
        ],
        "bundles": [
            {"sid": one.sid, "name": one.name, "status": one.status} for one in offer.papers.bundles
        ],
    }  # fmt: skip


def order_shape(row: OrderRow) -> dict[str, Any]:
    """Return an order as the API shows it."""
    return {
        "id": row.id.hex, "e164": row.e164, "state": row.state, "said": row.said,
        "number_id": row.number_id.hex, "rent_minor": row.rent_minor, "rent_currency": row.rent_currency,
        "ordered_by": row.ordered_by, "ordered_at": row.ordered_at, "changed_at": row.changed_at,
    }  # fmt: skip
