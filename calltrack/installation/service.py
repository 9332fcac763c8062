"""Checks of an installation: begun by a person, read by a worker, seen by the edge, told from inside."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from calltrack.accounts.model import Site
from calltrack.infra.crypto import Vault
from calltrack.infra.http import HttpDoor
from calltrack.installation.fetching import Wanted, fetch
from calltrack.installation.inside import read_inside
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import SiteTarget, TrackingNumber
from calltrack.snippet import script
from calltrack.visits import marks
from calltrack.visits.builds import kept_build
from calltrack.visits.model import InstallCheck
from calltrack.wiring import Services

# Longer than the slowest page with all its redirects takes: a killed worker's reading is done again.
LEASE: Final = timedelta(minutes=2)
LONGEST_PAGE: Final = 1000
# Whoever checks more often checks other people's servers.
MOST_AN_HOUR: Final = 30
KEPT: Final = timedelta(days=30)
# The newest check of a site that a look from inside may still belong to.
SAME_LOOK: Final = timedelta(minutes=30)


def begin_check(session: Session, company_id: UUID, site_id: UUID, page: str, now: datetime) -> UUID:
    """Begin a check of one page and return its id; the caller wakes `look_at_pages` after the commit.

    Raises:
        NotFound: the company has no such site.
        BadInput: the address is no page, or the company checks too often.
    """
    if session.get(Site, (company_id, site_id)) is None:
        raise NotFound("There is no such website.")
    address = _address(page)
    session.execute(
        delete(InstallCheck).where(InstallCheck.company_id == company_id, InstallCheck.asked_at < now - KEPT)
    )
    lately = select(func.count()).where(
        InstallCheck.company_id == company_id, InstallCheck.asked_at > now - timedelta(hours=1)
    )
    if (session.scalar(lately) or 0) >= MOST_AN_HOUR:
        raise BadInput(f"At most {MOST_AN_HOUR} checks an hour; wait a little, then try again.")
    check = InstallCheck(
        company_id=company_id, id=new_id(now), site_id=site_id, page=address, asked_at=now, due_at=now
    )
    session.add(check)
    session.flush()
    return check.id


def companies_to_read(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with pages to read (system role)."""
    return list(system.scalars(select(InstallCheck.company_id).where(InstallCheck.due_at <= now).distinct()))


def read_due(services: Services, door: HttpDoor, company_id: UUID) -> int:
    """Read the company's due pages as our server gets them; returns how many. Twice is harmless."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        claim = (
            update(InstallCheck)
            .where(InstallCheck.company_id == company_id, InstallCheck.due_at <= now)
            .values(due_at=now + LEASE)
        )
        claimed = session.scalars(claim.returning(InstallCheck)).all()
        wanted = {check.id: (check.page, _wanted(session, services, check)) for check in claimed}
    for check_id, (page, look_for) in wanted.items():
        found = fetch(door, page, look_for, lambda version: _kept(services, version))
        with services.db.tenant(company_id) as session:
            session.execute(
                update(InstallCheck)
                .where(InstallCheck.company_id == company_id, InstallCheck.id == check_id)
                .values(fetched=found, due_at=None)
            )
    return len(wanted)


def _kept(services: Services, version: str) -> bytes | None:
    with services.db.shared() as session:
        return kept_build(session, version)


def open_checked(session: Session, vault: Vault, check: InstallCheck, now: datetime) -> str:
    """Return the page's address with the check's mark, and note that it is opened now.

    Raises:
        BadInput: the check is too old for its mark to count.
    """
    if now - check.asked_at > marks.VALID:
        raise BadInput("This check is older than 15 minutes; begin a new one.")
    check.opened_at = check.opened_at or now
    return marks.marked(check.page, marks.mark_of(vault, check.company_id, check.id))


def hear_inside(
    session: Session, company_id: UUID, site_id: UUID, told: Mapping[str, Any], now: datetime
) -> UUID:
    """Keep what a look from inside the page told, with the site's newest check, or with one of its own.

    Raises:
        BadInput: it is not what the look tells.
        NotFound: the company has no such site.
    """
    inside = read_inside(told)
    newest = session.scalar(
        select(InstallCheck)
        .where(
            InstallCheck.company_id == company_id,
            InstallCheck.site_id == site_id,
            InstallCheck.asked_at > now - SAME_LOOK,
        )
        .order_by(InstallCheck.id.desc())
        .limit(1)
    )
    id_ = newest.id if newest else begin_check(session, company_id, site_id, inside["page"], now)
    session.execute(
        update(InstallCheck)
        .where(InstallCheck.company_id == company_id, InstallCheck.id == id_)
        .values(inside=inside)
    )
    return id_


def _wanted(session: Session, services: Services, check: InstallCheck) -> Wanted:
    targets = session.scalars(
        select(SiteTarget.target).where(
            SiteTarget.company_id == check.company_id, SiteTarget.site_id == check.site_id
        )
    )
    own = session.scalars(
        select(TrackingNumber.e164).where(
            TrackingNumber.company_id == check.company_id,
            TrackingNumber.kind != "static",
            TrackingNumber.released_at.is_(None),
        )
    )
    return Wanted(services.settings.base_url, script(), tuple(sorted(targets)), tuple(sorted(own)))


def _address(page: str) -> str:
    text = page.strip()
    text = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(text)
        is_page = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_page = False
    if not is_page or len(text) > LONGEST_PAGE or not text.isprintable() or " " in text:
        raise BadInput("Type the address of one page, like https://www.example.com/contact.")
    if parts.username or parts.password:
        raise BadInput("Type the address without a user name or password.")
    return text
