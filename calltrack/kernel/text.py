"""Text that people write in several lines: kept as they meant it, without marks that only deceive."""

from typing import Final

# They join letters of some scripts and the parts of many emoji; Python does not call them printable.
JOINERS: Final = "\u200c\u200d"


def as_written(text: str) -> str:
    """Return a text without invisible marks: its line breaks stay, every other blank becomes a space."""
    return "".join(map(_kept, text.replace("\r\n", "\n"))).strip()


def _kept(mark: str) -> str:
    if mark == "\n" or mark.isprintable() or mark in JOINERS:
        return mark
    return " " if mark.isspace() else ""
