"""What a CRM or a file knows of the person behind a call: sealed beside it, for the match at ad platforms."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from operator import itemgetter
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
_Told = tuple[datetime, dict[str, Any]]

# A person's calls share what is known of him; what was told last of a part wins. Each person is looked up
# once, however many of the calls are theirs. `(SELECT :company_id)` hides the company while the plan is made:
# one that the statistics do not know would be searched row by row.
_OF_CALLS = text(
    """
    WITH mine AS MATERIALIZED (
        SELECT DISTINCT asked.call_id, me.person_id FROM unnest(:ids) AS asked (call_id)
        CROSS JOIN LATERAL (
            SELECT one.person_id FROM conversion one
            WHERE one.company_id = (SELECT :company_id) AND one.call_id = asked.call_id
              AND one.person_id IS NOT NULL OFFSET 0) me
    ), persons AS MATERIALIZED (SELECT DISTINCT person_id FROM mine)
    SELECT asked.call_id, CAST(NULL AS uuid) AS person_id, c.sealed, c.told_at
    FROM unnest(:ids) AS asked (call_id)
    CROSS JOIN LATERAL (
        SELECT * FROM contact one
        WHERE one.company_id = (SELECT :company_id) AND one.call_id = asked.call_id LIMIT 1) c
    UNION ALL
    SELECT NULL, persons.person_id, c.sealed, c.told_at FROM persons
    CROSS JOIN LATERAL (
        SELECT DISTINCT one.call_id FROM conversion one
        WHERE one.company_id = (SELECT :company_id) AND one.person_id = persons.person_id OFFSET 0) theirs
    CROSS JOIN LATERAL (
        SELECT * FROM contact one
        WHERE one.company_id = (SELECT :company_id) AND one.call_id = theirs.call_id LIMIT 1) c
    UNION ALL
    SELECT call_id, person_id, NULL, NULL FROM mine
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
    told: dict[UUID, list[_Told]] = defaultdict(list)
    persons: dict[UUID, set[UUID]] = {call_id: set() for call_id in call_ids}
    for row in session.execute(_OF_CALLS, {"company_id": company_id, "ids": list(call_ids)}):
        if row.sealed is None:
            persons[row.call_id].add(row.person_id)
        else:
            known = asdict(open_contact(vault, company_id, row.sealed))
            told[row.call_id or row.person_id].append((row.told_at, known))
    shared = {whose: _merged(told, whose) for whose in {frozenset(one) for one in persons.values()}}
    found = {
        call_id: shared[frozenset(whose)] | _merged(told, (call_id,)) for call_id, whose in persons.items()
    }
    return {call_id: Contact(**known) for call_id, known in found.items() if known}


def _merged(told: Mapping[UUID, list[_Told]], whose: Collection[UUID]) -> dict[str, Any]:
    """Return what was told of these, each part as it was told last."""
    merged: dict[str, Any] = {}
    for _, known in sorted((one for id_ in whose for one in told.get(id_, ())), key=itemgetter(0)):
        merged |= {name: value for name, value in known.items() if value}
    return merged


def open_contact(vault: Vault, company_id: UUID, sealed: bytes) -> Contact:
    """Return the contact that `store_contact` sealed."""
    return Contact(**json.loads(vault.open(company_id, SEALED, sealed)))
