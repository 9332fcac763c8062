"""The versions of a company's rules: which tree judges a call, saving a new one, judging the past again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.accounts.rules import settings_of
from calltrack.conversions.model import RuleVersion
from calltrack.conversions.tree_rules import Tree, default_tree
from calltrack.infra import outbox
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import new_id

MOST_PAST_DAYS = 90
LONGEST_NOTE = 300


@dataclass(frozen=True)
class Version:
    """A tree with its number (0: the one that follows from the limits) and since when it applies."""

    number: int
    tree: Tree
    applies_since: datetime | None


@dataclass(frozen=True)
class Rulebook:
    """All a company decides by: currency, time zone, and its versions, newest first, the default last."""

    currency: str
    timezone: str
    versions: tuple[Version, ...]

    @property
    def newest(self) -> Version:
        """The version that judges calls from now on."""
        return self.versions[0]

    def at(self, started_at: datetime) -> Version:
        """Return the version that judges a call that began then: the newest that applies to it."""
        return next(
            one for one in self.versions if one.applies_since is None or one.applies_since <= started_at
        )


def rulebook(session: Session, company_id: UUID) -> Rulebook:
    """Return what the company decides by."""
    row = session.execute(
        select(Company.settings, Company.currency, Company.timezone).where(Company.id == company_id)
    ).one()
    saved = session.execute(
        select(RuleVersion.number, RuleVersion.tree, RuleVersion.applies_since)
        .where(RuleVersion.company_id == company_id)
        .order_by(RuleVersion.number.desc())
    )
    versions = [Version(one.number, Tree.model_validate(one.tree), one.applies_since) for one in saved]
    default = Version(0, default_tree(settings_of(row.settings)), None)
    return Rulebook(row.currency, row.timezone, (*versions, default))


def all_versions(session: Session, company_id: UUID) -> Sequence[RuleVersion]:
    """Return what was saved, newest first."""
    rows = select(RuleVersion).where(RuleVersion.company_id == company_id)
    return session.scalars(rows.order_by(RuleVersion.number.desc())).all()


def save_rules(
    session: Session,
    company_id: UUID,
    tree: Tree,
    by: str,
    now: datetime,
    *,
    past_days: int = 0,
    note: str = "",
    expected: int | None = None,
) -> RuleVersion:
    """Save the tree as the newest version; calls of the past days are judged again by a job.

    past_days: 0 applies it from now on only, at most 90. expected: the number of the version it was written
    from, if known; None asks no question. What does not differ from the newest version is saved again only
    where past days are to be judged by it.

    Raises:
        BadInput: the number of days, a too long note, or somebody else saved a version in the meantime.
    """
    if not 0 <= past_days <= MOST_PAST_DAYS:
        raise BadInput(f"The past can be judged again for at most {MOST_PAST_DAYS} days.")
    if len(note) > LONGEST_NOTE:
        raise BadInput(f"The note may have {LONGEST_NOTE} characters at most.")
    take_turn(session, "conversions", company_id)
    newest = session.scalar(select(func.max(RuleVersion.number)).where(RuleVersion.company_id == company_id))
    number = newest or 0
    if expected is not None and expected != number:
        raise BadInput(f"Somebody saved version {number} in the meantime; look at it first.")
    version = RuleVersion(
        company_id=company_id,
        id=new_id(now),
        number=number + 1,
        tree=tree.model_dump(mode="json", by_alias=True),
        applies_since=now - timedelta(days=past_days),
        saved_at=now,
        saved_by=by,
        note=note,
    )
    session.add(version)
    audit.note(
        session, company_id, by, "rules.saved", str(version.id), now,
        version=version.number, rules=len(tree.rules), past_days=past_days, note=note,
    )  # fmt: skip
    if past_days:
        outbox.record(session, company_id, "rules.saved", version.id, now)
    session.flush()
    return version


def version_numbered(session: Session, company_id: UUID, number: int) -> Tree:
    """Return the tree of a saved version, or of version 0; raises NotFound for any other number."""
    book = rulebook(session, company_id)
    found = next((one.tree for one in book.versions if one.number == number), None)
    if found is None:
        raise NotFound("There is no such version of the rules.")
    return found
