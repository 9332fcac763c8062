"""Ids of other systems as they are shown to whoever may not see phone numbers in clear. Pure."""

import re
from typing import Final

# So many digits without a letter between them may be a phone number.
FEWEST: Final = 7
_EMAIL: Final = re.compile(r"[^\s@<>\"',;:]+@[^\s@<>\"',;:]+")
_NUMBER: Final = re.compile(rf"\+?\d(?:[\s()./-]*\d){{{FEWEST - 1},}}")


def masked_id(id_: str) -> str:
    """Return the id with what looks like an e-mail address or a phone number hidden in its middle.

    `anna@example.com` becomes `a•••@e•••.com`, `+39 347 1234567` becomes `+39 34• •••••67`.
    """
    return _NUMBER.sub(_hide_number, _EMAIL.sub(_hide_email, id_))


def _hide_email(found: re.Match[str]) -> str:
    name, _, host = found.group().partition("@")
    first, dot, last = host.rpartition(".")
    return f"{name[:1]}•••@{(first or last)[:1]}•••{dot}{last if first else ''}"


def _hide_number(found: re.Match[str]) -> str:
    digits = [place for place, mark in enumerate(found.group()) if mark.isdigit()]
    # A short one shows fewer of its digits.
    hidden = set(digits[min(4, len(digits) - 5) : -2])
    return "".join("•" if place in hidden else mark for place, mark in enumerate(found.group()))
