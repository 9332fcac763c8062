"""CRM ids of persons, who was joined with whom, and touchpoints that other systems told."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class PersonKey(Base):
    """A CRM's id for a person (keyed hash of system and id); `key` seals the id (`person_key.key`)."""

    __tablename__ = "person_key"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "person_id"], ["person.company_id", "person.id"], ondelete="CASCADE"
        ),
        Index("ix_person_key_person", "company_id", "person_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    system: Mapped[str]
    key: Mapped[bytes]
    linked_at: Mapped[datetime]
    linked_by: Mapped[str]


class PersonJoin(Base):
    """One person became part of another: what had been the absorbed one's, so that it can be taken apart.

    via: call (a verdict bound both), key (one CRM id), email, phone (typed in browsers of both), hand.
    `rules_number`: the version of the rules that joined them; NULL: somebody did, or it was before there were
    versions.
    """

    __tablename__ = "person_join"
    __table_args__ = (
        Index("ix_person_join_kept", "company_id", "kept_id"),
        Index("ix_person_join_absorbed", "company_id", "absorbed_id"),
        Index(
            "ix_person_join_rules",
            "company_id",
            "rules_number",
            postgresql_where=text("rules_number IS NOT NULL AND undone_at IS NULL"),
        ),
        CheckConstraint("via IN ('call', 'key', 'email', 'phone', 'hand')", name="via"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kept_id: Mapped[UUID]
    absorbed_id: Mapped[UUID]
    absorbed_since: Mapped[datetime]
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    via: Mapped[str]
    joined_at: Mapped[datetime]
    joined_by: Mapped[str] = mapped_column(server_default=text("''"))
    callers: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    visitors: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    keys: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    rules_number: Mapped[int | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str] = mapped_column(server_default=text("''"))


class Touchpoint(Base):
    """Something another system saw a person do: a shop visit, an e-mail opened, a chat.

    Whose it is follows from its hashes when it is read, so that it may come before its person is known.
    `text` seals the words (`touchpoint.text`); `fingerprint` tells a repetition from
    another one of that name.
    """

    __tablename__ = "touchpoint"
    __table_args__ = (
        Index(
            "uq_touchpoint_external",
            "company_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id <> ''"),
        ),
        *(
            Index(
                f"ix_touchpoint_{column.partition('_')[0]}",
                "company_id",
                column,
                postgresql_where=text(f"{column} IS NOT NULL"),
            )
            for column in ("phone_hash", "email_hash", "key_hash", "visitor_id")
        ),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(server_default=text("''"))
    fingerprint: Mapped[bytes]
    kind: Mapped[str]
    at: Mapped[datetime]
    told_at: Mapped[datetime]
    told_by: Mapped[str]
    phone_hash: Mapped[bytes | None]
    email_hash: Mapped[bytes | None]
    key_hash: Mapped[bytes | None]
    visitor_id: Mapped[UUID | None]
    text: Mapped[bytes | None]
