"""Taking turns: two transactions that decide about the same thing go one after the other."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_TAKE = text("SELECT pg_advisory_xact_lock(hashtextextended(:words, 0))")


def take_turn(session: Session, *words: object) -> None:
    """Wait until no other transaction holds the turn of the same words; it ends with this transaction."""
    session.execute(_TAKE, {"words": "/".join(str(word) for word in words)})
