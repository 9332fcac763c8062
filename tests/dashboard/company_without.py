"""A company as `calltrack new-company` makes it, with nothing in it, and its signed-in owner."""

from dataclasses import dataclass
from uuid import UUID

from flask import Flask

from calltrack.accounts.service import NewCompany, add_member, create_agency, create_company
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.dashboard.browser import Browser


@dataclass(frozen=True)
class Newcomer:
    """An owner in front of an empty company."""

    browser: Browser
    company_id: UUID

    def path(self, rest: str) -> str:
        return f"/app/{self.company_id.hex}{rest}"


def newcomer(services: Services, app: Flask) -> Newcomer:
    now, owner = services.clock(), make_user(services)
    with services.db.shared() as session:
        agency_id = create_agency(session, "Traslochi Rossi", now)
        company_id = create_company(session, NewCompany(agency_id, "Traslochi Rossi"), now)
    with services.db.tenant(company_id) as session:
        add_member(session, company_id, owner.id, "owner")
    browser = Browser(app)
    browser.sign_in(owner)
    return Newcomer(browser, company_id)
