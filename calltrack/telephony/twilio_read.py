"""Twilio's resources as its client hands them out, read into our own values."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from calltrack.telephony import carrier as c
from calltrack.telephony.carrier_calls import Direction
from calltrack.telephony.carrier_numbers import AddressNeeded
from calltrack.telephony.twilio_forms import STATUS_WORDS

DIRECTIONS: dict[str, Direction] = {
    "inbound": "inbound",
    "outbound-dial": "outbound_dial",
    "outbound-api": "outbound_api",
    "trunking-originating": "outbound_dial",
    "trunking-terminating": "inbound",
}
MESSAGE_WORDS: dict[str, c.MessageStatus] = {
    "accepted": "queued",
    "scheduled": "queued",
    "queued": "queued",
    "sending": "sending",
    "sent": "sent",
    "delivered": "delivered",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
    "receiving": "received",
    "received": "received",
    "read": "read",
}
TYPE_WORDS: dict[str, c.NumberType] = {
    "local": "local",
    "toll free": "toll_free",
    "tollfree": "toll_free",
    "toll-free": "toll_free",
    "toll_free": "toll_free",
    "mobile": "mobile",
    "national": "national",
}
TYPE_NAMES: dict[c.NumberType, str] = {
    "local": "local",
    "toll_free": "toll-free",
    "mobile": "mobile",
    "national": "national",
}
"""How Twilio's regulations write a number's type."""
ADDRESSES = ("none", "any", "local", "foreign")


def offered(instance: Any, search: c.NumberSearch) -> c.OfferedNumber:
    """Read a number for sale."""
    return c.OfferedNumber(
        e164=instance.phone_number,
        country=instance.iso_country or search.country,
        type=search.type,
        locality=instance.locality or None,
        region=instance.region or None,
        postal_code=instance.postal_code or None,
        voice=_can(instance, "voice"),
        sms=_can(instance, "sms"),
        address_needed=_address(instance.address_requirements),
    )


def owned(instance: Any) -> c.OwnedNumber:
    """Read a number of the account."""
    return c.OwnedNumber(
        sid=instance.sid,
        e164=instance.phone_number,
        name=instance.friendly_name or "",
        type=TYPE_WORDS.get(str(instance.type or "").lower()),
        application_sid=instance.voice_application_sid or None,
        sms_application_sid=instance.sms_application_sid or None,
        voice_url=instance.voice_url or None,
        voice_method=instance.voice_method or "POST",
        voice_fallback_url=instance.voice_fallback_url or None,
        status_callback=instance.status_callback or None,
        sms_url=instance.sms_url or None,
        trunk_sid=instance.trunk_sid or None,
        address_sid=instance.address_sid or None,
        bundle_sid=instance.bundle_sid or None,
        voice=_can(instance, "voice"),
        sms=_can(instance, "sms"),
        address_needed=_address(instance.address_requirements),
        bought_at=_moment(instance.date_created),
    )


def application(instance: Any) -> c.Application:
    """Read an application."""
    return c.Application(
        sid=instance.sid,
        name=instance.friendly_name or "",
        hooks=c.ApplicationHooks(
            voice_url=instance.voice_url or "",
            voice_fallback_url=instance.voice_fallback_url or "",
            status_callback=instance.status_callback or "",
            sms_url=instance.sms_url or "",
            sms_fallback_url=instance.sms_fallback_url or "",
            sms_status_callback=instance.message_status_callback or instance.sms_status_callback or "",
        ),
    )


def regulation(instance: Any) -> c.Regulation:
    """Read a regulation; its requirements become a list of words."""
    return c.Regulation(
        sid=instance.sid,
        name=instance.friendly_name or "",
        country=instance.iso_country or "",
        type=instance.number_type or "",
        end_user="individual" if instance.end_user_type == "individual" else "business",
        needs=tuple(_needs(instance.requirements or {})),
    )


def address(instance: Any) -> c.CarrierAddress:
    """Read an address."""
    return c.CarrierAddress(
        sid=instance.sid,
        name=instance.friendly_name or instance.customer_name or "",
        street=instance.street or "",
        city=instance.city or "",
        postal_code=instance.postal_code or "",
        country=instance.iso_country or "",
        region=instance.region or "",
        verified=bool(instance.verified),
    )


def bundle(instance: Any) -> c.Bundle:
    """Read a bundle of papers."""
    return c.Bundle(
        sid=instance.sid,
        name=instance.friendly_name or "",
        status=instance.status or "draft",
        regulation_sid=instance.regulation_sid or None,
    )


def prices(instance: Any) -> list[c.NumberPrice]:
    """Read the monthly rents of one country."""
    found = []
    for row in instance.phone_number_prices or []:
        monthly = _money(row.get("current_price") or row.get("base_price"))
        if monthly is not None:
            kind = str(row.get("number_type") or "")
            found.append(
                c.NumberPrice(
                    country=instance.iso_country,
                    type=TYPE_WORDS.get(kind.lower(), kind),
                    monthly=monthly,
                    currency=(instance.price_unit or "USD").upper(),
                )
            )
    return found


def call(instance: Any) -> c.CarrierCall:
    """Read a call or leg."""
    return c.CarrierCall(
        sid=instance.sid,
        parent_sid=instance.parent_call_sid or None,
        from_=instance._from or "",
        to=instance.to or "",
        status=STATUS_WORDS.get(instance.status, "ringing"),
        direction=DIRECTIONS.get(instance.direction, "inbound"),
        created_at=_moment(instance.date_created),
        started_at=_moment(instance.start_time),
        ended_at=_moment(instance.end_time),
        seconds=_whole(instance.duration),
        price=_cost(instance.price),
        currency=instance.price_unit or None,
        number_sid=instance.phone_number_sid or None,
        answered_by=instance.answered_by or None,
        stir=instance.stir_verstat or None,
        forwarded_from=instance.forwarded_from or None,
        caller_name=instance.caller_name or None,
    )


def message(instance: Any) -> c.CarrierMessage:
    """Read a text message."""
    return c.CarrierMessage(
        sid=instance.sid,
        from_=instance.from_ or "",
        to=instance.to or "",
        text=instance.body or "",
        status=MESSAGE_WORDS.get(instance.status, "queued"),
        inbound=instance.direction == "inbound",
        segments=_whole(instance.num_segments) or 1,
        media=_whole(instance.num_media) or 0,
        sent_at=_moment(instance.date_sent),
        created_at=_moment(instance.date_created),
        error_code=instance.error_code,
        price=_cost(instance.price),
        currency=instance.price_unit or None,
    )


def recording(instance: Any) -> c.CarrierRecording:
    """Read a recording."""
    return c.CarrierRecording(
        sid=instance.sid,
        call_sid=instance.call_sid or "",
        status=instance.status or "",
        seconds=_whole(instance.duration),
        channels=instance.channels or 1,
        source=instance.source or "",
        started_at=_moment(instance.start_time),
        price=_cost(instance.price),
        currency=instance.price_unit or None,
    )


def looked_up(instance: Any, e164: str) -> c.LookedUp:
    """Read what Lookup knows; packages that were not asked are null."""
    line: Mapping[str, Any] = instance.line_type_intelligence or {}
    name: Mapping[str, Any] = instance.caller_name or {}
    return c.LookedUp(
        e164=instance.phone_number or e164,
        is_valid=bool(instance.valid),
        country=instance.country_code or None,
        line_type=line.get("type") or None,
        carrier_name=line.get("carrier_name") or None,
        caller_name=name.get("caller_name") or None,
        problems=tuple(map(str, instance.validation_errors or ())),
    )


def _can(instance: Any, what: str) -> bool:
    """Tell a capability; results spell it `SMS`, owned numbers `sms`."""
    able: Mapping[str, Any] = instance.capabilities or {}
    return any(bool(value) for name, value in able.items() if name.lower() == what)


def _address(text: Any) -> AddressNeeded:
    return cast(AddressNeeded, text) if text in ADDRESSES else "none"


def _needs(requirements: Mapping[str, Any]) -> list[str]:
    """Name end user and documents a regulation asks for; documents come nested by a level or two."""
    found: list[str] = []
    for person in requirements.get("end_user") or ():
        found.append(f"{person.get('name') or person.get('type')}: {', '.join(person.get('fields') or ())}")
    documents = list(requirements.get("supporting_document") or ())
    while documents:
        one = documents.pop(0)
        if isinstance(one, list):
            documents[:0] = one
        elif isinstance(one, Mapping):
            choices = " or ".join(str(paper.get("name")) for paper in one.get("accepted_documents") or ())
            name = str(one.get("name") or one.get("requirement_name") or "Document")
            found.append(f"{name}: {choices}" if choices else name)
    return found


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _whole(text: Any) -> int | None:
    return int(text) if str(text or "").isdigit() else None


def _money(text: Any) -> Decimal | None:
    if text in (None, ""):
        return None
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return None


def _cost(text: Any) -> Decimal | None:
    """Return a cost as a positive amount: Twilio writes what it takes as a negative number."""
    amount = _money(text)
    return None if amount is None else abs(amount)
