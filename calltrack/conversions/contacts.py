"""What a CRM or a file knows of the person behind a call: sealed beside it, for the match at ad platforms."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.conversions.sources_model import Contact as ContactRow
from calltrack.conversions.told import Contact
from calltrack.infra.crypto import Vault

SEALED = "contact.sealed"

# A person's calls share what is known of him; what was told last of a part wins. `(SELECT :company_id)` hides
# the company while the plan is made: one that the statistics do not know would be searched row by row.
_OF_CALLS = text(
    """
    SELECT asked.call_id, c.sealed, c.told_at, true AS own
    FROM unnest(:ids) AS asked (call_id)
    CROSS JOIN LATERAL (
        SELECT * FROM contact one
        WHERE one.company_id = (SELECT :company_id) AND one.call_id = asked.call_id LIMIT 1) c
    UNION ALL
    SELECT asked.call_id, c.sealed, c.told_at, false
    FROM unnest(:ids) AS asked (call_id)
    CROSS JOIN LATERAL (
        SELECT one.person_id FROM conversion one
        WHERE one.company_id = (SELECT :company_id) AND one.call_id = asked.call_id
          AND one.person_id IS NOT NULL OFFSET 0) me
    CROSS JOIN LATERAL (
        SELECT one.call_id FROM conversion one
        WHERE one.company_id = (SELECT :company_id) AND one.person_id = me.person_id
          AND one.call_id <> asked.call_id OFFSET 0) other
    CROSS JOIN LATERAL (
        SELECT * FROM contact one
        WHERE one.company_id = (SELECT :company_id) AND one.call_id = other.call_id LIMIT 1) c
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


def store_contact(
    session: Session, vault: Vault, company_id: UUID, call_id: UUID, contact: Contact, now: datetime
) -> None:
    """Keep what was told of the caller; parts told earlier stay where nothing new was told."""
    if not contact.any:
        return
    present = session.get(ContactRow, (company_id, call_id))
    merged = contact
    if present:
        told = {name: value for name, value in asdict(contact).items() if value}
        merged = replace(open_contact(vault, company_id, present.sealed), **told)
    values = {
        "sealed": vault.seal(company_id, SEALED, json.dumps(asdict(merged), ensure_ascii=False)),
        "email_hash": vault.look_up(company_id, f"email:{merged.email.lower()}") if merged.email else None,
        "told_at": now,
    }
    session.execute(
        insert(ContactRow)
        .values(company_id=company_id, call_id=call_id, **values)
        .on_conflict_do_update(index_elements=["company_id", "call_id"], set_=values)
    )


def contacts_of(
    session: Session, vault: Vault, company_id: UUID, call_ids: Collection[UUID]
) -> Mapping[UUID, Contact]:
    """Return what is known of the callers, by call: told of the call itself, else of the person's others.

    One query for all calls; calls of which nothing is known are missing.
    """
    if not call_ids:
        return {}
    rows = session.execute(_OF_CALLS, {"company_id": company_id, "ids": list(call_ids)}).all()
    found: dict[UUID, Contact] = {}
    for row in sorted(rows, key=_how_near):
        told = open_contact(vault, company_id, row.sealed)
        known = {name: value for name, value in asdict(told).items() if value}
        found[row.call_id] = replace(found.get(row.call_id, Contact()), **known)
    return found


def open_contact(vault: Vault, company_id: UUID, sealed: bytes) -> Contact:
    """Return the contact that `store_contact` sealed."""
    return Contact(**json.loads(vault.open(company_id, SEALED, sealed)))


def _how_near(row: Any) -> tuple[bool, datetime]:
    return (row.own, row.told_at)
