"""A form as it was typed: drawn again with each problem beside the field it belongs to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import request

from calltrack.dashboard.access import Here, require_password
from calltrack.kernel.errors import BadFields, BadInput, Conflict, NotAllowed


class WrongForm(Exception):
    """A field cannot be stored: the transaction is rolled back and the form drawn again."""


@dataclass
class Typed:
    """What somebody typed into the form `which` of a page, and what is wrong with it."""

    which: str
    values: Mapping[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    status: int = 400

    def text(self, name: str) -> str:
        """Return what was typed into a field; nothing when the field is missing."""
        return self.values.get(name, "")

    def whole(self, name: str) -> int:
        """Read a whole number.

        Raises:
            BadInput: it is none.
        """
        text = self.text(name).strip()
        if not (text.isascii() and text.isdecimal() and len(text) <= 9):
            raise BadInput("Write a whole number.")
        return int(text)

    @contextmanager
    def about(self, name: str) -> Iterator[None]:
        """Keep a refusal inside the block beside the field `name`, or the fields it names itself.

        What is wrong with several fields together stands under the name "", above the form.

        Raises:
            WrongForm: something was refused.
        """
        try:
            yield
        except BadFields as problem:
            self.problems |= problem.fields
            raise WrongForm from None
        except (BadInput, Conflict, NotAllowed) as problem:
            self.problems[name] = str(problem)
            self.status = 403 if isinstance(problem, NotAllowed) else 400
            raise WrongForm from None

    def confirm(self, here: Here) -> None:
        """Ask for the password unless it was given lately.

        Raises:
            WrongForm: it is missing or wrong.
        """
        with self.about("password"):
            require_password(here)


def typed(which: str) -> Typed:
    """Return the form that was sent; what is longer than any field of ours was not typed by a person."""
    return Typed(which, {name: value[:20_000] for name, value in request.form.items()})
