"""Many rows by one short statement, each column as one array; reaching rows by their key."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Uuid, any_, bindparam, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from calltrack.infra.db import Base

T = TypeVar("T")

_PLANS = ("hashjoin", "mergejoin", "seqscan")
_BY_INDEX, _AS_USUAL = (
    text("; ".join(f"SET LOCAL enable_{plan} = {way}" for plan in _PLANS)) for way in ("off", "on")
)


@contextmanager
def by_index(session: Session) -> Iterator[None]:
    """Have what is read inside joined row by row, by index.

    A page is some rows and their neighbours by id: reading whole tables never pays, however few rows
    PostgreSQL expects a filter to leave.
    """
    session.execute(_BY_INDEX)
    yield
    session.execute(_AS_USUAL)


def insert_new(
    session: Session,
    table: type[Base],
    rows: Sequence[Mapping[str, Any]],
    unique: tuple[str, ...],
    returned: InstrumentedAttribute[Any],
) -> list[Any]:
    """Insert the rows whose `unique` columns are not there yet; returns one column of those inserted.

    All rows name the same columns. They are written in the order given.
    """
    if not rows:
        return []
    names = tuple(rows[0])
    statement = _statement(table, names, unique, returned.key)
    values = {f"all_{name}": [row[name] for row in rows] for name in names}
    return list(session.execute(statement, values).scalars().all())


def hidden(company_id: UUID) -> ScalarSelect[UUID]:
    """Return the company as `(SELECT :company_id)`: while a plan is made it counts as one of average size.

    PostgreSQL takes a company that its statistics do not know yet for one of a single row. Any index that
    begins with the company then seems as good as the one with the whole key, and each look-up reads them all.
    """
    return select(literal(company_id, Uuid())).scalar_subquery()


def one_of(column: InstrumentedAttribute[T], values: Collection[Any]) -> ColumnElement[bool]:
    """Return `column = ANY(array)`: one parameter however many values there are.

    `IN` takes one for each value, and PostgreSQL takes 65,535 parameters.
    """
    return column == any_(literal(list(values), ARRAY(column.type)))


@lru_cache(maxsize=64)
def _statement(table: type[Base], names: tuple[str, ...], unique: tuple[str, ...], returned: str) -> Any:
    columns = [table.__table__.columns[name] for name in names]
    arrays = [bindparam(f"all_{column.name}", type_=ARRAY(column.type)) for column in columns]
    given = func.unnest(*arrays).table_valued(*names, name="given").render_derived()
    return (
        insert(table.__table__)  # type: ignore[arg-type]  # SQLAlchemy types `__table__` as any selectable
        .from_select(names, select(*(given.c[name] for name in names)))
        .on_conflict_do_nothing(index_elements=list(unique))
        .returning(table.__table__.columns[returned])
    )
