"""Persons and what binds callers and visitors to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class Person(Base):
    """Somebody who called or visited, under one id."""

    __tablename__ = "person"
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))


class PersonCaller(Base):
    """A caller's number (keyed hash) belongs to a person; `phone` seals it (`person_caller.phone`)."""

    __tablename__ = "person_caller"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "person_id"], ["person.company_id", "person.id"], ondelete="CASCADE"
        ),
        Index("ix_person_caller_person", "company_id", "person_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    caller_hash: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    phone: Mapped[bytes]
    linked_at: Mapped[datetime]


class PersonVisitor(Base):
    """A visitor's browser belongs to a person, known through a call, with that call's probability."""

    __tablename__ = "person_visitor"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "person_id"], ["person.company_id", "person.id"], ondelete="CASCADE"
        ),
        Index("ix_person_visitor_person", "company_id", "person_id"),
        Index("ix_person_visitor_call", "company_id", "call_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    visitor_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    call_id: Mapped[UUID]
    probability: Mapped[float]
    linked_at: Mapped[datetime]
