"""Users for tests: real accounts with one cheap password hash shared by all."""

from dataclasses import dataclass
from functools import cache
from uuid import UUID

from calltrack.accounts import service
from calltrack.accounts.model import User
from calltrack.accounts.passwords import hash_password
from calltrack.accounts.rules import Role
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import NOON, Company

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Person:
    id: UUID
    email: str


@cache
def stored_password() -> str:
    return hash_password(PASSWORD)


def make_user(services: Services, company: Company | None = None, role: Role = "owner") -> Person:
    """Store a user, a member of the company with the role where one is given."""
    id_ = new_id()
    email = f"{id_.hex[-12:]}@example.test"
    with services.db.shared() as session:
        session.add(
            User(
                id=id_, email=email, name="Anna Test", password_hash=stored_password(), is_active=True,
                created_at=NOON,
            )
        )  # fmt: skip
    if company:
        with services.db.tenant(company.id) as session:
            service.add_member(session, company.id, id_, role)
    return Person(id_, email)
