"""What was said in a call, whoever wrote it down: one form, stored sealed, card numbers taken out.

Engines: the carrier tells utterances during the call (`live_transcripts`), a program of the server's owner
reads recordings afterwards (`local_transcripts`). Both end here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, Protocol
from uuid import UUID

import msgspec
from sqlalchemy import cast, delete, select
from sqlalchemy.dialects.postgresql import TSVECTOR, insert
from sqlalchemy.orm import Session

from calltrack.calls.keeping_model import Transcript
from calltrack.calls.transcript_words import search_vector, words_in
from calltrack.infra import outbox
from calltrack.infra.crypto import Vault
from calltrack.kernel.cards import redact_all

PLACE: Final = "transcript.spoken"
LIVE: Final = "live"
Speaker = Literal["caller", "business", ""]


@dataclass(frozen=True)
class Utterance:
    """What somebody said; `at` counts seconds from the beginning of the call or recording."""

    at: float
    speaker: Speaker
    text: str


@dataclass(frozen=True)
class Spoken:
    """A whole transcript."""

    language: str
    utterances: tuple[Utterance, ...]

    @property
    def text(self) -> str:
        """All that was said, one utterance a line."""
        return "\n".join(one.text for one in self.utterances)


class Engine(Protocol):
    """Whoever turns the sound of a recording into words."""

    @property
    def name(self) -> str:
        """How it is called on pages."""
        ...

    def transcribe(self, wav: Iterable[bytes], caller_channel: int) -> Spoken:
        """Return what is said in a WAV file; raises EngineFailed with words for people."""
        ...


class EngineFailed(Exception):
    """The engine made no transcript; the text names the next step and holds nothing that was said."""


def redacted(spoken: Spoken) -> Spoken:
    """Return the transcript without card numbers, also those said in several breaths."""
    texts = redact_all([one.text for one in spoken.utterances])
    said = tuple(replace(one, text=text) for one, text in zip(spoken.utterances, texts, strict=True))
    return Spoken(spoken.language, said)


def store_transcript(
    session: Session, vault: Vault, company_id: UUID, call_id: UUID, source: str, engine: str,
    spoken: Spoken, now: datetime,
) -> None:  # fmt: skip
    """Store a transcript in place of the one from the same source, and record that it was made.

    An empty one is stored too, and tells that nobody said anything; an equal one changes nothing.
    """
    clean = redacted(spoken)
    row = session.get(Transcript, (company_id, call_id, source))
    if row is not None and row.spoken is not None and open_spoken(vault, company_id, row.spoken) == clean:
        return
    values: dict[str, Any] = {
        "engine": engine,
        "state": "made",
        "language": clean.language,
        "words": len(words_in(clean.text)),
        "spoken": vault.seal_bytes(company_id, PLACE, msgspec.json.encode(clean)),
        "search": cast(search_vector(vault, company_id, clean.text), TSVECTOR),
        "made_at": now,
        "due_at": None,
        "problem": "",
    }
    new = insert(Transcript).values(company_id=company_id, call_id=call_id, source=source, **values)
    session.execute(
        new.on_conflict_do_update(index_elements=["company_id", "call_id", "source"], set_=values)
    )
    outbox.record(session, company_id, "transcript.made", call_id, now)


def forget(session: Session, company_id: UUID, call_id: UUID) -> None:
    """Delete all transcripts of a call."""
    session.execute(
        delete(Transcript).where(Transcript.company_id == company_id, Transcript.call_id == call_id)
    )


def open_transcripts(
    session: Session, vault: Vault, company_id: UUID, call_ids: Iterable[UUID]
) -> dict[UUID, tuple[Spoken, ...]]:
    """Return the transcripts of calls: the one made during the call first, then those of recordings."""
    rows = session.execute(
        select(Transcript.call_id, Transcript.spoken)
        .where(
            Transcript.company_id == company_id,
            Transcript.call_id.in_(list(call_ids)),
            Transcript.spoken.is_not(None),
        )
        .order_by(Transcript.call_id, Transcript.source != LIVE, Transcript.source)
    )
    found: dict[UUID, tuple[Spoken, ...]] = {}
    for row in rows:
        found[row.call_id] = (*found.get(row.call_id, ()), open_spoken(vault, company_id, row.spoken))
    return found


def open_spoken(vault: Vault, company_id: UUID, sealed: bytes) -> Spoken:
    """Return a stored transcript."""
    return msgspec.json.decode(vault.open_bytes(company_id, PLACE, sealed), type=Spoken)
