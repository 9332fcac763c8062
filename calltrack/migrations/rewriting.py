"""Changes places of a function where it stands in the database; all else of it stays, its rights included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alembic import op
from sqlalchemy import text

_WRITTEN = text(
    "SELECT pg_get_functiondef(oid) FROM pg_proc "
    "WHERE proname = :name AND pronamespace = 'public'::regnamespace"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A piece of a function's text; it must be there so many times."""

    before: str
    after: str
    times: int = 1


def rewrite(functions: Mapping[str, Sequence[Place]]) -> None:
    """Put the new text at these places of the functions, in their order.

    Raises:
        ValueError: a function is another one than the revision knows; the text names what is missing.
    """
    connection = op.get_bind()
    for name, places in functions.items():
        written = connection.scalars(_WRITTEN, {"name": name}).one()
        for place in places:
            if written.count(place.before) != place.times:
                raise ValueError(f"{name}: not there {place.times} times: {place.before.strip()}")
            written = written.replace(place.before, place.after)
        connection.exec_driver_sql(written.replace("%", "%%"))


def restore(functions: Mapping[str, Sequence[Place]]) -> None:
    """Take such a change back."""
    rewrite(
        {
            name: [Place(place.after, place.before, place.times) for place in reversed(places)]
            for name, places in functions.items()
        }
    )
