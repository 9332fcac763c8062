"""What-if: another split of the week, judged by the curves of now."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.budgets.making import ask
from calltrack.budgets.showing import Json, Printer, tried
from calltrack.budgets.what_if import what_if
from calltrack.kernel.errors import BadFields


def try_split(
    session: Session,
    company_id: UUID,
    wanted_minor: Mapping[str, int],
    now: datetime,
    *,
    strict: bool = False,
) -> Json | None:
    """Return what a week with these amounts would bring, by budgets' ids; those left out keep today's.

    None where nothing is known to go by. Amounts in the answer are units of the currency.

    Raises:
        BadFields: `strict` is asked for, and an id is none of a budget.
    """
    asked = ask(session, company_id, now)
    if asked is None or asked.seen is None or asked.seen.curves is None:
        return None
    history, ids = asked.seen.history, {unit.name: unit.id for unit in asked.weeks.units}
    if strict and (unknown := sorted(set(wanted_minor) - set(ids.values()))):
        words = f"There is no budget {unknown[0][:40]!r}; the advice lists their ids."
        raise BadFields(words, {"amounts": "An id is unknown."})
    split = [
        wanted_minor.get(ids[name], today) for name, today in zip(history.names, history.today(), strict=True)
    ]
    to = Printer(history.names, asked.currency)
    found = tried(what_if(history, asked.seen.curves, split), split, to)
    return found | {
        "total": to.amount(sum(split)),
        "total_today": to.amount(sum(history.today())),
        "gain_in": "value" if asked.seen.has_values else "conversions",
        "counts": asked.weeks.counts,
        "currency": asked.currency,
    }
