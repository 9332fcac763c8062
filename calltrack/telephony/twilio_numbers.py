"""Numbers at Twilio: searched, bought, changed, released; applications, rules and prices."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from calltrack.telephony import carrier as c
from calltrack.telephony import twilio_read as read

PAGE = 200
MOST_TO_SEARCH = 100
SEARCHES = {"local": "local", "toll_free": "toll_free", "mobile": "mobile", "national": "national"}
FIELDS = {
    "name": "friendly_name",
    "application_sid": "voice_application_sid",
    "sms_application_sid": "sms_application_sid",
    "voice_url": "voice_url",
    "voice_fallback_url": "voice_fallback_url",
    "status_callback": "status_callback",
    "sms_url": "sms_url",
    "address_sid": "address_sid",
    "bundle_sid": "bundle_sid",
    "trunk_sid": "trunk_sid",
}


class TwilioNumbers:
    """The part of `Carrier` that deals in numbers."""

    _client: Any

    def search_numbers(self, search: c.NumberSearch) -> list[c.OfferedNumber]:
        """See `Carrier`."""
        given = {
            "area_code": search.area_code,
            "contains": search.contains,
            "in_locality": search.locality,
            "in_region": search.region,
            "in_postal_code": search.postal_code,
            "sms_enabled": search.sms or None,
        }
        country = self._client.available_phone_numbers(search.country)
        found = getattr(country, SEARCHES[search.type]).list(
            limit=max(1, min(search.most, MOST_TO_SEARCH)),
            voice_enabled=True,
            **{name: value for name, value in given.items() if value is not None},
        )
        return [read.offered(one, search) for one in found]

    def buy_number(self, order: c.NumberOrder) -> c.OwnedNumber:
        """See `Carrier`."""
        bought = self._client.incoming_phone_numbers.create(phone_number=order.e164, **_fields(order))
        return read.owned(bought)

    def number_by_e164(self, e164: str) -> c.OwnedNumber | None:
        """See `Carrier`."""
        # The filter also takes patterns: only the very number counts.
        found = self._client.incoming_phone_numbers.stream(phone_number=e164, page_size=PAGE)
        return next((read.owned(one) for one in found if one.phone_number == e164), None)

    def list_numbers(self) -> Iterator[c.OwnedNumber]:
        """See `Carrier`."""
        return map(read.owned, self._client.incoming_phone_numbers.stream(page_size=PAGE))

    def update_number(self, sid: str, change: c.NumberChange) -> c.OwnedNumber:
        """See `Carrier`."""
        return read.owned(self._client.incoming_phone_numbers(sid).update(**_fields(change)))

    def release_number(self, sid: str) -> None:
        """See `Carrier`."""
        self._client.incoming_phone_numbers(sid).delete()

    def ensure_application(self, name: str, hooks: c.ApplicationHooks) -> c.Application:
        """See `Carrier`."""
        wanted = {
            "voice_url": hooks.voice_url,
            "voice_method": "POST",
            "voice_fallback_url": hooks.voice_fallback_url,
            "voice_fallback_method": "POST",
            "status_callback": hooks.status_callback,
            "status_callback_method": "POST",
            "sms_url": hooks.sms_url,
            "sms_method": "POST",
            "sms_fallback_url": hooks.sms_fallback_url,
            "sms_fallback_method": "POST",
            "message_status_callback": hooks.sms_status_callback,
        }
        applications = self._client.applications
        found = list(applications.stream(friendly_name=name, page_size=PAGE))
        # Several of one name can only come from two who made it at once: the oldest is the one.
        exact = sorted((one for one in found if one.friendly_name == name), key=_age)
        if not exact:
            return read.application(applications.create(friendly_name=name, **wanted))
        mine = read.application(exact[0])
        if mine.hooks == hooks:
            return mine
        return replace(read.application(applications(mine.sid).update(**wanted)), was=mine.hooks)

    def regulations(self, country: str, type_: c.NumberType) -> list[c.Regulation]:
        """See `Carrier`."""
        found = self._client.numbers.v2.regulatory_compliance.regulations.list(
            iso_country=country, number_type=read.TYPE_NAMES[type_]
        )
        return [read.regulation(one) for one in found]

    def addresses(self) -> Iterator[c.CarrierAddress]:
        """See `Carrier`."""
        return map(read.address, self._client.addresses.stream(page_size=PAGE))

    def bundles(self, country: str | None = None, type_: c.NumberType | None = None) -> Iterator[c.Bundle]:
        """See `Carrier`."""
        given: dict[str, str] = {}
        if country is not None:
            given["iso_country"] = country
        if type_ is not None:
            given["number_type"] = read.TYPE_NAMES[type_]
        found = self._client.numbers.v2.regulatory_compliance.bundles.stream(page_size=PAGE, **given)
        return map(read.bundle, found)

    def prices(self, country: str) -> list[c.NumberPrice]:
        """See `Carrier`."""
        return read.prices(self._client.pricing.v1.phone_numbers.countries(country).fetch())


def _fields(wish: c.NumberOrder | c.NumberChange) -> dict[str, str]:
    """Return what is to be set, in Twilio's names, every address with POST beside it."""
    given: dict[str, str] = {}
    for name, value in asdict(wish).items():
        if value is None or name not in FIELDS:
            continue
        given[FIELDS[name]] = value
        if name in ("voice_url", "voice_fallback_url", "status_callback", "sms_url") and value:
            given[f"{FIELDS[name].removesuffix('_url')}_method"] = "POST"
    return given


def _age(instance: Any) -> tuple[Any, str]:
    return instance.date_created, instance.sid
