"""A company whose carrier is the REST twin on a real socket, asked by Twilio's own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from calltrack.accounts.model import CarrierAccount
from calltrack.accounts.model import Company as CompanyRow
from calltrack.delivery.model import Notice
from calltrack.delivery.number_notices import review_numbers
from calltrack.numbers.buying import buy_due
from calltrack.numbers.health import Hooks
from calltrack.numbers.keeping import check_numbers
from calltrack.numbers.market import look_around, look_at, search_of
from calltrack.numbers.model import NumberClaim, TrackingNumber
from calltrack.numbers.order_model import NumberOrder
from calltrack.numbers.ordering import Wish, order_number
from calltrack.numbers.use import Use
from calltrack.numbers.wanted import wanted_numbers
from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.telephony.carrier import OwnedNumber
from calltrack.telephony.carriers import Carriers
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.sandbox.carrier.hooks import ACCOUNT, TOKEN
from tests.sandbox.carrier_rest.serving import World, carrier_world


@dataclass
class Provider:
    """A company, its carrier's twin, and our services pointed at it; `now` is their time."""

    services: Services
    company: Company
    world: World
    now: datetime

    def offers(self, country: str = "US", type_: str = "local", **more: str) -> list[str]:
        """Search as a person does."""
        carrier = self.world.carrier
        return [one.e164 for one in look_around(carrier, search_of(country, type_, **more)).numbers]  # type: ignore[arg-type]  # texts only

    def order(
        self,
        e164: str,
        use: Use | None = None,
        *,
        country: str = "US",
        hooks: Hooks = "application",
        address_sid: str | None = None,
        bundle_sid: str | None = None,
    ) -> UUID:
        """Write down the intention to buy a number."""
        wish = Wish(
            e164=e164,
            use=use or self.pool_use(),
            hooks=hooks,
            address_sid=address_sid,
            bundle_sid=bundle_sid,
        )
        (offer,) = look_at(self.world.carrier, [e164], country, "local")
        with self.services.db.tenant(self.company.id) as session:
            return order_number(session, self.company.id, wish, offer, self.now, by="anna@example.test")

    def buy(self, e164: str, use: Use | None = None, **more: str) -> TrackingNumber:
        """Order a number and let a worker buy it."""
        self.order(e164, use, **more)  # type: ignore[arg-type]  # texts only
        buy_due(self.services, self.company.id)
        return self.number(e164)

    def pool_use(self) -> Use:
        return Use(kind="pool", pool_id=self.company.pool_id)

    def static_use(self, source: str = "billboard") -> Use:
        return Use(kind="static", location_id=self.company.location_id, source=source)

    def state(self, order_id: UUID) -> NumberOrder:
        with self.services.db.tenant(self.company.id) as session:
            return session.get_one(NumberOrder, (self.company.id, order_id))

    def number(self, e164: str) -> TrackingNumber:
        with self.services.db.tenant(self.company.id) as session:
            return session.scalars(select(TrackingNumber).where(TrackingNumber.e164 == e164)).one()

    def at_carrier(self, e164: str) -> OwnedNumber | None:
        return self.world.carrier.number_by_e164(e164)

    def check(self) -> int:
        """Let a worker compare all numbers, and the owner be told."""
        ill = check_numbers(self.services, self.company.id)
        self.tell()
        return ill

    def tell(self) -> None:
        review_numbers(self.services, self.company.id, self.company.id)

    def notices(self) -> list[tuple[str, str]]:
        """Return kind and text of what stands."""
        with self.services.db.tenant(self.company.id) as session:
            rows = session.scalars(
                select(Notice)
                .where(Notice.resolved_at.is_(None), Notice.kind.startswith("number."))
                .order_by(Notice.kind, Notice.text)
            )
            return [(row.kind, row.text) for row in rows]

    def limit(self, **settings: object) -> None:
        """Change the company's settings."""
        with self.services.db.shared() as session:
            session.execute(
                update(CompanyRow).where(CompanyRow.id == self.company.id).values(settings=settings)
            )

    def clock(self) -> datetime:
        return self.now


@contextmanager
def provided(
    services: Services, *, timeout: tuple[float, float] = (1.0, 5.0), numbers: int = 3
) -> Iterator[Provider]:
    """Give a fresh company a carrier that has exactly the numbers of its record, set up as they should be."""
    company = make_company(services, numbers=numbers)
    connect(services, company)
    directory: list[SimulatedNumber] = []
    with carrier_world(directory=directory, timeout=timeout) as world:
        carriers = Carriers(world.base)
        carriers._http = world.http
        provider = Provider(services, company, world, services.clock())
        provider.services = replace(services, carriers=carriers, clock=provider.clock)
        with services.db.tenant(company.id) as session:
            kept = wanted_numbers(session, services.settings, company.id)
        directory += [
            SimulatedNumber(
                e164=one.wanted.e164,
                voice_url=one.wanted.voice_url,
                voice_fallback_url=one.wanted.voice_fallback_url,
                status_callback=one.wanted.status_callback,
                sms_url=one.wanted.sms_url,
                account_sid=ACCOUNT,
            )
            for one in kept
        ]
        yield provider


def connect(services: Services, company: Company) -> None:
    """Let the company use the twin's account; what is for sale there is nobody's on this server."""
    with services.db.tenant(company.id) as session:
        session.execute(
            update(CarrierAccount).values(
                account_sid=ACCOUNT,
                auth_token=services.vault.seal(company.id, "carrier_account.auth_token", TOKEN),
            )
        )
    with services.db.shared() as session:
        session.execute(delete(NumberClaim).where(NumberClaim.e164.op("~")(r"^\+(1|49|39068|39800|44)")))
