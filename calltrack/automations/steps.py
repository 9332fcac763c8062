"""How an automatic step ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["done", "skipped", "waiting", "failed"]


@dataclass(frozen=True)
class Step:
    """The state to store, what is said of it, and when it is tried again (`waiting`)."""

    state: State
    words: str
    due_at: datetime | None = None


def done(words: str) -> Step:
    """It was done."""
    return Step("done", words)


def skipped(words: str) -> Step:
    """It was left out, for a reason."""
    return Step("skipped", words)


def later(at: datetime, words: str) -> Step:
    """It is tried again at a moment."""
    return Step("waiting", words, at)


def failed(words: str) -> Step:
    """It could not be done."""
    return Step("failed", words)
