"""Put the sandbox together: phone, carrier, ad-platform twins and demo site over the demo company."""

from collections.abc import Callable

from flask import Flask, redirect
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from calltrack.accounts.model import Site
from calltrack.config import SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN
from calltrack.numbers.hooks import setups
from calltrack.sandbox import demo_site, phone, platforms
from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.sandbox.carrier_rest import Twin
from calltrack.sandbox.demo_company import MILAN, ROME, find_demo_company
from calltrack.sandbox.demo_site import DemoSite
from calltrack.sandbox.demo_spend import clicks_of
from calltrack.sandbox.platforms.spend_book import SpendBook
from calltrack.wiring import Services


def register(app: Flask, services: Services) -> None:
    """Add every page and twin of the sandbox to the app."""
    settings = services.settings
    folder = settings.data_dir / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    via = {settings.base_url: settings.local_origin} if settings.local_origin else None
    carrier = Twin(
        lambda sid: _token(services, sid),
        _remembered(lambda: _numbers(services)),
        file=folder / "carrier.jsonl",
        via=via,
    )
    app.register_blueprint(carrier.blueprint)
    app.register_blueprint(
        phone.create_blueprint(
            carrier.ringing, lambda sid: _token(services, sid), switchboard=carrier.board, via=via
        )
    )
    book = SpendBook(clicks_of(services, lambda: find_demo_company(services)))
    app.register_blueprint(platforms.create_blueprint(folder, spend=book))
    app.register_blueprint(demo_site.create_blueprint(lambda: _demo_site(services)))

    @app.get("/sandbox/")
    def sandbox_index() -> Response:
        return redirect("/")


def _remembered(read: Callable[[], list[SimulatedNumber]]) -> Callable[[], list[SimulatedNumber]]:
    """Return a reader that falls back on its last answer: a carrier works while our database is away."""
    last: list[SimulatedNumber] = []

    def numbers() -> list[SimulatedNumber]:
        try:
            found = read()
        except SQLAlchemyError:
            if not last:
                raise
            return list(last)
        last[:] = found
        return found

    return numbers


def _numbers(services: Services) -> list[SimulatedNumber]:
    company_id = find_demo_company(services)
    if company_id is None:
        return []
    with services.db.tenant(company_id) as session:
        rows = setups(session, services.settings.base_url)
    return [
        SimulatedNumber(
            e164=row.e164,
            voice_url=row.voice_url,
            voice_fallback_url=row.voice_fallback_url,
            status_callback=row.status_callback,
            account_sid=row.account_sid,
            label=f"{row.location}, {row.kind}",
            sms_url=row.sms_url,
        )
        for row in rows
    ]


def _token(services: Services, account_sid: str) -> str:
    """Return the token the simulator signs with; only the demo company's account has one."""
    settings = services.settings
    if account_sid != (settings.twilio_account_sid or SANDBOX_ACCOUNT_SID):
        raise LookupError("The simulator signs for the demo company's account only.")
    return settings.twilio_auth_token.get_secret_value() or SANDBOX_AUTH_TOKEN


def _demo_site(services: Services) -> DemoSite:
    company_id = find_demo_company(services)
    if company_id is None:
        return DemoSite(site_key="", rome=ROME, milan=MILAN)
    with services.db.tenant(company_id) as session:
        key = session.scalar(select(Site.key).where(Site.company_id == company_id).limit(1))
    return DemoSite(site_key=key or "", rome=ROME, milan=MILAN)
