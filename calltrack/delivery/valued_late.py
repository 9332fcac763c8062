"""A conversion that a platform does not take without a value: once its value is known, it goes after all."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.delivery.model import Delivery
from calltrack.delivery.uploads import Change

NO_VALUE: Final = "NO_VALUE"

# The conversions as they stand now: the value that was told last, if they still count. As in `plan.py`, the
# company is hidden while the plan is made.
_WORTH = text(
    """
    SELECT co.id, latest.value_minor, latest.currency FROM conversion co
    CROSS JOIN LATERAL (
        SELECT ch.value_minor, ch.currency FROM conversion_change ch
        WHERE ch.company_id = co.company_id AND ch.conversion_id = co.id
        ORDER BY ch.sequence DESC LIMIT 1) latest
    WHERE co.company_id = (SELECT :company_id) AND co.id = ANY(:ids) AND co.status = 'counted'
      AND latest.value_minor IS NOT NULL
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_KEPT_BACK = text(
    """
    SELECT d.id FROM delivery d
    WHERE d.company_id = (SELECT :company_id) AND d.conversion_id = ANY(:ids) AND d.sequence = 0
      AND d.state = 'withheld' AND d.preflight_code = :code AND NOT d.is_demo
    ORDER BY d.id FOR UPDATE SKIP LOCKED
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


def valued(session: Session, company_id: UUID, changes: Mapping[UUID, Change]) -> dict[UUID, Change]:
    """Return the changes; a conversion that was first told without a value carries the one it has now."""
    bare = [one for one in changes.values() if one.sequence == 0 and one.upload.value_minor is None]
    if not bare:
        return dict(changes)
    ids = {one.conversion_id for one in bare}
    rows = session.execute(_WORTH, {"company_id": company_id, "ids": list(ids)})
    worth = {row.id: (row.value_minor, row.currency) for row in rows}
    fresh = {}
    for one in bare:
        if one.conversion_id in worth:
            value, currency = worth[one.conversion_id]
            upload = replace(one.upload, value_minor=value, currency=currency)
            fresh[one.id] = replace(one, upload=upload)
    return {**changes, **fresh}


def kept_back(session: Session, company_id: UUID, conversion_ids: Collection[UUID]) -> list[Delivery]:
    """Return, locked, the deliveries of these conversions that wait for nothing but a value."""
    values = {"company_id": company_id, "ids": list(conversion_ids), "code": NO_VALUE}
    ids = list(session.scalars(_KEPT_BACK, values))
    return [session.get_one(Delivery, (company_id, id_)) for id_ in ids]
