"""Normalise and hash what identifies a person, exactly as each platform documents it.

Every function returns None for a value that is not one: the hash of an empty string never leaves the house,
and a value that already is a SHA-256 hash is passed on, never hashed twice.
"""

import hashlib
import re
import unicodedata

_HASHED = re.compile(r"[0-9a-fA-F]{64}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PUNCTUATION = re.compile(r"[\s().\-/]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_GMAIL = frozenset({"gmail.com", "googlemail.com"})


def sha256(text: str) -> str:
    """Return the SHA-256 of the text in lower-case hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_hashed(value: str) -> bool:
    """Say whether the value already is a SHA-256 in hex."""
    return _HASHED.fullmatch(value) is not None


def google_email(value: str | None) -> str | None:
    """Hash an e-mail address for Google: no white space, lower case; Gmail also without dots and +suffix."""
    if value is None:
        return None
    if is_hashed(value.strip()):
        return value.strip().lower()
    text = _without_space(value).lower()
    if not _EMAIL.fullmatch(text):
        return None
    local, _, domain = text.rpartition("@")
    if domain in _GMAIL:
        local = local.split("+", 1)[0].replace(".", "")
    return sha256(f"{local}@{domain}") if local else None


def plain_email(value: str | None) -> str | None:
    """Hash an e-mail address as Meta, TikTok, LinkedIn and Microsoft take it: trimmed, lower case."""
    if value is None:
        return None
    text = value.strip().lower()
    if is_hashed(text):
        return text
    return sha256(text) if _EMAIL.fullmatch(text) else None


def phone_with_plus(value: str | None) -> str | None:
    """Hash a phone number in E.164 with its plus (Google, TikTok)."""
    return _hashed_phone(value, keep_plus=True)


def phone_digits(value: str | None) -> str | None:
    """Hash the digits of a phone number in E.164, country code first, no plus (Meta, Snap)."""
    return _hashed_phone(value, keep_plus=False)


def _hashed_phone(value: str | None, *, keep_plus: bool) -> str | None:
    if value is None:
        return None
    text = value.strip()
    if is_hashed(text):
        return text.lower()
    # A number without its country, or with the trunk zero of "+44 (0)20", would match somebody else.
    if "(0)" in text:
        return None
    text = _PUNCTUATION.sub("", text)
    if not _E164.fullmatch(text):
        return None
    return sha256(text if keep_plus else text[1:])


def _without_space(value: str) -> str:
    return "".join(char for char in value if not char.isspace() and unicodedata.category(char) != "Cf")
