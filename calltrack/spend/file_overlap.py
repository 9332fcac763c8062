"""What a file has in common with what is known: how files of its kind are read, and costs told elsewhere."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.spend.file_rules import LineSays
from calltrack.spend.typed_model import SpendFile

LOOKED_AT: Final = 50


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another account with costs on the file's days, for so many campaigns of its names or numbers."""

    account: str
    platform: str
    campaigns: int


def plan_of_its_kind(
    session: Session, company_id: UUID, header: Sequence[str], name: str
) -> dict[str, Any] | None:
    """Return how the last applied file with these columns and this name but for its digits was read.

    So the export of this month goes to the account of last month's, where its days replace the same ones.
    """
    applied = session.execute(
        select(SpendFile.name, SpendFile.plan)
        .where(
            SpendFile.company_id == company_id,
            SpendFile.state == "applied",
            SpendFile.header == list(header),
        )
        .order_by(SpendFile.applied_at.desc())
        .limit(LOOKED_AT)
    )
    return next((row.plan for row in applied if _letters(row.name) == _letters(name)), None)


def _letters(name: str) -> str:
    return re.sub(r"[\W\d_]", "", name).casefold()


def told_elsewhere(
    session: Session, company_id: UUID, account: str, said: Sequence[LineSays]
) -> tuple[Elsewhere, ...]:
    """Return the other accounts that seem to hold costs of this file: then they would count twice."""
    if not said:
        return ()
    given = {
        "company_id": company_id,
        "account": " ".join(account.split()),
        "ids": sorted({one.campaign_id for one in said}),
        "names": sorted({one.campaign for one in said}),
        "first": min(one.days.first for one in said),
        "last": max(one.days.last for one in said),
    }
    return tuple(Elsewhere(*row) for row in session.execute(_ELSEWHERE, given))


_ELSEWHERE: Final = text(
    """
    SELECT a.name, a.platform, count(*) AS campaigns
    FROM spend_account a
    JOIN spend_campaign c ON c.company_id = a.company_id AND c.account_id = a.id
        AND (c.external_id = ANY(:ids) OR c.name = ANY(:names))
    WHERE a.company_id = :company_id AND NOT (a.platform = 'file' AND a.external_id = :account)
        AND EXISTS (
            SELECT FROM spend_day d WHERE d.company_id = c.company_id AND d.campaign_id = c.id
                AND d.day BETWEEN :first AND :last AND d.cost_micros > 0)
    GROUP BY a.id, a.name, a.platform ORDER BY campaigns DESC, a.name
    """
)
