"""Signing in: passwords, sessions and how they end."""

from datetime import timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from calltrack.accounts import passwords, service, sessions
from calltrack.accounts.model import LoginSession, User
from calltrack.kernel.errors import Conflict
from calltrack.wiring import Services
from tests.accounts.people import PASSWORD, make_user
from tests.builders import NOON, Company


def test_the_right_password_opens_a_session_whose_token_is_not_stored(services: Services) -> None:
    user = make_user(services)
    token = sessions.sign_in(services.db, user.email.upper() + " ", PASSWORD, "Firefox", NOON)
    assert token is not None
    who = sessions.who(services.db, token, NOON)
    assert who is not None
    assert (who.user_id, who.email) == (user.id, user.email)
    with services.db.shared() as session:
        row = session.scalars(select(LoginSession).where(LoginSession.user_id == user.id)).one()
        assert token.encode() not in row.token_hash
        assert len(row.token_hash) == 32


@pytest.mark.parametrize("password", ["", PASSWORD + "!", PASSWORD.upper()])
def test_a_wrong_password_opens_nothing(services: Services, password: str) -> None:
    user = make_user(services)
    assert sessions.sign_in(services.db, user.email, password, "", NOON) is None
    assert sessions.sign_in(services.db, "nobody@example.test", password, "", NOON) is None


def test_an_unknown_name_costs_one_computation_like_a_wrong_password(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, counted = make_user(services), []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - the library's name
            counted.append(self._parameters_of(hash))
            return super().verify(hash, password)

        def _parameters_of(self, stored: str | bytes) -> str:
            return str(stored).rsplit("$", 2)[0]

    monkeypatch.setattr(passwords, "HASHER", Counting(time_cost=2, memory_cost=32 * 1024, parallelism=1))
    for name in (user.email, "nobody@example.test"):
        sessions.sign_in(services.db, name, "wrong", "", NOON)
    assert len(counted) == 2
    assert counted[0] == counted[1]


@pytest.mark.parametrize(
    ("idle", "later", "is_in"),
    [
        (timedelta(hours=11), timedelta(hours=11, minutes=59), True),
        (timedelta(0), timedelta(hours=12, seconds=1), False),
    ],
)
def test_a_session_ends_after_twelve_idle_hours(
    services: Services, idle: timedelta, later: timedelta, is_in: bool
) -> None:
    user = make_user(services)
    token = sessions.sign_in(services.db, user.email, PASSWORD, "", NOON) or ""
    assert sessions.who(services.db, token, NOON + idle)
    assert (sessions.who(services.db, token, NOON + later) is not None) is is_in


def test_a_session_in_use_still_ends_after_two_weeks(services: Services) -> None:
    user = make_user(services)
    token = sessions.sign_in(services.db, user.email, PASSWORD, "", NOON) or ""
    moment = NOON
    while moment < NOON + timedelta(days=13, hours=10):
        moment += timedelta(hours=10)
        assert sessions.who(services.db, token, moment)
    assert sessions.who(services.db, token, NOON + timedelta(days=14)) is None


def test_signing_out_disabling_and_a_new_password_end_sessions(services: Services) -> None:
    user = make_user(services)
    tokens = [sessions.sign_in(services.db, user.email, PASSWORD, "", NOON) or "" for _ in range(3)]
    with services.db.shared() as session:
        sessions.end(session, tokens[0], NOON)
    assert [bool(sessions.who(services.db, token, NOON)) for token in tokens] == [False, True, True]
    kept = sessions.who(services.db, tokens[1], NOON)
    assert kept
    with services.db.shared() as session:
        service.set_password(session, user.id, "another long password", NOON, kept.session_hash)
    assert [bool(sessions.who(services.db, token, NOON)) for token in tokens] == [False, True, False]
    with services.db.shared() as session:
        service.set_active(session, user.id, False, NOON)
    assert sessions.who(services.db, tokens[1], NOON) is None
    assert sessions.sign_in(services.db, user.email, "another long password", "", NOON) is None


def test_a_weak_stored_hash_is_renewed_at_the_next_sign_in(services: Services) -> None:
    user = make_user(services)
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    with services.db.shared() as session:
        session.execute(update(User).where(User.id == user.id).values(password_hash=weak))
    assert sessions.sign_in(services.db, user.email, PASSWORD, "", NOON)
    with services.db.shared() as session:
        renewed = session.scalars(select(User.password_hash).where(User.id == user.id)).one()
    assert renewed.startswith("$argon2id$")
    assert "m=32768,t=2,p=1" in renewed


def test_a_third_password_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "LONGEST_WAIT_SECONDS", 0.05)
    with passwords._turn(), passwords._turn(), pytest.raises(passwords.TooBusy):
        passwords.hash_password(PASSWORD)
    assert passwords.hash_password(PASSWORD)


def test_a_company_keeps_its_last_owner(services: Services, company: Company) -> None:
    first, second = make_user(services, company), make_user(services, company, "viewer")
    with services.db.tenant(company.id) as session, pytest.raises(Conflict):
        service.change_role(session, company.id, first.id, "viewer")
    with services.db.tenant(company.id) as session:
        service.change_role(session, company.id, second.id, "owner")
        service.remove_member(session, company.id, first.id)
    with services.db.tenant(company.id) as session, pytest.raises(Conflict):
        service.remove_member(session, company.id, second.id)
