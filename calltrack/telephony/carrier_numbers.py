"""Numbers at the carrier, in our own words: offered, ordered, owned, their rules and prices."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

NumberType = Literal["local", "toll_free", "mobile", "national"]
AddressNeeded = Literal["none", "any", "local", "foreign"]
"""Which address the buyer must prove: none, any in the world, one in the number's area, one abroad."""


@dataclass(frozen=True, kw_only=True)
class NumberSearch:
    """What kind of number somebody looks for; texts that are None do not matter."""

    country: str
    """ISO 3166-1 alpha-2, such as IT."""
    type: NumberType = "local"
    area_code: str | None = None
    """US and Canada only."""
    contains: str | None = None
    """Two digits at least; a star stands for any digit, only at the end or the beginning."""
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    sms: bool = False
    """Only numbers that can receive messages."""
    most: int = 20


@dataclass(frozen=True, kw_only=True)
class OfferedNumber:
    """A number for sale; the carrier tells no price here (see `Carrier.prices`)."""

    e164: str
    country: str
    type: NumberType
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    voice: bool = True
    sms: bool = False
    address_needed: AddressNeeded = "none"


@dataclass(frozen=True, kw_only=True)
class NumberOrder:
    """A purchase: billed at once, and not idempotent. Write the intention down before."""

    e164: str
    name: str
    """What the carrier's console shows; 64 characters at most. Put our own id in."""
    application_sid: str | None = None
    """Whose hooks it shall use; instead of it, the addresses below are the number's own."""
    voice_url: str | None = None
    voice_fallback_url: str | None = None
    status_callback: str | None = None
    sms_application_sid: str | None = None
    sms_url: str | None = None
    address_sid: str | None = None
    bundle_sid: str | None = None


@dataclass(frozen=True, kw_only=True)
class NumberChange:
    """What shall change on an owned number: None leaves as it is, an empty text clears."""

    name: str | None = None
    application_sid: str | None = None
    """Wins over the addresses below; setting one of them clears the other."""
    sms_application_sid: str | None = None
    voice_url: str | None = None
    voice_fallback_url: str | None = None
    status_callback: str | None = None
    sms_url: str | None = None
    address_sid: str | None = None
    bundle_sid: str | None = None
    trunk_sid: str | None = None
    """A trunk wins over application and addresses; the empty text takes the number off it."""


@dataclass(frozen=True, kw_only=True)
class OwnedNumber:
    """A number of this account as the carrier knows it; texts are None where the carrier has none."""

    sid: str
    e164: str
    name: str = ""
    type: NumberType | None = None
    application_sid: str | None = None
    sms_application_sid: str | None = None
    voice_url: str | None = None
    voice_method: str = "POST"
    voice_fallback_url: str | None = None
    status_callback: str | None = None
    sms_url: str | None = None
    trunk_sid: str | None = None
    """A number on a SIP trunk never asks our voice address."""
    address_sid: str | None = None
    bundle_sid: str | None = None
    voice: bool = True
    sms: bool = False
    address_needed: AddressNeeded = "none"
    bought_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ApplicationHooks:
    """Where the carrier asks and tells for every number of one company; an empty text means nowhere."""

    voice_url: str
    voice_fallback_url: str = ""
    status_callback: str = ""
    sms_url: str = ""
    sms_fallback_url: str = ""
    sms_status_callback: str = ""


@dataclass(frozen=True, kw_only=True)
class Application:
    """One set of hooks that many numbers share: one place to change an address."""

    sid: str
    name: str
    hooks: ApplicationHooks
    was: ApplicationHooks | None = None
    """What it had before it was corrected just now; None: it was right."""


@dataclass(frozen=True, kw_only=True)
class Regulation:
    """What the law asks before a number of this country and type may be bought, for one kind of end user."""

    sid: str
    name: str
    country: str
    type: str
    end_user: Literal["individual", "business"]
    needs: tuple[str, ...] = ()
    """In the carrier's words for people: documents, addresses, names."""


@dataclass(frozen=True, kw_only=True)
class CarrierAddress:
    """An address of this account, `sid` being what an order needs."""

    sid: str
    name: str
    street: str
    city: str
    postal_code: str
    country: str
    region: str = ""
    verified: bool = False


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Papers handed in for a regulation; only an approved one buys a number."""

    sid: str
    name: str
    status: str
    """draft, pending-review, in-review, twilio-rejected, twilio-approved or provisionally-approved."""
    regulation_sid: str | None = None

    @property
    def is_approved(self) -> bool:
        """Whether an order may name it."""
        return self.status in ("twilio-approved", "provisionally-approved")


@dataclass(frozen=True, kw_only=True)
class NumberPrice:
    """Rent of one number for a month."""

    country: str
    type: str
    monthly: Decimal
    currency: str
