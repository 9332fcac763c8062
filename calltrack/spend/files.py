"""Files of spend: uploaded, looked at, applied. The same file again changes nothing.

A file says what its campaigns cost on its days: those days are put in place of what was there, others stay.
Lines of one campaign and day add up; a stretch or month is spread over its days to the minor unit.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import new_id
from calltrack.spend.accounts import make_account
from calltrack.spend.days import Kept, keep_campaigns, keep_days
from calltrack.spend.file_overlap import plan_of_its_kind
from calltrack.spend.file_rules import LineSays, Plan, guess, plan_from, read_line
from calltrack.spend.matching import watch
from calltrack.spend.rules import MOST_MINOR, micros_of, spread
from calltrack.spend.tables import read_table
from calltrack.spend.told import CampaignTold, DayTold
from calltrack.spend.typed_model import SpendFile

SAMPLES: Final = 200
# Wrong lines that are kept and shown; the number of all is told beside them.
MOST_WRONG: Final = 200
MOST_DAYS: Final = 400_000


@dataclass(frozen=True, slots=True)
class LineRead:
    """A line of the file: what it says, or why it cannot be used."""

    number: int
    cells: Sequence[str]
    says: LineSays | None
    problem: str


def store_file(session: Session, company_id: UUID, content: bytes, name: str, by: str, now: datetime) -> UUID:
    """Store an uploaded file as a draft, with a guess how it is to be read: as the last one of its kind.

    Raises:
        BadInput: it is no table, too large, or has no lines below a header.
    """
    header, lines = read_table(content)
    company = session.get_one(Company, company_id)
    title = _name(name)
    guessed = guess(header, [cells for _, cells in lines[:SAMPLES]], company.country, company.currency)
    plan = plan_of_its_kind(session, company_id, header, title) or {
        **guessed.to_json(), "account": title.rpartition(".")[0] or title,
    }  # fmt: skip
    row = SpendFile(
        company_id=company_id, id=new_id(now), name=title, state="draft",
        sha256=hashlib.sha256(content).digest(), header=header, lines=[list(line) for line in lines],
        plan=plan, created_at=now, created_by=by,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note(session, company_id, by, "spend.file_uploaded", title, now, lines=len(lines))
    return row.id


def change_plan(session: Session, company_id: UUID, file_id: UUID, plan: Mapping[str, Any]) -> None:
    """Store how the file is to be read; what is left out stays as it is.

    Raises:
        NotFound: the company has no such file.
        BadInput: no line could be read this way.
    """
    row = locked(session, company_id, file_id)
    row.plan = plan_from(row.plan | dict(plan), len(row.header)).to_json()
    session.flush()


def look_at(row: SpendFile) -> list[LineRead]:
    """Return what each line says, or why it cannot be used.

    Raises:
        BadInput: the columns are not chosen.
    """
    plan = plan_from(row.plan, len(row.header))
    return [_read(number, cells, plan) for number, cells in row.lines]


def apply(session: Session, company_id: UUID, file_id: UUID, by: str, now: datetime) -> Kept:
    """Store what the good lines say; wrong ones are left out and told.

    Raises:
        NotFound: the company has no such file.
        BadInput: no line can be used, or they speak of too many days.
        Conflict: the account is there with another currency.
    """
    row = locked(session, company_id, file_id)
    lines = look_at(row)
    said = [one.says for one in lines if one.says is not None]
    if not said:
        raise BadInput("No line of this file can be used; look at the reasons beside the lines.")
    plan = plan_from(row.plan, len(row.header))
    account = make_account(session, company_id, "file", plan.account, plan.currency, now)
    keep_campaigns(session, account, campaigns_of(said), now)
    kept = keep_days(session, account, days_of(said, plan.currency), now, grows=False)
    wrong = [(one.number, one.problem) for one in lines if one.says is None]
    row.state, row.applied_at, row.account_id = "applied", now, account.id
    row.counts = {
        "lines": len(lines), "used": len(said), "wrong": len(wrong), "new": kept.new,
        "changed": kept.changed, "same": kept.same,
        "problems": [list(one) for one in wrong[:MOST_WRONG]],
    }  # fmt: skip
    account.read_at = now
    watch(session, company_id, now)
    audit.note(
        session, company_id, by, "spend.file_applied", row.name, now, new=kept.new, changed=kept.changed
    )
    return kept


def remove(session: Session, company_id: UUID, file_id: UUID, by: str, now: datetime) -> None:
    """Forget a file with its lines; the costs it told stay.

    Raises:
        NotFound: the company has no such file.
    """
    row = locked(session, company_id, file_id)
    session.delete(row)
    audit.note(session, company_id, by, "spend.file_removed", row.name, now)


def forget_files(session: Session, company_id: UUID, before: datetime) -> int:
    """Forget files that were uploaded before that moment, not the costs they told; returns how many."""
    old = delete(SpendFile).where(SpendFile.company_id == company_id, SpendFile.created_at < before)
    return len(session.scalars(old.returning(SpendFile.id)).all())


def locked(session: Session, company_id: UUID, file_id: UUID) -> SpendFile:
    """Return the file's row, held until the transaction ends; raises NotFound."""
    row = session.get(SpendFile, (company_id, file_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such file.")
    return row


def seen_before(session: Session, row: SpendFile) -> SpendFile | None:
    """Return an earlier file with the same content that was applied; None: there is none."""
    return session.scalar(
        select(SpendFile)
        .where(
            SpendFile.company_id == row.company_id, SpendFile.sha256 == row.sha256,
            SpendFile.id != row.id, SpendFile.state == "applied",
        )
        .order_by(SpendFile.id.desc())
        .limit(1)
    )  # fmt: skip


def campaigns_of(said: Sequence[LineSays]) -> list[CampaignTold]:
    """Return the campaigns that lines name; the last name and the last word of visits count."""
    found: dict[str, CampaignTold] = {}
    for one in said:
        key = one.campaign_key or (found[one.campaign_id].campaign_key if one.campaign_id in found else "")
        found[one.campaign_id] = CampaignTold(one.campaign_id, one.campaign, campaign_key=key)
    return list(found.values())


def days_of(said: Sequence[LineSays], currency: str) -> list[DayTold]:
    """Return each campaign's days: what lines say of one day adds up, stretches are spread exactly.

    Raises:
        BadInput: they are too many, or one costs more than can be stored.
    """
    if sum((one.days.last - one.days.first).days + 1 for one in said) > MOST_DAYS:
        raise BadInput(f"This file speaks of more than {MOST_DAYS:,} days in all; split it.")
    sums: dict[tuple[str, date], list[int]] = {}
    for one in said:
        length = (one.days.last - one.days.first).days + 1
        parts = zip(
            spread(one.cost_minor, length), spread(one.clicks, length), spread(one.impressions, length),
            strict=True,
        )  # fmt: skip
        for number, (cost, clicks, impressions) in enumerate(parts):
            total = sums.setdefault((one.campaign_id, one.days.first + timedelta(days=number)), [0, 0, 0])
            total[0] += cost
            total[1] += clicks
            total[2] += impressions
            if total[0] > MOST_MINOR:
                raise BadInput(f"{one.campaign[:60]!r} costs absurdly much on one day; check the lines.")
    return [
        DayTold(campaign, day, micros_of(cost, currency), clicks, impressions)
        for (campaign, day), (cost, clicks, impressions) in sums.items()
    ]


def _read(number: int, cells: Sequence[str], plan: Plan) -> LineRead:
    try:
        return LineRead(number, cells, read_line(cells, plan), "")
    except BadInput as problem:
        return LineRead(number, cells, None, str(problem))


def _name(name: str) -> str:
    visible = "".join(mark for mark in name if mark.isprintable()).strip()
    return visible.replace("\\", "/").rpartition("/")[2][:110] or "spend.csv"
