"""What a customer list is at an ad platform: the one interface between audiences and every platform.

An audience platform belongs to a destination that is connected already: its settings and its sign-in are that
destination's. It is pure, as destinations are: bytes and values in, requests and outcomes out. Adding
somebody twice and removing somebody who is not there change nothing anywhere, so an unknown outcome is
told again.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Literal

from calltrack.destinations.outcomes import Outcome, Reading
from calltrack.infra.http import HttpAnswer, HttpRequest

Action = Literal["add", "remove"]


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """What a platform said of one request, or later of its verdict.

    `received` and `invalid` count identifiers; None where the platform does not tell. `match_rate` is in the
    platform's words, such as "61 to 70 %": how many of the members it knows.
    """

    outcomes: Reading
    received: int | None = None
    invalid: int | None = None
    match_rate: str = ""

    @classmethod
    def all_the_same(cls, outcome: Outcome, count: int) -> "ListAnswer":
        """Return one outcome for each of `count` members."""
        return cls(outcome.about(count))


@dataclass(frozen=True, slots=True)
class Batch:
    """What a request needs beside its members: the list, our name for this request, how many it carries."""

    action: Action
    list_id: str
    number: int
    """Our own number of the request, below 2^63: the same for every try of it."""


class AudiencePlatform(ABC):
    """Customer lists of one platform; subclasses are stateless and one instance serves every company."""

    destination: ClassVar[str]
    """Name of the destination whose connection is used."""
    label: ClassVar[str]
    list_label: ClassVar[str]
    list_help: ClassVar[str]
    """Where in the platform a person finds the list's number, and how the list is made."""
    max_members: ClassVar[int] = 10_000
    smallest: ClassVar[int] = 100
    """Below so many matched members the platform shows no ads to the list."""
    smallest_note: ClassVar[str]
    first_poll: ClassVar[timedelta | None] = None
    """How long after a receipt the verdict is asked for; None: the platform answers at once."""

    @abstractmethod
    def freeze(self, phone_e164: str, settings: Any) -> bytes | None:
        """Return the identifier as this platform takes it, a hash; None: the number cannot be used here."""

    def list_id(self, text: str) -> str:
        """Read the list's number as a person typed it; raises ValueError when it cannot be one."""
        digits = text.strip().replace(" ", "")
        if not (digits.isascii() and digits.isdigit() and 1 <= len(digits) <= 20):
            raise ValueError(f"{self.list_label}: write its number, digits only. {self.list_help}")
        return digits

    @abstractmethod
    def request(
        self, batch: Batch, members: Sequence[bytes], settings: Any, token: str | None
    ) -> HttpRequest:
        """Return the request that adds or removes the frozen members."""

    @abstractmethod
    def read(self, batch: Batch, answer: HttpAnswer, count: int) -> ListAnswer:
        """Return one outcome for each member, in the order they were sent."""

    def status_request(self, request_id: str, settings: Any, token: str | None) -> HttpRequest:
        """Return the question for the verdict on an accepted request."""
        raise NotImplementedError(f"{self.destination} answers at once")

    def read_status(self, answer: HttpAnswer, count: int) -> ListAnswer:
        """Return one outcome for each member of the accepted request."""
        raise NotImplementedError(f"{self.destination} answers at once")
