"""The retry rules a web address may carry in its fragment (`#rc=2&rp=ct,5xx`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

Failure = Literal["ct", "rt", "4xx", "5xx"]
LIMITS = {"rc": (0, 5), "ct": (100, 10_000), "rt": (100, 15_000), "tt": (100, 15_000)}


@dataclass(frozen=True)
class Overrides:
    """How often and after which failures a request is made again, and how long each may take."""

    retries: int = 1
    retried: frozenset[str] = frozenset({"ct"})
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 15.0

    def allows(self, failure: Failure, attempt: int) -> bool:
        """Whether the request is made again after this failure of the given attempt (from 1)."""
        return attempt <= self.retries and (failure in self.retried or "all" in self.retried)


def overrides_of(url: str) -> Overrides:
    """Read the rules of an address; values out of range count as not given, as the carrier does."""
    given = dict(parse_qsl(urlsplit(url).fragment))
    numbers: dict[str, int] = {}
    for name, (least, most) in LIMITS.items():
        value = given.get(name, "")
        if value.isascii() and value.isdigit() and least <= int(value) <= most:
            numbers[name] = int(value)
    retried = frozenset(given["rp"].split(",")) if given.get("rp") else Overrides.retried
    return Overrides(
        retries=numbers.get("rc", 1),
        retried=retried,
        connect_seconds=numbers.get("ct", 5000) / 1000,
        read_seconds=numbers.get("rt", 15_000) / 1000,
        total_seconds=numbers.get("tt", 15_000) / 1000,
    )
