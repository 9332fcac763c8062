"""Keyset paging: a cursor is the id of the last row shown; ids sort by time, newest first."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

LARGEST_PAGE = 200


class Page(BaseModel):
    """The words every list understands."""

    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="Rows in one answer.")] = 50
    cursor: Annotated[UUID | None, Field(description="`next` of the answer before.")] = None


def one_page(
    query: Select[*tuple[Any, ...]], id_: InstrumentedAttribute[UUID], page: Page
) -> Select[*tuple[Any, ...]]:
    """Return the query for one page and one row more, which tells whether another page follows."""
    if page.cursor:
        query = query.where(id_ < page.cursor)
    return query.order_by(id_.desc()).limit(page.limit + 1)


def cut(rows: list[Any], page: Page) -> tuple[list[Any], str | None]:
    """Split what `one_page` found into the page's rows and the cursor of the next page."""
    if len(rows) <= page.limit:
        return rows, None
    kept = rows[: page.limit]
    return kept, kept[-1]["id"] if isinstance(kept[-1], dict) else str(kept[-1].id)
