"""What a number is for, as one choice in a form: `pool:<id>`, `overflow:<id>` or `static:<location id>`."""

from collections.abc import Sequence

from calltrack.accounts.queries import LocationRow
from calltrack.dashboard.typed import Typed
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import parse_id
from calltrack.numbers.queries import NumberRow, PoolRow
from calltrack.numbers.use import Use, use_of


def use_choices(
    pools: Sequence[PoolRow], branches: Sequence[LocationRow], *, now: NumberRow | None = None
) -> list[tuple[str, str]]:
    """Return what may be chosen; a pool has one overflow number."""
    found = [(f"pool:{one.id.hex}", f"{one.name}: visitors of the website, in turn") for one in pools]
    found += [(f"static:{one.id.hex}", f"{one.name}: one source, such as a billboard") for one in branches]
    mine = now.pool_id if now is not None and now.kind == "overflow" else None
    found += [
        (f"overflow:{one.id.hex}", f"{one.name}: shared by visitors while all of the pool are on screen")
        for one in pools
        if not one.overflow_numbers or one.id == mine
    ]
    return found


def choice_of(row: NumberRow) -> str:
    """Return the choice that stands for a number's use now."""
    subject = row.location_id if row.kind == "static" or row.pool_id is None else row.pool_id
    return f"{row.kind}:{subject.hex}"


def use_typed(form: Typed) -> Use:
    """Read the choice and, for one source, its words.

    Raises:
        WrongForm: beside the field that is wrong.
    """
    with form.about("use"):
        kind, _, subject = form.text("use").partition(":")
        if not subject:
            raise BadInput("Choose what the number is for.")
        subject_id = parse_id(subject)
    words = (form.text("source"), form.text("medium"), form.text("campaign"))
    with form.about("source" if kind == "static" else "use"):
        if kind == "static":
            return use_of(kind, None, subject_id, *words)
        return use_of(kind, subject_id, None, "", "", "")
