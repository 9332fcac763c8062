"""Telephone systems that ask for a login get it, theirs and nobody else's; no flow, page or file shows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from sqlalchemy import text, update

from calltrack.accounts.model import SipLogin
from calltrack.accounts.sip_logins import MOST, drop_sip_login, host_of, keep_sip_login, sip_logins
from calltrack.callflows import service
from calltrack.calls.desk import ROUTES_FILE, Desk
from calltrack.kernel.errors import BadFields, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.sandbox.carrier.twiml_rules import problems
from calltrack.telephony.plans import Login
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.calls.conftest import Carrier
from tests.calls.test_hooks import refresh

NOW = datetime.now(UTC)
HOST, SECRET = "pbx.example.com", 'p4ss<&"word'
Keep = Callable[..., None]


@pytest.fixture
def keep(services: Services, company: Company) -> Keep:
    def act(
        host: str = HOST, username: str = "office", password: str = SECRET, of: Company = company
    ) -> None:
        with services.db.tenant(of.id) as session:
            keep_sip_login(session, services.vault, of.id, host, username, password, NOW, by="anna")

    return act


@pytest.fixture
def ringing(services: Services, company: Company, desk: Desk) -> None:
    """A flow that rings two telephone systems and a number."""
    targets = [
        {"sip": f"sip:office@{HOST}:5061;transport=tls"},
        {"sip": "sip:desk@other.example.com"},
        {"number": "+390669940001"},
    ]
    flow = {
        "start": "ring",
        "steps": {
            "ring": {"kind": "ring", "targets": targets, "no_answer": "again"},
            "again": {"kind": "ring", "targets": targets[:1]},
        },
    }
    with services.db.tenant(company.id) as session:
        flow_id = service.create(session, company.id, f"Flow {new_id().hex}", flow, "anna", NOW)
        service.assign(session, company.id, flow_id, "company", company.id, "anna", NOW)


def rung(document: str) -> dict[str, tuple[str | None, str | None]]:
    """Return each phone of a document with the login beside it."""
    assert problems(document) == []
    nouns = [noun for dial in ElementTree.fromstring(document).iter("Dial") for noun in dial]
    return {noun.text or "": (noun.get("username"), noun.get("password")) for noun in nouns}


@pytest.mark.usefixtures("ringing")
def test_a_telephone_system_gets_its_login_in_every_ring(
    carrier: Carrier, services: Services, company: Company, desk: Desk, keep: Keep
) -> None:
    keep()
    stranger = make_company(services)
    keep("other.example.com", "them", "theirs", of=stranger)
    refresh(desk)
    fields = carrier.call_fields()
    document = carrier.post("", fields).text
    phones = rung(document)
    address = f"sip:office@{HOST}:5061;transport=tls"
    assert phones.pop(address) == ("office", SECRET)
    assert set(phones.values()) == {(None, None)}, "another company's login is nobody else's"
    action = ElementTree.fromstring(document).find("Dial").get("action")  # type: ignore[union-attr]
    path = str(action).partition("#")[0].removeprefix(services.settings.base_url)
    ended = {"DialCallStatus": "no-answer", "DialBridged": "false", "CallStatus": "in-progress"}
    again = carrier.post_to(path, fields | ended).text
    assert rung(again) == {address: ("office", SECRET)}


@pytest.mark.usefixtures("ringing")
def test_a_change_follows_and_what_is_forgotten_is_rung_without(
    carrier: Carrier, services: Services, company: Company, desk: Desk, keep: Keep
) -> None:
    keep()
    keep(username="office", password="newer")
    keep(password="")
    refresh(desk)
    address = f"sip:office@{HOST}:5061;transport=tls"
    assert rung(carrier.post("", carrier.call_fields()).text)[address] == ("office", "newer")
    with services.db.tenant(company.id) as session:
        drop_sip_login(session, company.id, HOST.upper(), NOW, by="anna")
        assert sip_logins(session, company.id) == ()
        with pytest.raises(NotFound):
            drop_sip_login(session, company.id, HOST, NOW, by="anna")
    refresh(desk)
    assert rung(carrier.post("", carrier.call_fields()).text)[address] == (None, None)


@pytest.mark.usefixtures("ringing")
def test_a_login_that_cannot_be_read_costs_no_call(
    carrier: Carrier, services: Services, company: Company, desk: Desk, keep: Keep
) -> None:
    keep()
    with services.db.tenant(company.id) as session:
        session.execute(update(SipLogin).values(password=b"of another key"))
    refresh(desk)
    assert len(rung(carrier.post("", carrier.call_fields()).text)) == 3


@pytest.mark.usefixtures("ringing")
def test_the_password_stands_nowhere_readable(
    services: Services, company: Company, desk: Desk, keep: Keep
) -> None:
    keep()
    refresh(desk)
    with services.db.tenant(company.id) as session:
        rows = session.execute(text("SELECT row_to_json(s)::text FROM sip_login s")).scalars().all()
        told = session.execute(text("SELECT row_to_json(a)::text FROM audit_entry a")).scalars().all()
        (row,) = sip_logins(session, company.id)
    assert SECRET not in "".join([*rows, *told])
    assert SECRET not in repr(row)
    assert SECRET not in repr(Login("office", SECRET))
    table = desk.routes._saved_at
    assert table.name == ROUTES_FILE
    assert HOST in table.read_text()
    assert "p4ss" not in table.read_text()


@pytest.mark.parametrize(
    ("host", "username", "password", "field"),
    [
        ("", "office", SECRET, "host"),
        ("pbx example", "office", SECRET, "host"),
        (HOST, "", SECRET, "username"),
        (HOST, "of fice", SECRET, "username"),
        (HOST, "office", "", "sip_password"),
        (HOST, "office", "pass word", "sip_password"),
        (HOST, "office", "x" * 129, "sip_password"),
    ],
)
def test_what_cannot_be_stored_is_named(
    keep: Keep, host: str, username: str, password: str, field: str
) -> None:
    with pytest.raises(BadFields) as refused:
        keep(host, username, password)
    assert set(refused.value.fields) == {field}


def test_another_user_needs_its_own_password_and_there_is_a_limit(keep: Keep) -> None:
    keep()
    with pytest.raises(BadFields):
        keep(username="boss", password="")
    for turn in range(MOST - 1):
        keep(f"pbx-{turn}.example.com")
    with pytest.raises(Conflict):
        keep("one-more.example.com")
    keep(password="changed")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("sip:office@pbx.example.com;transport=tls", "pbx.example.com"),
        ("sips:a@PBX.example.com:5061", "pbx.example.com"),
        ("pbx.example.com", "pbx.example.com"),
    ],
)
def test_the_host_is_read_out_of_an_address(address: str, host: str) -> None:
    assert host_of(address) == host
