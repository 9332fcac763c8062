"""The carrier writes down what is said, where the company wants that and the caller was told."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, update

from calltrack.accounts.model import Company as CompanyRow
from calltrack.accounts.model import Location
from calltrack.calls.desk import Desk
from calltrack.calls.live_transcripts import write_down
from calltrack.calls.transcripts import open_transcripts
from calltrack.wiring import Services
from tests.builders import Company
from tests.calls.rows import calls_of
from tests.calls.test_flow_calls import ALWAYS, Play, played, put
from tests.calls.test_hooks import refresh

__all__ = ["played", "put"]
SAID = (("business", "Traslochi Rossi, buongiorno"), ("caller", "Vorrei un preventivo per Milano"))


def wish(services: Services, company: Company, desk: Desk, transcripts: str, *, record: bool) -> None:
    """Set what the company wants written down, and whether its line records."""
    with services.db.tenant(company.id) as session:
        session.execute(
            update(CompanyRow)
            .where(CompanyRow.id == company.id)
            .values(settings=CompanyRow.settings + func.jsonb_build_object("transcripts", transcripts))
        )
        session.execute(update(Location).values(record=record))
    refresh(desk)


def told_of(journal: Any) -> list[str]:
    return [r.sent["TranscriptionEvent"] for r in journal.requests if r.purpose == "transcription"]


@pytest.mark.parametrize("order", ["fifo", "shuffled", "reversed"])
def test_what_is_said_in_a_recorded_call_is_written_down(
    played: Play, services: Services, company: Company, desk: Desk, voice: FlaskClient, order: str
) -> None:
    wish(services, company, desk, "carrier", record=True)
    journal = played(said=SAID, order=order, duplicates=0.5, seed=2)
    assert "registrata" in journal.heard[0], "told before"
    (call,) = calls_of(services, company.id)
    write_down(services, company.id, call.id)
    with services.db.tenant(company.id) as session:
        (one,) = open_transcripts(session, services.vault, company.id, [call.id])[call.id]
    assert [(said.speaker, said.text) for said in one.utterances] == list(SAID)
    assert one.language == "it-IT"


@pytest.mark.parametrize(("transcripts", "record"), [("off", True), ("local", True), ("carrier", False)])
def test_nothing_is_written_down_that_nobody_wished_or_was_told_of(
    played: Play, services: Services, company: Company, desk: Desk, transcripts: str, record: bool
) -> None:
    wish(services, company, desk, transcripts, record=record)
    journal = played(said=SAID)
    assert journal.bridged
    assert told_of(journal) == []


def test_who_does_not_wish_to_be_recorded_is_not_written_down(
    put: Any, played: Play, services: Services, company: Company, desk: Desk
) -> None:
    put(ALWAYS)
    wish(services, company, desk, "carrier", record=False)
    told = played(digits=("1", "", "3"), said=SAID)
    assert told_of(told) == ["transcription-started", *["transcription-content"] * 2, "transcription-stopped"]
    opted_out = played(digits=("1", "9", "3"), said=SAID)
    assert opted_out.bridged
    assert told_of(opted_out) == []
