"""What a platform that tells spend is: the questions it answers, over the connection of a destination.

A source knows no database and no clock. `Line` carries its requests and gives back answers only; whatever
else comes of them is a `Trouble`, classed and in words.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, ClassVar, Protocol

from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.spend.told import AccountTold, ClickTold, Days, PartTold, Spent, Trouble

Waiting = Mapping[str, Any]
"""A report that a platform is still making: what the source needs to ask for it again."""


class Line(Protocol):
    """Carries a source's requests; the access token is put in by `build`."""

    def ask(self, build: Callable[[str | None], HttpRequest]) -> HttpAnswer:
        """Send one request; returns an answer of any status.

        Raises:
            Trouble: no access is to be had, or no answer came.
        """

    def fetch(self, url: str) -> HttpAnswer:
        """Fetch a file the platform has made, without the access token.

        Raises:
            Trouble: no answer came.
        """


class Source(ABC):
    """One platform; stateless, one instance serves every company."""

    name: ClassVar[str]
    label: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    """Destinations whose access may be used."""
    carrier: ClassVar[str]
    """The destination whose way of asking and of getting access tokens is used."""
    number: ClassVar[str]
    """How people find the account's number."""
    longest: ClassVar[int] = 90
    """Of how many days at most one question asks."""

    @abstractmethod
    def read_number(self, text: str) -> str:
        """Return the account's number as the platform writes it; raises BadInput."""

    def number_in(self, settings: Any) -> str:
        """Return the account's number where the destination's settings hold it already."""
        return ""

    @abstractmethod
    def ask_account(self, line: Line, settings: Any, account: str) -> AccountTold:
        """Ask for name, currency and time zone of the account; raises Trouble."""

    @abstractmethod
    def ask_days(
        self, line: Line, settings: Any, account: str, days: Days, waiting: Waiting, *, zone: str
    ) -> Spent | Waiting:
        """Ask what each campaign cost each day: all of it, or what to come back with; raises Trouble.

        `days` are those of the account's time zone `zone`; the last may be today there.
        """

    def ask_parts(self, line: Line, settings: Any, account: str, days: Days) -> Sequence[PartTold] | None:
        """Ask what ad groups and keywords cost each day; None: this is not read. Raises Trouble."""
        return None

    def ask_clicks(self, line: Line, settings: Any, account: str, day: date) -> Sequence[ClickTold] | None:
        """Ask what was behind each click of a day; None: the platform does not tell. Raises Trouble."""
        return None


def trouble_of(outcome: Outcome, label: str) -> Trouble:
    """Return what an outcome means for reading: the words of uploads are put right."""
    if outcome.class_ in (Class.LATER, Class.UNKNOWN, Class.OPEN):
        said = f"{label} did not answer." if outcome.class_ is Class.UNKNOWN else outcome.message
        return Trouble("later", f"{said} Nothing to do: it is asked again by itself.", outcome.after)
    if outcome.class_ is Class.CONFIG:
        step = f"Repair the access under Destinations ({label}), then press Read now. Nothing is lost."
        return Trouble("paused", f"{outcome.message} {step}")
    words = f"{label} refused the question: {outcome.message}"
    return Trouble(
        "bug", f"{words} Ask whoever runs calltrack; it is asked again in a day.", timedelta(days=1)
    )


def too_much(label: str) -> Trouble:
    """Return that an answer was too long: fewer days are asked for at once."""
    return Trouble("smaller", f"{label} has more to tell of these days than one answer holds.")


def unreadable(label: str) -> Trouble:
    """Return that an answer could not be read."""
    return Trouble("later", f"{label} answered something that cannot be read. It is asked again by itself.")


def worded(outcome: Outcome, words: str) -> Outcome:
    """Return the outcome in other words."""
    return replace(outcome, message=words)
