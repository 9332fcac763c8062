"""Every page by every role, by strangers and by nobody: generated from the address map, nothing left out."""

from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.routing import Rule

from calltrack.accounts import api_keys
from calltrack.accounts.queries import locations
from calltrack.accounts.rules import RANK, Role
from calltrack.audiences.service import connect_list, create_audience
from calltrack.conversions import imports, inbox
from calltrack.conversions.told import Clues, Told
from calltrack.dashboard.access import NEEDS, OPEN
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.accounts.people import Person, make_user
from tests.builders import NOON, Company, fresh_e164, make_company
from tests.dashboard.browser import Browser
from tests.dashboard.rows import Maker

# Which role each page needs: the table people agreed on, apart from the code.
TABLE: dict[str, Role] = {
    "overview": "viewer", "live": "viewer", "live_json": "viewer", "calls": "viewer", "call": "viewer",
    "numbers": "viewer", "destinations": "viewer", "deliveries": "viewer", "delivery": "viewer",
    "call_sent": "viewer", "destination": "viewer", "notices": "viewer", "dismiss_notice": "manager",
    "export_deliveries": "viewer", "replay_deliveries": "manager",
    "replay_delivery": "manager", "settle_delivery": "manager",
    "outcome": "manager", "make_link": "manager", "destination_status": "manager",
    "settings": "manager", "locations": "manager",
    "change_location": "manager", "sites": "manager", "add_site": "manager", "change_site": "manager",
    "change_settings": "owner", "add_location": "owner", "users": "owner", "add_user": "owner",
    "change_user": "owner", "keys": "owner", "add_key": "owner", "revoke_key": "owner",
    "sign_in_at": "owner", "sign_in_again": "owner", "try_destination": "manager",
    "preview_form": "manager", "preview_rows": "manager",
    "rules": "manager", "change_rules": "manager", "restore_rules": "manager",
    "setup": "manager", "number_setup": "manager", "number": "manager", "add_pool": "manager",
    "add_numbers": "manager", "add_static": "manager", "release_number": "manager",
    "site_numbers": "manager", "add_site_number": "manager", "remove_site_number": "manager",
    "outcome_files": "manager", "add_import": "manager", "outcome_file": "manager", "plan_import": "manager",
    "run_import": "manager", "remove_import": "manager", "import_results": "manager",
    "outcome_inbox": "manager", "match_outcome": "manager", "dismiss_outcome": "manager",
    "outcome_crm": "owner", "change_crm_door": "owner", "change_crm_mapping": "owner",
    "carrier": "owner", "connect_account": "owner", "connect": "owner", "connect_destination": "owner",
    "destination_settings": "owner", "change_destination": "owner", "remove_destination": "owner",
    "rotate_secret": "owner",
    "audiences": "viewer", "audience": "viewer", "new_audience": "manager", "add_audience": "manager",
    "edit_audience": "manager", "change_audience": "manager", "audience_status": "manager",
    "change_audience_list": "manager", "connect_audience_list": "owner",
}  # fmt: skip
# Pages whose whole work is to send the browser to somebody else's sign-in.
LEAVES = frozenset(("sign_in_at", "sign_in_again"))
RECEIVER = {"url": "https://crm.test/hook", "secret": "whsec_" + 40 * "A"}
# A form each page would take, so that what stops a stranger is the wall and not a wrong form.
FORMS: dict[str, dict[str, str]] = {
    "add_audience": {"name": "Leads", "do": "save", "what-0": "lead", "rows": "1"},
    "change_audience": {"name": "Leads", "do": "save", "what-0": "lead", "rows": "1"},
    "audience_status": {"do": "pause"},
    "change_audience_list": {"do": "resume"},
    "connect_audience_list": {"destination": "0" * 32, "list_id": "777002"},
    "outcome": {"kind": "purchase", "value": "850"},
    "destination_status": {"status": "active"},
    "settle_delivery": {"arrived": "no"},
    "change_location": {"name": "Roma", "forward_to": "+390669940001", "ring_seconds": "18"},
    "add_location": {"name": "Ostia", "forward_to": "+390669940001", "ring_seconds": "18"},
    "add_site": {"name": "Due", "origins": "https://due.test"},
    "change_site": {"name": "Due", "origins": "https://due.test"},
    "change_settings": {"name": "Uno", "timezone": "Europe/Rome"},
    "add_user": {"name": "Eva", "email": "eva@example.test", "role": "viewer"},
    "change_user": {"role": "manager"},
    "add_key": {"name": "CRM", "role": "viewer"},
    "connect_account": {"account_sid": "AC" + 32 * "0", "auth_token": 32 * "f"},
    "change_rules": {"do": "add"},
    "restore_rules": {"number": "0"},
    "add_pool": {"name": "Ostia", "lease_seconds": "150", "cooldown_seconds": "60"},
    "add_numbers": {"kind": "pool", "numbers": "+390694111111"},
    "add_static": {"number": "+390694111112", "source": "billboard"},
    "release_number": {"sure": "no"},
    "add_site_number": {"target": "+390669940002"},
    "remove_site_number": {"target": "+390669940003"},
    "connect_destination": {"kind": "webhook", "name": "CRM", **RECEIVER},
    "change_destination": {"name": "CRM", **RECEIVER},
    "remove_destination": {"sure": "no"},
    "plan_import": {"col0": "phone", "outcome": "lead"},
    "run_import": {"dry": "yes"},
    "remove_import": {"sure": "no"},
    "match_outcome": {"call_id": 32 * "0"},
    "dismiss_outcome": {"reason": "A test."},
    "change_crm_door": {"wish": "open"},
    "preview_rows": {"rows": "{}"},
}


