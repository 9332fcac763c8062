"""Late callers (F22): a number was given to another visitor a minute ago, and the visitor before calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from calltrack.attribution.model import Attribution
from calltrack.attribution.service import attribute_call
from calltrack.calls.model import Call
from calltrack.numbers.model import Lease
from tests.builders import make_lease, make_visit
from tests.chaos.call_rig import Rig

LOOKED_AT = 26
Shown = dict[UUID, tuple[UUID, UUID]]


@contextmanager
def shown_to_two(rig: Rig) -> Iterator[Callable[[list[str]], list[str]]]:
    """Show every number to one visitor until some minutes ago and to another since a minute.

    Yields what looks at the verdicts on calls: the visitor who saw the number last is named first, the one
    before stays a candidate, and the verdict is not certain.
    """
    now = rig.services.clock()
    shown: Shown = {}
    for number_id in rig.company.number_ids:
        before = make_visit(rig.services, rig.company, at=now - timedelta(seconds=600), seconds=300)
        after = make_visit(rig.services, rig.company, at=now - timedelta(seconds=60), seconds=60)
        for visit in (before, after):
            make_lease(rig.services, rig.company, visit, number_id)
        shown[number_id] = (before.id, after.id)
    try:
        yield lambda sids: _look(rig, shown, sids[:LOOKED_AT])
    finally:  # Phones would hear of these visitors in the calls of other faults.
        with rig.services.db.tenant(rig.company.id) as session:
            session.execute(delete(Lease).where(Lease.company_id == rig.company.id))


def _look(rig: Rig, shown: Shown, sids: list[str]) -> list[str]:
    found = []
    with rig.services.db.tenant(rig.company.id) as session:
        for call in list(session.scalars(select(Call).where(Call.call_sid.in_(sids)))):
            attribute_call(session, rig.company.id, call.id, rig.services.clock())
            verdict = session.scalars(
                select(Attribution).where(Attribution.call_id == call.id, Attribution.is_current)
            ).one()
            before, after = shown[call.number_id]
            named = [one[0] for one in verdict.candidates]
            if named[:1] != [after.hex] or before.hex not in named:
                found.append(f"{call.call_sid}: the candidates of a late call are {named}")
            elif not 0.5 < (verdict.probability or 0) < 0.99:
                found.append(f"{call.call_sid}: a late call is sure to {verdict.probability}")
    return found
