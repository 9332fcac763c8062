"""What Meta is told of a person: each part normalised and hashed as the Conversions API documents it.

Source: Meta's "Customer information parameters" and `normalize.py` of its Business SDK 26. A part that is
none (an emoji for a name, a country in words) is left out; nothing empty is hashed and nothing twice.
"""

import ipaddress
import re
import unicodedata
from datetime import datetime
from typing import Final

from calltrack.destinations import hashing
from calltrack.destinations.base import Upload

# fb, subdomain index, milliseconds, value; newer cookies carry an appendix of 2 or 8 characters.
_APPENDIX: Final = r"(\.[A-Za-z0-9_-]{2}|\.[A-Za-z0-9_-]{8})?"
_FBC: Final = re.compile(rf"fb\.[0-9]\.[0-9]{{10,16}}\.[^\s.]{{1,500}}{_APPENDIX}")
_FBP: Final = re.compile(rf"fb\.[0-9]\.[0-9]{{10,16}}\.[0-9]{{1,20}}{_APPENDIX}")
_FBCLID: Final = re.compile(r"[^\s]{1,500}")
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")
_US_ZIP: Final = re.compile(r"[0-9]{5}(-?[0-9]{4})?")

# Addresses that say nothing of a person: they stand behind somebody's router.
_AT_HOME: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)

# The parts by which Meta can find one person; the others only narrow them down.
_FINDS_ONE: Final = (("em",), ("ph",), ("fbc",), ("fbp",), ("client_ip_address", "client_user_agent"))


def user_data(upload: Upload, *, with_contacts: bool) -> dict[str, object]:
    """Return Meta's `user_data`: hashed parts as lists, click, browser and address in the clear."""
    known: dict[str, object] = {
        "fbc": _fbc(upload),
        "fbp": _whole(_FBP, upload.click_ids.get("_fbp")),
        "client_ip_address": _address(upload.ip),
        "client_user_agent": (upload.user_agent or "").strip() or None,
    }
    hashed = _contacts(upload) if with_contacts else {}
    hashed["external_id"] = _hashed(upload.person_id, (upload.person_id or "").strip().lower())
    parts = {name: [value] for name, value in hashed.items() if value is not None}
    return parts | {name: value for name, value in known.items() if value is not None}


def finds_a_person(data: dict[str, object]) -> bool:
    """Say whether Meta could match these parts to anybody (otherwise: error 2804050)."""
    if any(all(part in data for part in parts) for parts in _FINDS_ONE):
        return True
    return {"fn", "ln"} <= data.keys() and bool({"ct", "zp"} & data.keys())


def name(value: str | None) -> str | None:
    """Hash a first or last name: trimmed, lower case, no punctuation, other alphabets kept as UTF-8."""
    return _hashed(value, " ".join(_letters(value or "", keep_spaces=True).split()))


def city(value: str | None) -> str | None:
    """Hash a town: lower case, no spaces, punctuation or digits."""
    text = "".join(char for char in _letters(value or "", keep_spaces=False) if not char.isdigit())
    return _hashed(value, text)


def postal_code(value: str | None, country: str | None) -> str | None:
    """Hash a postal code: lower case, no spaces or dashes; the first five digits of a US one."""
    text = re.sub(r"[\s\-\u2010-\u2015]", "", unicodedata.normalize("NFKC", value or "").lower())
    if (country or "").strip().upper() in ("US", "") and _US_ZIP.fullmatch(text):
        text = text[:5]
    return _hashed(value, text if text.isalnum() else "")


def country_code(value: str | None) -> str | None:
    """Hash an ISO 3166-1 alpha-2 code in lower case; anything else is no country."""
    text = (value or "").strip()
    return _hashed(value, text.lower() if _COUNTRY.fullmatch(text) else "")


def _contacts(upload: Upload) -> dict[str, str | None]:
    return {
        "em": hashing.plain_email(upload.email),
        "ph": hashing.phone_digits(upload.phone_e164),
        "fn": name(upload.first_name),
        "ln": name(upload.last_name),
        "ct": city(upload.city),
        "zp": postal_code(upload.postal_code, upload.country),
        "country": country_code(upload.country),
    }


def _hashed(value: str | None, normalised: str) -> str | None:
    text = (value or "").strip()
    if hashing.is_hashed(text):
        return text.lower()
    return hashing.sha256(normalised) if normalised else None


def _letters(text: str, *, keep_spaces: bool) -> str:
    """Return letters, marks and digits in lower case; punctuation, symbols and controls are dropped."""
    kept = (
        char
        for char in unicodedata.normalize("NFC", text).lower()
        if unicodedata.category(char)[0] in "LMN" or (keep_spaces and char.isspace())
    )
    # What is left of an emoji is an invisible joiner or selector, which is no letter.
    return "".join(char for char in kept if not 0xFE00 <= ord(char) <= 0xFE0F and char != "\u20e3")


def _fbc(upload: Upload) -> str | None:
    """Return the click id as Meta's cookie has it: the cookie's own, else built from the address's fbclid."""
    cookie = _whole(_FBC, upload.click_ids.get("_fbc"))
    if cookie is not None:
        return cookie
    fbclid = _whole(_FBCLID, upload.click_ids.get("fbclid"))
    if fbclid is None:
        return None
    return f"fb.1.{_milliseconds(upload.clicked_at or upload.occurred_at)}.{fbclid}"


def _whole(pattern: re.Pattern[str], value: str | None) -> str | None:
    text = (value or "").strip()
    return text if pattern.fullmatch(text) else None


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _address(value: str | None) -> str | None:
    try:
        address = ipaddress.ip_address((value or "").strip())
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified or any(address in net for net in _AT_HOME):
        return None
    return str(address)