@dataclass(frozen=True)
class Tenant:
    company: Company
    people: dict[str, Person]
    ids: dict[str, UUID]


@pytest.fixture(scope="module")
def mine(services: Services) -> Tenant:
    return tenant(services)


@pytest.fixture(scope="module")
def theirs(services: Services) -> Tenant:
    return tenant(services)


def tenant(services: Services, say: str = "") -> Tenant:
    """Make a company with something behind every page; `say` is what strangers wrote wherever they could."""
    company = make_company(services, name=say) if say else make_company(services)
    made = Maker(services, company, say=say).fill(12, 20)
    # Names with invisible marks are refused; everything else is taken as it is written.
    named, file_name = say if say and say.isprintable() else "Customers", say or "crm.csv"
    people = {role: make_user(services, company, role) for role in ("owner", "manager", "viewer")}
    with services.db.tenant(company.id) as session:
        key = api_keys.create_api_key(session, company.id, "CRM", "viewer", NOON)
        audience_id = create_audience(session, company.id, named, {"fact": "bought"}, NOON)
        place_id = connect_list(session, company.id, audience_id, made.destinations[0], "777001", NOON)
        file = BytesIO(b"phone,outcome\n+393471234567,lead\n")
        import_id = imports.store_file(session, services.vault, company.id, file, file_name, "test", NOON)
        told = Told(outcome="lead", clues=Clues(phone="+393470000000"))
        inbox_id = inbox.keep(
            session, services.vault, company.id, told, "No call.", "test", "crm", NOON, NOON
        )
    ids = {
        "call_id": made.calls[3], "delivery_id": made.deliveries[0], "key_id": key.id,
        "import_id": import_id, "inbox_id": inbox_id,
        "destination_id": made.destinations[1], "location_id": company.location_id,
        "site_id": company.site_id, "pool_id": company.pool_id, "number_id": company.number_ids[0],
        "notice_id": made.notices[0], "audience_id": audience_id, "place_id": place_id,
        "user_id": make_user(services, company, "viewer").id,
    }  # fmt: skip
    return Tenant(company, people, ids)


def pages(app: Flask) -> list[tuple[str, Rule, str]]:
    """Return (name, rule, method) of every page of a company."""
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if "company_id" in rule.arguments:
                found.append((rule.endpoint.removeprefix("dashboard."), rule, method))
    return found


def address(app: Flask, rule: Rule, company_id: UUID, ids: dict[str, UUID]) -> str:
    wanted = {name: ids[name] for name in rule.arguments if name != "company_id"}
    with app.test_request_context():
        return app.url_map.bind("localhost").build(rule.endpoint, {"company_id": company_id, **wanted})


def visit(browser: Browser, method: str, path: str, name: str, **more: str) -> tuple[int, str]:
    answer = browser.get(path) if method == "GET" else browser.post(path, **(FORMS.get(name, {}) | more))
    return answer.status_code, answer.text


def test_the_address_map_holds_nothing_that_is_not_declared(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint != "static"}
    assert endpoints == set(NEEDS) | set(OPEN)
    assert {name.removeprefix("dashboard."): role for name, role in NEEDS.items()} == TABLE


