"""API keys: made once, shown once, refused after they are taken back."""

import pytest

from calltrack.accounts.api_keys import authenticate_api_key, create_api_key, revoke_api_key
from calltrack.accounts.queries import api_keys
from calltrack.kernel.errors import NotAllowed, NotFound
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_company


def test_a_key_opens_its_own_company_until_it_is_revoked(services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session:
        key = create_api_key(session, company.id, "CRM", "manager", NOON)
    assert authenticate_api_key(services, key.text) == (company.id, "manager", key.id)
    with services.db.tenant(company.id) as session:
        (row,) = api_keys(session, company.id)
        assert row.last_used_at is not None
        assert key.text.rsplit("_", 1)[1] not in repr(row)
        revoke_api_key(session, company.id, key.id, NOON)
    with pytest.raises(NotAllowed):
        authenticate_api_key(services, key.text)


def test_wrong_keys_are_refused_alike(services: Services, company: Company) -> None:
    other = make_company(services)
    with services.db.tenant(company.id) as session:
        key = create_api_key(session, company.id, "CRM", "viewer", NOON)
    secret = key.text.rsplit("_", 1)[1]
    wrong = [
        "", "ctk_", key.text[:-1], key.text + "x", key.text.replace("ctk_", "CTK_"),
        f"ctk_{other.id.hex}{key.id.hex}_{secret}", f"ctk_{company.id.hex}{other.id.hex}_{secret}",
        f"ctk_{company.id.hex}{key.id.hex}_{'A' * 32}", key.text.replace("_", "_\n", 1),
    ]  # fmt: skip
    said = set()
    for text in wrong:
        with pytest.raises(NotAllowed) as refused:
            authenticate_api_key(services, text)
        said.add(str(refused.value))
    assert len(said) == 1


def test_a_foreign_company_cannot_revoke(services: Services, company: Company) -> None:
    other = make_company(services)
    with services.db.tenant(company.id) as session:
        key = create_api_key(session, company.id, "CRM", "viewer", NOON)
    with services.db.tenant(other.id) as session, pytest.raises(NotFound):
        revoke_api_key(session, other.id, key.id, NOON)
    assert authenticate_api_key(services, key.text)
