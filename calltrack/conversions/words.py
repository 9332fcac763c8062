"""Keeps what was said about calls: each word once, found again by call or by the name of its order."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion, OutcomeWord
from calltrack.conversions.rules import RULE, Outcome, rank
from calltrack.conversions.word_rules import Word, in_order
from calltrack.kernel.ids import new_id


def words_of(session: Session, call: Call) -> list[Word]:
    """Return all that was said about the call."""
    rows = session.scalars(
        select(OutcomeWord).where(OutcomeWord.company_id == call.company_id, OutcomeWord.call_id == call.id)
    )
    return [_word(row) for row in rows]


def home_of(session: Session, company_id: UUID, external_id: str) -> UUID | None:
    """Return the call an order was first told of; an order never moves to another call."""
    if not external_id:
        return None
    said = select(OutcomeWord.call_id).where(
        OutcomeWord.company_id == company_id,
        OutcomeWord.external_id == external_id,
        OutcomeWord.external_id != "",
    )
    kept = select(Conversion.call_id).where(
        Conversion.company_id == company_id,
        Conversion.kind == "purchase",
        Conversion.external_id == external_id,
        Conversion.external_id != "",
    )
    return session.scalar(said.order_by(OutcomeWord.id).limit(1)) or session.scalar(kept)


def keep(session: Session, call: Call, outcome: Outcome, currency: str, now: datetime) -> list[Word]:
    """Store what was said unless it was said before; returns all words about the call, this one included.

    Without `said_at` it is said now; it is a repetition where the last word about the same order said the
    same, and from a file (`import`) where any word did: a file is read again and again.
    """
    known = words_of(session, call)
    known += _from_older_rows(session, call, known, now)
    word = Word(
        kind=outcome.kind,
        said_at=min(outcome.said_at, now) if outcome.said_at else _after(known, now),
        by=outcome.by,
        via="call_back" if outcome.called_back_at else outcome.via,
        currency=outcome.currency or currency,
        value_minor=outcome.value_minor,
        external_id=outcome.external_id,
        reason=outcome.reason,
        occurred_at=outcome.called_back_at or outcome.occurred_at,
    )
    if not _is_repeated(word, known, is_dated=outcome.said_at is not None):
        _store(session, call, word, now)
        known.append(word)
    return known


def _after(known: list[Word], now: datetime) -> datetime:
    """Return now, or the first moment after the last word: what comes without a time is said last."""
    return max([now, *(word.said_at + timedelta(microseconds=1) for word in known)])


def _is_repeated(word: Word, known: list[Word], *, is_dated: bool) -> bool:
    same = [other for other in in_order(known) if _content(other) == _content(word)]
    if is_dated:
        # Whichever of two doors told it first, both stand: the order of words decides, not that of arrival.
        return any((other.said_at, other.via) == (word.said_at, word.via) for other in same)
    if word.via == "import":
        return bool(same)
    about = [other for other in in_order(known) if other.external_id == word.external_id]
    return bool(about) and _content(about[-1]) == _content(word)


def _content(word: Word) -> tuple[object, ...]:
    return word.kind, word.value_minor, word.currency, word.external_id, rank(word.via), word.occurred_at


def _from_older_rows(session: Session, call: Call, known: list[Word], now: datetime) -> list[Word]:
    """Write down what people said before words were kept, as far as the conversions still tell."""
    rows = session.scalars(
        select(Conversion).where(
            Conversion.company_id == call.company_id,
            Conversion.call_id == call.id,
            Conversion.decided_by != RULE,
        )
    ).all()
    found = []
    for row in rows:
        if any(_tells_of(word, row) for word in known):
            continue
        first = _of_row(row, "purchase" if row.kind == "purchase" else "lead", row.created_at)
        found.append(first)
        if row.status == "retracted":
            found.append(_of_row(row, "none", row.changed_at))
    for word in found:
        _store(session, call, word, now)
    return found


def _tells_of(word: Word, row: Conversion) -> bool:
    if row.kind == "lead":
        return word.kind in ("lead", "none")
    return word.kind == "purchase" and word.external_id == row.external_id


def _of_row(row: Conversion, kind: str, at: datetime) -> Word:
    return Word(
        kind=kind,  # type: ignore[arg-type]  # one of the three named above
        said_at=at,
        by=row.decided_by,
        via=row.via if row.via != RULE else "dashboard",  # type: ignore[arg-type]  # checked by the database
        currency=row.currency,
        value_minor=row.value_minor if kind == "purchase" else None,
        external_id=row.external_id if kind == "purchase" else "",
        reason=row.reason,
        occurred_at=row.occurred_at,
    )


def _store(session: Session, call: Call, word: Word, now: datetime) -> None:
    session.add(
        OutcomeWord(
            company_id=call.company_id,
            id=new_id(now),
            call_id=call.id,
            kind=word.kind,
            external_id=word.external_id,
            value_minor=word.value_minor,
            currency=word.currency,
            occurred_at=word.occurred_at,
            said_at=word.said_at,
            said_by=word.by,
            via=word.via,
            reason=word.reason,
            recorded_at=now,
        )
    )
    session.flush()


def _word(row: OutcomeWord) -> Word:
    return Word(
        kind=row.kind,  # type: ignore[arg-type]  # checked by the database
        said_at=row.said_at,
        by=row.said_by,
        via=row.via,  # type: ignore[arg-type]  # checked by the database
        currency=row.currency,
        value_minor=row.value_minor,
        external_id=row.external_id,
        reason=row.reason,
        occurred_at=row.occurred_at,
    )
