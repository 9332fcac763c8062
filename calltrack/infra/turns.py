"""Taking turns: two transactions that decide about the same thing go one after the other."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

_TAKE = text("SELECT pg_advisory_xact_lock(hashtextextended(:words, 0))")
_SHARE = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:words, 0))")
_TRY = text("SELECT pg_try_advisory_lock(hashtextextended(:words, 0))")


def take_turn(session: Session, *words: object) -> None:
    """Wait until no other transaction holds the turn of the same words; it ends with this transaction."""
    session.execute(_TAKE, {"words": "/".join(str(word) for word in words)})


def share_turn(session: Session, *words: object) -> None:
    """Wait until no other transaction holds the turn of the same words alone; any number may share it."""
    session.execute(_SHARE, {"words": "/".join(str(word) for word in words)})


@contextmanager
def only_one(engine: Engine, *words: object) -> Iterator[bool]:
    """Tell whether nobody else, in any process, is inside the same words; holds no transaction open."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as held:
        # Out of the pool: closing it ends its session, and with it the turn, however the block ends.
        held.detach()
        yield bool(held.scalar(_TRY, {"words": "/".join(str(word) for word in words)}))