def test_nobody_gets_in_without_signing_in(app: Flask, mine: Tenant) -> None:
    browser = Browser(app)
    for name, rule, method in pages(app):
        path = address(app, rule, mine.company.id, mine.ids)
        status, text = visit(browser, method, path, name)
        assert status == (303 if method == "GET" else 401), (name, method)
        assert "Traslochi" not in text


@pytest.mark.parametrize("role", ["owner", "manager", "viewer"])
def test_a_foreign_company_looks_like_an_unknown_one(
    app: Flask, mine: Tenant, theirs: Tenant, role: str
) -> None:
    browser = Browser(app)
    browser.sign_in(mine.people[role])
    for name, rule, method in pages(app):
        foreign = visit(browser, method, address(app, rule, theirs.company.id, theirs.ids), name)
        unknown = visit(browser, method, address(app, rule, new_id(), theirs.ids), name)
        assert foreign == unknown, (name, method)
        assert foreign[0] == 404, (name, method)


def test_a_foreign_object_in_ones_own_company_looks_like_an_unknown_one(
    app: Flask, mine: Tenant, theirs: Tenant
) -> None:
    browser = Browser(app)
    browser.sign_in(mine.people["owner"])
    nothing = {name: new_id() for name in mine.ids}
    for name, rule, method in pages(app):
        if rule.arguments == {"company_id"}:
            continue
        foreign = visit(browser, method, address(app, rule, mine.company.id, theirs.ids), name)
        unknown = visit(browser, method, address(app, rule, mine.company.id, nothing), name)
        assert foreign == unknown, (name, method)
        assert foreign[0] == 404, (name, method)


@pytest.mark.parametrize("role", ["viewer", "manager", "owner"])
def test_every_page_opens_for_its_role_and_above_only(app: Flask, services: Services, role: str) -> None:
    for name, rule, method in pages(app):
        fresh = _fresh(services, app)
        browser = Browser(app)
        browser.sign_in(fresh.people[role])
        path = address(app, rule, fresh.company.id, fresh.ids)
        status, _ = visit(browser, method, path, name, **own(name, fresh.company))
        allowed = (200,) if method == "GET" and name not in LEAVES else (200, 303)
        expected = allowed if RANK[role] >= RANK[TABLE[name]] else (403,)
        assert status in expected, (name, method, status)


def own(name: str, company: Company) -> dict[str, str]:
    """Return what a form must hold of its own company, and numbers that nobody has yet."""
    return {
        "change_location": {"forward_to": company.target},
        "add_pool": {"location": company.location_id.hex},
        "add_numbers": {"numbers": fresh_e164()},
        "add_static": {"location": company.location_id.hex, "number": fresh_e164()},
        "add_site_number": {"pool": company.pool_id.hex},
    }.get(name, {})


_shared: list[Tenant] = []


def _fresh(services: Services, app: Flask) -> Tenant:
    """One tenant serves all cells: no form of the table takes another cell's object away."""
    if not _shared:
        _shared.append(tenant(services))
    return _shared[0]


def test_only_an_owner_changes_where_calls_are_put_through(app: Flask, services: Services) -> None:
    company = make_company(services)
    path = f"/app/{company.id.hex}/settings/locations/{company.location_id.hex}"
    table: list[tuple[Role, int, str]] = [
        ("manager", 403, company.target),
        ("owner", 303, "+390669940001"),
    ]
    for role, status, expected in table:
        browser = Browser(app)
        browser.sign_in(make_user(services, company, role))
        assert browser.post(path, **FORMS["change_location"]).status_code == status
        with services.db.tenant(company.id) as session:
            (branch,) = locations(session, company.id)
        assert branch.forward_to == expected


def test_a_viewer_sees_masked_numbers_and_a_manager_full_ones(app: Flask, services: Services) -> None:
    company = make_company(services)
    Maker(services, company).fill(6, 3)
    texts = {}
    for role in ("viewer", "manager"):
        browser = Browser(app)
        browser.sign_in(make_user(services, company, role))
        base = f"/app/{company.id.hex}"
        texts[role] = browser.get(f"{base}/calls").text
        live = browser.get(f"{base}/live").text
        assert "+39 347 •••" in live
    assert "+39 347 •••" in texts["viewer"]
    assert "+39 347 •••" not in texts["manager"]
