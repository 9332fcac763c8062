"""What the words, numbers and addresses of a call plan must look like; each check raises ValueError."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
LANGUAGE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
# User, host, port, transport; what a header in the address could smuggle in is left out on purpose.
SIP = re.compile(
    r"sips?:[A-Za-z0-9._~+!$'()*-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
    r"(?::[0-9]{1,5})?(?:;transport=(?:udp|tcp|tls))?"
)
LONGEST_TEXT = 4000


def check_number(name: str, number: str) -> None:
    """Refuse what is no telephone number in E.164."""
    if not E164.fullmatch(number):
        raise ValueError(f"{name} must be an E.164 number such as +390612345678, not {number!r}")


def check_address(name: str, address: str) -> None:
    """Refuse what is neither a telephone number nor a SIP address."""
    if not address.startswith("sip"):
        check_number(name, address)
    elif not SIP.fullmatch(address):
        raise ValueError(f"{name} must look like sip:office@pbx.example;transport=tls, not {address!r}")


def check_text(name: str, text: str | None) -> None:
    """Refuse a text nobody can hear, or an endless one; None is no text."""
    if text is not None and not (can_be_said(text) and len(text) <= LONGEST_TEXT):
        raise ValueError(f"{name} must have 1 to {LONGEST_TEXT} characters with words among them, or be None")


def can_be_said(text: str) -> bool:
    """Tell whether a text has at least one letter or digit: anything else is silence on the telephone."""
    return any(mark.isalnum() for mark in text)


def check_language(language: str | None) -> None:
    """Refuse what is no language tag with its country; None leaves the choice to the carrier."""
    if language is not None and not LANGUAGE.fullmatch(language):
        raise ValueError(f"language must look like it-IT, not {language!r}")


def check_seconds(name: str, seconds: int, least: int, most: int) -> None:
    """Refuse a time outside its limits."""
    if not least <= seconds <= most:
        raise ValueError(f"{name} must be between {least} and {most}, not {seconds}")


def check_url(name: str, url: str | None) -> None:
    """Refuse an address a carrier cannot ask; None is no address."""
    if url is None:
        return
    if not (url.isascii() and url.isprintable() and " " not in url and len(url) <= 2000):
        raise ValueError(f"{name} must be a plain ASCII address, because carriers sign it byte by byte")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{name} must be an absolute http or https address, not {url!r}")
