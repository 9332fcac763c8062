"""Erasing visitors and phones from verdicts and links; sums per campaign and source stay what they were."""

from collections.abc import Collection, Iterator
from uuid import UUID

from sqlalchemy import CompoundSelect, Text, and_, bindparam, delete, select, text, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.attribution.link_model import PhoneLink
from calltrack.attribution.links import forget_phones, forget_visitors
from calltrack.attribution.model import Attribution
from calltrack.attribution.posterior import without
from calltrack.attribution.stored import columns_of, posterior_of
from calltrack.calls.model import Call
from calltrack.infra.rows import one_of
from calltrack.infra.turns import take_turn
from calltrack.visits.model import VisitorPhone

BATCH = 500
# Shared by whoever writes down what it read of callers and visitors.
ERASING = "erasing"

# Whoever was shown a number is a candidate of calls to it, and of those that carry them on: all later ones.
_CALLS_TO_THEIR_NUMBERS = text(
    """
    WITH shown AS MATERIALIZED (
        SELECT l.number_id, min(l.shown_from) AS since FROM visit v
        JOIN lease l ON l.company_id = v.company_id AND l.visit_id = v.id
        WHERE v.company_id = (SELECT CAST(:company_id AS uuid)) AND v.visitor_id = ANY(:visitors)
        GROUP BY l.number_id
    )
    SELECT c.id FROM shown
    JOIN call c ON c.company_id = (SELECT CAST(:company_id AS uuid)) AND c.number_id = shown.number_id
     AND c.started_at >= shown.since
    """
).bindparams(bindparam("visitors", type_=ARRAY(Uuid())))


def erase_alone(session: Session, company_id: UUID) -> None:
    """Wait for verdicts and links in the making, and let none begin before this transaction ends.

    What they read of a person before would be written again after it was erased. To be called first of all.
    """
    take_turn(session, ERASING, company_id)


def erase_from_verdicts(
    session: Session, company_id: UUID, call_ids: Collection[UUID], visitor_ids: Collection[UUID]
) -> None:
    """Take visitors out of all verdicts that name them, and their phones' links with them.

    `call_ids` are the person's own calls. To be called while visits still carry the visitors' ids.
    """
    forget_visitors(session, company_id, visitor_ids)
    _forget_told_by(session, company_id, call_ids)
    if not visitor_ids:
        return
    asked = {"company_id": company_id, "visitors": list(visitor_ids)}
    numbers = session.scalars(_CALLS_TO_THEIR_NUMBERS, asked).all()
    for rows in _naming(session, company_id, sorted({*call_ids, *numbers}), visitor_ids):
        for row in rows:
            _erase_from(row, visitor_ids)
        session.flush()


def erase_phones(session: Session, company_id: UUID, hashes: Collection[bytes]) -> None:
    """Forget phones (their hashes), and whose they were."""
    forget_phones(session, company_id, hashes)


def forget_old_phones(session: Session, company_id: UUID, hashes: Collection[bytes]) -> None:
    """Forget those of the phones that neither a call nor a form of the company names any more."""
    asked = list(hashes)
    named: CompoundSelect[tuple[bytes | None]] = union(
        select(Call.caller_hash).where(Call.company_id == company_id, Call.caller_hash.in_(asked)),
        select(VisitorPhone.phone_hash).where(
            VisitorPhone.company_id == company_id, VisitorPhone.phone_hash.in_(asked)
        ),
    )
    forget_phones(session, company_id, set(asked) - set(session.scalars(named)))


def _forget_told_by(session: Session, company_id: UUID, call_ids: Collection[UUID]) -> None:
    session.execute(
        delete(PhoneLink).where(PhoneLink.company_id == company_id, one_of(PhoneLink.told_by, call_ids))
    )


# Ids stand there in hex, of old with dashes. One look at the words, however many visitors are looked for.
_NAMES_ONE_OF = text(
    """
    EXISTS (SELECT FROM regexp_matches(
                replace(CAST(attribution.candidates AS text), '-', ''), '[0-9a-f]{32}', 'g') AS named (id)
            WHERE named.id[1] = ANY(:hexes))
    """
).bindparams(bindparam("hexes", type_=ARRAY(Text())))


def _naming(
    session: Session, company_id: UUID, call_ids: list[UUID], visitor_ids: Collection[UUID]
) -> Iterator[list[Attribution]]:
    """Yield the verdicts on these calls, not only present ones, in which a visitor's id stands."""
    told = _NAMES_ONE_OF.bindparams(hexes=[id_.hex for id_ in visitor_ids])
    for start in range(0, len(call_ids), BATCH):
        of = Attribution.call_id.in_(call_ids[start : start + BATCH])
        found = session.scalars(
            select(Attribution).where(and_(Attribution.company_id == company_id, of, told))
        )
        yield list(found)


def _erase_from(row: Attribution, visitor_ids: Collection[UUID]) -> None:
    found = posterior_of(row)
    named = {one.visitor for one in found.candidates} | found.by_visitor.keys()
    for visitor in named & {id_.hex for id_ in visitor_ids}:
        found = without(found, visitor)
    kept = columns_of(found)
    for name in ("candidates", "by_campaign", "by_source", "rest"):
        setattr(row, name, kept[name])
