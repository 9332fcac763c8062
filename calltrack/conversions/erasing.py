"""Erasing what outcomes tell of a person: contacts, the inbox, uploaded files, words that name a number."""

import json
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from calltrack.conversions.imports import LINES
from calltrack.conversions.model import Conversion, ConversionChange, OutcomeWord
from calltrack.conversions.sources_model import Contact, ImportPart, InboxKey, InboxRow
from calltrack.infra.crypto import Vault
from calltrack.infra.rows import one_of
from calltrack.infra.turns import take_turn

# Numbers are written in many ways; the last digits are the same in all of them.
TELLING_DIGITS = 8


def erase_outcomes(
    session: Session, vault: Vault, company_id: UUID, numbers: Collection[str], call_ids: Collection[UUID]
) -> list[UUID]:
    """Take a person out of everything that was told about these calls; returns their conversions.

    Conversions stay, and count, without the person.
    """
    ids, hashes = list(call_ids), [vault.look_up(company_id, number) for number in numbers]
    found = forget_contacts(session, company_id, numbers, ids)
    keyed = select(InboxKey.inbox_id).where(InboxKey.company_id == company_id, InboxKey.key.in_(hashes))
    session.execute(
        delete(InboxRow).where(
            InboxRow.company_id == company_id, or_(one_of(InboxRow.call_id, ids), InboxRow.id.in_(keyed))
        )
    )
    session.execute(
        update(Conversion)
        .where(Conversion.company_id == company_id, one_of(Conversion.id, found))
        .values(person_id=None)
    )
    _erase_lines(session, vault, company_id, _ends(numbers))
    session.flush()
    return found


def forget_contacts(
    session: Session, company_id: UUID, numbers: Collection[str], call_ids: Collection[UUID]
) -> list[UUID]:
    """Forget who was behind these calls, and reasons that name a number; returns their conversions."""
    take_turn(session, "conversions", company_id)
    ids, ends = list(call_ids), _ends(numbers)
    session.execute(delete(Contact).where(Contact.company_id == company_id, one_of(Contact.call_id, ids)))
    mine = (Conversion.company_id == company_id, one_of(Conversion.call_id, ids))
    found = list(session.scalars(select(Conversion.id).where(*mine)))
    of_words = select(OutcomeWord).where(
        OutcomeWord.company_id == company_id, one_of(OutcomeWord.call_id, ids)
    )
    of_changes = select(ConversionChange).where(
        ConversionChange.company_id == company_id, one_of(ConversionChange.conversion_id, found)
    )
    _silence(session.scalars(of_words), ends)
    _silence(session.scalars(select(Conversion).where(*mine)), ends)
    _silence(session.scalars(of_changes), ends)
    session.flush()
    return found


def names_one_of(text: str, ends: Collection[str]) -> bool:
    """Tell whether a text holds one of the numbers, however it is written."""
    digits = "".join(mark for mark in text if mark.isdigit())
    return any(end in digits for end in ends)


def _ends(numbers: Iterable[str]) -> tuple[str, ...]:
    return tuple(number.lstrip("+")[-TELLING_DIGITS:] for number in numbers)


def _silence(rows: Iterable[Any], ends: Collection[str]) -> None:
    """Empty the reasons that name one of the numbers."""
    for row in rows:
        if names_one_of(row.reason, ends):
            row.reason = ""


def _erase_lines(session: Session, vault: Vault, company_id: UUID, ends: Collection[str]) -> None:
    """Empty the lines of uploaded files that name one of the numbers; their results stay."""
    parts = session.scalars(select(ImportPart).where(ImportPart.company_id == company_id))
    for part in parts.yield_per(20):
        lines = json.loads(vault.open(company_id, LINES, part.lines))
        told = [[number, _emptied(cells, ends)] for number, cells in lines]
        if told != lines:
            part.lines = vault.seal(company_id, LINES, json.dumps(told, ensure_ascii=False))


def _emptied(cells: list[str], ends: Collection[str]) -> list[str]:
    return ["" for _ in cells] if any(names_one_of(cell, ends) for cell in cells) else cells
