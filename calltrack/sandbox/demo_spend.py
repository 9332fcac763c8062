"""What advertising costs the demo company: accounts at the twins, and a billboard's months."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.delivery.model import DestinationAccount
from calltrack.infra.crypto import Vault
from calltrack.kernel.ids import first_id_of
from calltrack.kernel.money import Money
from calltrack.kernel.origin import campaign_key
from calltrack.spend import accounts
from calltrack.spend.entries import add_entry
from calltrack.spend.model import SpendAccount
from calltrack.spend.platforms import source_for
from calltrack.spend.rules import read_days
from calltrack.visits.model import Visit
from calltrack.wiring import Services

BACK_DAYS: Final = 180
META_ACCOUNT: Final = "778899001122"
BILLBOARD: Final = "Tangenziale Est"
MONTHLY: Final = 42_000
BY: Final = "calltrack"
ZONE: Final = ZoneInfo("Europe/Rome")


def bring_spend(session: Session, vault: Vault, company_id: UUID, now: datetime) -> None:
    """Have the twins' accounts read that are not yet, and type what the billboard cost; once."""
    known = set(session.scalars(select(SpendAccount.platform).where(SpendAccount.company_id == company_id)))
    rows = session.scalars(
        select(DestinationAccount).where(
            DestinationAccount.company_id == company_id, DestinationAccount.status == "active"
        )
    )
    for row in rows:
        source = source_for(row.kind)
        if source is not None and source.name not in known:
            number = META_ACCOUNT if source.name == "meta" else ""
            accounts.connect(session, vault, company_id, row.id, number, BACK_DAYS, BY, now)
            known.add(source.name)
    if "manual" not in known:
        month = now.astimezone(ZONE).date().replace(day=1)
        for _ in range(4):
            add_entry(
                session, company_id, BILLBOARD, campaign_key("billboard", "offline", BILLBOARD),
                read_days(f"{month:%Y-%m}"), Money(MONTHLY, "EUR"), "poster by the ring road", BY, now,
            )  # fmt: skip
            month = (month - timedelta(days=1)).replace(day=1)


def clicks_of(
    services: Services, company_id: Callable[[], UUID | None]
) -> Callable[[date], Iterable[tuple[str, str]]]:
    """Return what tells the twin of Google which clicks a day had: click id and campaign of each visit."""

    def clicked(day: date) -> list[tuple[str, str]]:
        found = company_id()
        if found is None:
            return []
        start = datetime(day.year, day.month, day.day, tzinfo=ZONE)
        with services.db.tenant(found) as session:
            rows = session.execute(
                select(Visit.click_ids["gclid"].astext, Visit.campaign).where(
                    Visit.company_id == found, Visit.id >= first_id_of(start),
                    Visit.id < first_id_of(start + timedelta(days=1)), Visit.click_ids.has_key("gclid"),
                )
            )  # fmt: skip
            return [(gclid, campaign) for gclid, campaign in rows]

    return clicked
