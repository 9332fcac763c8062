"""The carrier account: connected once, changed later, its token sealed."""

from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from calltrack.accounts.carrier import PLACE, carrier_of, change_carrier, connect_carrier
from calltrack.accounts.model import AuditEntry, CarrierAccount
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.numbers.model import TrackingNumber
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_company

SID, TOKEN = "AC" + 32 * "a", 32 * "0"
_minutes = count(1)


@pytest.fixture
def bare(services: Services) -> Company:
    """A company whose carrier was never connected."""
    company = make_company(services, numbers=0)
    with services.db.tenant(company.id) as session:
        session.execute(delete(TrackingNumber).where(TrackingNumber.company_id == company.id))
        session.execute(delete(CarrierAccount).where(CarrierAccount.company_id == company.id))
    return company


def connect(services: Services, company: Company, sid: str = SID, token: str = TOKEN) -> UUID:
    with services.db.tenant(company.id) as session:
        return connect_carrier(session, services.vault, company.id, sid, token, NOON, by="anna")


def change(services: Services, company: Company, sid: str = SID, token: str = "") -> None:
    with services.db.tenant(company.id) as session:
        at = NOON + timedelta(minutes=next(_minutes))
        change_carrier(session, services.vault, company.id, sid, token, at, by="anna")


def stored(services: Services, company: Company) -> tuple[str, str]:
    with services.db.tenant(company.id) as session:
        row = session.scalars(select(CarrierAccount)).one()
    return row.account_sid, services.vault.open(company.id, PLACE, row.auth_token)


def trail(services: Services, company: Company) -> list[tuple[str, str, object]]:
    with services.db.tenant(company.id) as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    return [(row.action, row.subject, row.detail) for row in rows]


def test_what_was_connected_is_what_checks_signatures(services: Services, bare: Company) -> None:
    id_ = connect(services, bare, f"  {SID} ", f"{TOKEN}\n")
    assert stored(services, bare) == (SID, TOKEN)
    with services.db.tenant(bare.id) as session:
        found = carrier_of(session, bare.id)
    assert found is not None
    assert (found.id, found.account_sid, found.carrier) == (id_, SID, "twilio")
    assert trail(services, bare) == [("carrier.connect", SID, {})]
    with pytest.raises(Conflict):
        connect(services, bare)


@pytest.mark.parametrize("sid", ["", "AC", SID[:-1], SID + "a", "SK" + SID[2:], "AC" + 32 * "g"])
def test_a_sid_of_another_shape_is_refused(services: Services, bare: Company, sid: str) -> None:
    with pytest.raises(BadInput, match="AC followed by 32"):
        connect(services, bare, sid)
    assert trail(services, bare) == []


@pytest.mark.parametrize("token", ["", "short", "with blanks in the midst of it", 129 * "a", 31 * "0" + "è"])
def test_a_token_of_another_shape_is_refused_and_never_repeated(
    services: Services, bare: Company, token: str
) -> None:
    with pytest.raises(BadInput) as refused:
        connect(services, bare, token=token)
    assert not token or token not in str(refused.value)


def test_a_change_keeps_or_replaces_the_token(services: Services, bare: Company) -> None:
    with pytest.raises(NotFound):
        change(services, bare)
    connect(services, bare)
    other = "AC" + 32 * "b"
    with pytest.raises(BadInput, match="give both"):
        change(services, bare, other)
    change(services, bare)
    change(services, bare, SID, TOKEN)
    assert [action for action, _, _ in trail(services, bare)] == ["carrier.connect"]
    change(services, bare, SID, 32 * "1")
    assert stored(services, bare) == (SID, 32 * "1")
    change(services, bare, other, 32 * "2")
    assert stored(services, bare) == (other, 32 * "2")
    assert trail(services, bare)[1:] == [
        ("carrier.change", SID, {"new_token": True}),
        ("carrier.change", other, {"new_token": True}),
    ]
