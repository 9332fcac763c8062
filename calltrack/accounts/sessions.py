"""Signed-in browsers: the cookie holds a random token, the database only its hash."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from calltrack.accounts.model import LoginSession, User
from calltrack.accounts.passwords import hash_password, is_outdated, is_right
from calltrack.accounts.rules import email_key
from calltrack.infra.crypto import new_token, token_hash
from calltrack.infra.db import Database

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=14)
# Sensitive changes ask for the password again when the sign-in is older than this.
FRESH = timedelta(minutes=10)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SignedIn:
    """Who sits in front of a browser."""

    user_id: UUID
    name: str
    email: str
    signed_in_at: datetime
    session_hash: bytes

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether the password was given so lately that it need not be asked again."""
        return now - self.signed_in_at <= FRESH


def sign_in(db: Database, email: str, password: str, user_agent: str, now: datetime) -> str | None:
    """Check name and password and return a new session's token; None when either is wrong.

    No transaction is open while the password is checked, and an unknown name takes as long as a known one.
    """
    with db.shared() as session:
        user = session.scalar(select(User).where(User.email == email_key(email), User.is_active))
    stored = user.password_hash if user else None
    if not is_right(stored, password) or user is None:
        return None
    renewed = hash_password(password) if is_outdated(user.password_hash) else None
    with db.shared() as session:
        if renewed:
            session.execute(update(User).where(User.id == user.id).values(password_hash=renewed))
        return start(session, user.id, user_agent, now)


def start(session: Session, user_id: UUID, user_agent: str, now: datetime) -> str:
    """Open a session for a user and return its token, which is kept nowhere."""
    token = new_token()
    session.add(
        LoginSession(
            token_hash=token_hash(token),
            user_id=user_id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + ABSOLUTE,
            user_agent=user_agent[:200],
        )
    )
    return token


def who(db: Database, token: str, now: datetime) -> SignedIn | None:
    """Return who a session's token belongs to; None when it ended, expired, idled or the user is disabled."""
    key = token_hash(token)
    with db.shared() as session:
        row = session.execute(
            select(LoginSession, User)
            .join(User, User.id == LoginSession.user_id)
            .where(
                LoginSession.token_hash == key,
                LoginSession.ended_at.is_(None),
                LoginSession.expires_at > now,
                LoginSession.last_seen_at > now - IDLE,
                User.is_active,
            )
        ).one_or_none()
        if row is None:
            return None
        login, user = row
        if now - login.last_seen_at > SEEN_EVERY:
            login.last_seen_at = now
        return SignedIn(user.id, user.name, user.email, login.created_at, key)


def confirm(db: Database, who_: SignedIn, password: str) -> bool:
    """Tell whether the signed-in person knows the password (asked again before sensitive changes)."""
    with db.shared() as session:
        stored = session.scalar(select(User.password_hash).where(User.id == who_.user_id))
    return is_right(stored, password)


def end(session: Session, token: str, now: datetime) -> None:
    """End one session (sign out)."""
    session.execute(
        update(LoginSession).where(LoginSession.token_hash == token_hash(token)).values(ended_at=now)
    )


def end_all(session: Session, user_id: UUID, now: datetime, except_hash: bytes = b"") -> int:
    """End all sessions of a user, except the given one; returns how many ended."""
    ended = session.execute(
        update(LoginSession)
        .where(
            LoginSession.user_id == user_id,
            LoginSession.ended_at.is_(None),
            LoginSession.token_hash != except_hash,
        )
        .values(ended_at=now)
        .returning(LoginSession.token_hash)
    )
    return len(ended.all())
