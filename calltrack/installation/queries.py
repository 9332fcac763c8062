"""A check as its page shows it: the facts put together, and the findings that follow from them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Site
from calltrack.installation.facts import Facts, Finding, Target
from calltrack.installation.rules import diagnose
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.phone import country_of, digits_of, pretty
from calltrack.numbers.model import Pool, SiteTarget, TrackingNumber
from calltrack.visits.marks import VALID
from calltrack.visits.model import InstallCheck
from calltrack.visits.rules import normal_origin


@dataclass(frozen=True)
class CheckRow:
    """A check and what it found so far; `is_over`: nothing more will come."""

    id: UUID
    site_id: UUID
    page: str
    asked_at: datetime
    is_read: bool
    is_opened: bool
    has_arrived: bool
    is_over: bool
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> int:
        """How many things must be mended."""
        return sum(1 for one in self.findings if one.level == "fault")


def check_of(session: Session, company_id: UUID, check_id: UUID, base_url: str, now: datetime) -> CheckRow:
    """Return a check with its findings.

    Raises:
        NotFound: the company has no such check.
    """
    check = session.get(InstallCheck, (company_id, check_id))
    if check is None:
        raise NotFound("There is no such check.")
    facts = _facts(session, check, base_url, now)
    return CheckRow(
        id=check.id,
        site_id=check.site_id,
        page=check.page,
        asked_at=check.asked_at,
        is_read=check.fetched is not None,
        is_opened=check.opened_at is not None,
        has_arrived=bool(check.seen),
        is_over=now - check.asked_at > VALID,
        findings=diagnose(facts) if check.fetched is not None or check.seen or check.inside else (),
    )


def newest_checks(session: Session, company_id: UUID, site_id: UUID, most: int = 5) -> list[InstallCheck]:
    """Return the site's last checks, newest first."""
    mine = (InstallCheck.company_id == company_id, InstallCheck.site_id == site_id)
    return list(
        session.scalars(select(InstallCheck).where(*mine).order_by(InstallCheck.id.desc()).limit(most))
    )


def _facts(session: Session, check: InstallCheck, base_url: str, now: datetime) -> Facts:
    site = session.get_one(Site, (check.company_id, check.site_id))
    own = session.scalars(
        select(TrackingNumber.e164).where(TrackingNumber.company_id == check.company_id)
    ).all()
    targets = _targets(session, check, now)
    readable = {e164: pretty(e164) for e164 in [*own, *(target.e164 for target in targets)]}
    opened = (now - check.opened_at).total_seconds() if check.opened_at else None
    return Facts(
        site_id=site.id.hex,
        site_key=site.key,
        origins=frozenset(_origins(site.origins)),
        base_url=base_url,
        targets=targets,
        fetched=check.fetched,
        seen=tuple(check.seen),
        inside=check.inside,
        opened_seconds=opened,
        readable=readable,
    )


def _targets(session: Session, check: InstallCheck, now: datetime) -> tuple[Target, ...]:
    number = TrackingNumber
    usable = (
        select(number.pool_id, func.count().label("numbers"), func.min(number.e164).label("first"))
        .where(
            number.company_id == check.company_id,
            number.kind == "pool",
            number.released_at.is_(None),
            number.leave_at.is_(None),
            number.health != "unfit",
            (number.rests_until.is_(None) | (number.rests_until <= now)),
        )
        .group_by(number.pool_id)
        .subquery()
    )
    rows = session.execute(
        select(SiteTarget.target, Pool.name, usable.c.numbers, usable.c.first)
        .join(Pool, (Pool.company_id == SiteTarget.company_id) & (Pool.id == SiteTarget.pool_id))
        .outerjoin(usable, usable.c.pool_id == Pool.id)
        .where(SiteTarget.company_id == check.company_id, SiteTarget.site_id == check.site_id)
        .order_by(SiteTarget.target)
    )
    found = []
    for row in rows:
        digits = digits_of(row.target)
        fits = row.first is None or country_of(row.first) == country_of(row.target)
        found.append(
            Target(
                row.target, pretty(row.target), digits.international, digits.national, row.name,
                row.numbers or 0, fits,
            )
        )  # fmt: skip
    return tuple(found)


def _origins(registered: list[str]) -> list[str]:
    found = []
    for origin in registered:
        try:
            found.append(normal_origin(origin))
        except BadInput:
            continue
    return found
