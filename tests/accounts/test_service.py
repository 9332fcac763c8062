"""Companies, locations and sites are stored checked, or refused with what to change."""

from dataclasses import replace

import pytest

from calltrack.accounts import queries, rules, service
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import NOON


def test_a_company_is_set_up_from_nothing(services: Services) -> None:
    with services.db.shared() as session:
        agency = service.create_agency(session, "Agenzia Uno", NOON)
        company = service.create_company(session, service.NewCompany(agency, " Traslochi  Aurelia "), NOON)
    owner = make_user(services)
    with services.db.tenant(company) as session:
        service.add_member(session, company, owner.id, "owner")
        flow = service.CallFlow("Roma", "06 6994 0001", "Roma")
        location = service.create_location(session, company, "IT", flow, NOON)
        _, key = service.create_site(session, company, "Sito", ["https://WWW.Example.it/"], NOON)
        service.change_location(session, company, location, "IT", replace(flow, ring_seconds=25))
    assert len(key) == 22
    with services.db.tenant(company) as session:
        found = queries.company_as(session, company, owner.id)
        assert found
        assert (found[0].name, found[0].currency, found[1]) == ("Traslochi Aurelia", "EUR", "owner")
        (branch,) = queries.locations(session, company)
        assert (branch.forward_to, branch.ring_seconds) == ("+390669940001", 25)
        assert queries.sites(session, company)[0].origins == ("https://www.example.it",)
    assert [choice.id for choice in queries.companies_of(services.db, owner.id)] == [company]


@pytest.mark.parametrize(
    "limits",
    [{"lead_min_talk_seconds": 0}, {"credit_probability": 2}, {"safe_forward_to": "12"}],
)
def test_wrong_limits_are_refused(services: Services, limits: dict[str, object]) -> None:
    with services.db.shared() as session:
        agency = service.create_agency(session, "Agenzia", NOON)
        company = service.create_company(session, service.NewCompany(agency, "Uno"), NOON)
    with services.db.shared() as session, pytest.raises(BadInput):
        service.change_company(session, company, "Uno", "Europe/Rome", limits)


def test_an_address_is_taken_once(services: Services) -> None:
    user = make_user(services)
    with services.db.shared() as session, pytest.raises(Conflict):
        service.create_user(session, user.email.upper(), "Anna", "long enough password", NOON)


@pytest.mark.parametrize("text", ["", "anna", "anna@", "a b@c.it", "<a>@c.it", "a@b", "a@b.it" * 60])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        rules.email_address(text)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://www.Example.it/", "https://www.example.it"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://example.it/path", None),
        ("example.it", None),
        ("javascript:alert(1)", None),
        ("https://a:b:c", None),
        ("https://[bad", None),
    ],
)
def test_an_origin_is_scheme_host_and_port(text: str, origin: str | None) -> None:
    if origin:
        assert rules.site_origin(text) == origin
    else:
        with pytest.raises(BadInput):
            rules.site_origin(text)


@pytest.mark.parametrize("text", ["", "Europe", "Mars/Base", "../etc/passwd", "/etc/passwd"])
def test_what_is_no_time_zone_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        rules.time_zone(text)
