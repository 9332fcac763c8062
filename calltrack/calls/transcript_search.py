"""Finding calls by what was said in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from calltrack.calls.keeping_model import Transcript
from calltrack.calls.model import Call
from calltrack.calls.transcript_words import asked_stems, search_query, stem, words_in
from calltrack.calls.transcripts import Utterance, open_transcripts
from calltrack.infra.crypto import Vault

MOST = 50


@dataclass(frozen=True)
class Hit:
    """A call in which the words were said, and the first utterance that holds one of them."""

    call_id: UUID
    started_at: datetime
    talk_seconds: int
    utterance: Utterance


def search(
    session: Session,
    vault: Vault,
    company_id: UUID,
    typed: str,
    before: datetime | None = None,
    most: int = MOST,
) -> tuple[Hit, ...]:
    """Return the newest calls in whose transcript all the words were said.

    Words are found by their first five letters, in quotes exactly and side by side. Raises BadInput when
    nothing was typed.
    """
    asked = cast(bindparam("asked", search_query(vault, company_id, typed), type_=Text()), TSQUERY)
    query = (
        select(Call.id, Call.started_at, Call.talk_seconds)
        .join(Transcript, (Transcript.company_id == Call.company_id) & (Transcript.call_id == Call.id))
        .where(Call.company_id == company_id, Transcript.search.op("@@")(asked))
        .group_by(Call.id, Call.started_at, Call.talk_seconds)
        .order_by(Call.started_at.desc())
        .limit(most)
    )
    rows = session.execute(query.where(Call.started_at < before) if before else query).all()
    spoken = open_transcripts(session, vault, company_id, [row.id for row in rows])
    stems = asked_stems(typed)
    return tuple(
        Hit(row.id, row.started_at, row.talk_seconds, _shown(
            [one for transcript in spoken[row.id] for one in transcript.utterances], stems))
        for row in rows
    )  # fmt: skip


def count_transcripts(session: Session, company_id: UUID) -> int:
    """Return how many calls have a transcript."""
    return (
        session.scalar(
            select(func.count(Transcript.call_id.distinct())).where(
                Transcript.company_id == company_id, Transcript.state == "made"
            )
        )
        or 0
    )


def _shown(said: Sequence[Utterance], stems: set[str]) -> Utterance:
    return next((one for one in said if stems & {stem(word) for word in words_in(one.text)}), said[0])
