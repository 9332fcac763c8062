"""Pools by API: read, and changed by managers."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from calltrack.accounts.model import AuditEntry
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Pool, Slot
from calltrack.wiring import Services
from tests.api.conftest import program_of
from tests.builders import Company, make_company

BASE = "/api/v1/pools"


def test_a_pool_is_read_and_changed(services: Services, client: FlaskClient, company: Company) -> None:
    manager = program_of(services, client, company, "manager")
    (pool,) = manager.get(BASE).json["pools"]
    assert pool == {
        "id": company.pool_id.hex, "name": "Sito Roma", "location": "Roma",
        "location_id": company.location_id.hex, "lease_seconds": 150, "cooldown_seconds": 60, "near": [],
        "numbers": 5, "far_numbers": [],
    }  # fmt: skip
    first, *others = sorted(company.numbers)
    path = f"{BASE}/{pool['id']}"
    changed = manager.patch(path, {"near": [f"00{first[1:]}"], "cooldown_seconds": 0})
    wanted = pool | {"near": [first], "cooldown_seconds": 0, "far_numbers": others}
    assert (changed.status_code, changed.json) == (200, wanted)
    assert manager.patch(path, {}).json == manager.get(path).json == wanted
    assert manager.patch(path, {"near": ["06"], "name": "Ads"}).json == wanted | {
        "near": ["+3906"], "far_numbers": [], "name": "Ads",
    }  # fmt: skip
    with services.db.tenant(company.id) as session:
        assert [one.action for one in session.scalars(select(AuditEntry))].count("pool.change") == 2


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"near": ["+49089"]}, "begins with +49089"),
        ({"near": ["Milano"]}, "no leading digits"),
        ({"near": [f"+39{place}" for place in range(310, 317)]}, "At most 5"),
        ({"lease_seconds": 0}, "between 1 and 3600"),
        ({"cooldown_seconds": 90_000}, "at most 86400"),
        ({"name": "  "}, "name"),
        ({"lease_seconds": "soon"}, "lease_seconds"),
        ({"near": "+3902"}, "near"),
    ],
)
def test_a_wrong_change_is_refused_with_words_and_nothing_is_changed(
    services: Services, client: FlaskClient, company: Company, body: dict[str, object], says: str
) -> None:
    manager = program_of(services, client, company, "manager")
    answer = manager.patch(f"{BASE}/{company.pool_id}", {"near": [company.numbers[0]], "name": "Ads"} | body)
    assert answer.status_code in (400, 422)
    assert says.lower() in answer.text.lower()
    with services.db.tenant(company.id) as session:
        pool = session.scalars(select(Pool)).one()
        assert (pool.name, pool.near, pool.lease_seconds) == ("Sito Roma", [], 150)
        assert not session.scalars(select(Slot.number_id).where(Slot.is_far)).all()


def test_viewers_read_only_and_foreign_pools_are_unknown(
    services: Services, client: FlaskClient, company: Company
) -> None:
    other = make_company(services)
    viewer = program_of(services, client, company, "viewer")
    assert viewer.get(f"{BASE}/{company.pool_id}").status_code == 200
    assert viewer.patch(f"{BASE}/{company.pool_id}", {"name": "x"}).status_code == 403
    manager = program_of(services, client, company, "manager")
    for unknown in (other.pool_id, new_id()):
        assert manager.get(f"{BASE}/{unknown}").status_code == 404
        assert manager.patch(f"{BASE}/{unknown}", {"name": "x"}).status_code == 404
