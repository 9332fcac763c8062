"""Calls played over real sockets against the product's own voice hooks and a real database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from calltrack.calls.desk import open_desk
from calltrack.calls.model import Call
from calltrack.calls.spool import is_empty
from calltrack.config import Settings
from calltrack.sandbox.carrier import CallJournal, CallScript, SimulatedNumber, Switchboard, Switches, play
from calltrack.sandbox.carrier.script import Outcome
from calltrack.voice import create_voice
from calltrack.wiring import Services
from tests.builders import Company

CALLER = "+393331234567"
OUTCOMES: dict[Outcome, str] = {
    "answered": "answered",
    "declined": "mailbox",
    "mailbox": "mailbox",
    "busy": "busy",
    "no-answer": "missed",
    "failed": "failed",
    "caller-hangs-up": "abandoned",
}


@dataclass(frozen=True)
class Stage:
    """A voice process on a socket, and a number of a company."""

    services: Services
    company: Company
    number: SimulatedNumber
    via: dict[str, str]
    spool: Path

    def play(self, script: CallScript) -> CallJournal:
        return play(script, self.number, self.company.auth_token, via=self.via)

    def rows(self) -> list[Call]:
        """Return all calls, once what a busy machine's database did not take at once is there, too."""
        until = time.monotonic() + 60
        while not is_empty(self.spool) and time.monotonic() < until:
            time.sleep(0.05)
        with self.services.db.tenant(self.company.id) as session:
            return list(session.scalars(select(Call)))


@pytest.fixture
def stage(services: Services, company: Company, tmp_path: Path) -> Iterator[Stage]:
    settings = Settings.model_validate(services.settings.model_dump(by_alias=True) | {"DATA_DIR": tmp_path})
    desk = open_desk(replace(services, settings=settings))
    server = make_server("127.0.0.1", 0, create_voice(services, desk), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    public = settings.base_url
    hook = f"{public}/voice/{company.number_ids[0].hex}"
    number = SimulatedNumber(
        e164=company.numbers[0],
        voice_url=hook,
        voice_fallback_url=f"{hook}/fallback",
        status_callback=f"{hook}/status",
        account_sid=company.account_sid,
    )
    via = {public: f"http://127.0.0.1:{server.server_port}"}
    yield Stage(services, company, number, via, tmp_path / "spool")
    server.shutdown()
    thread.join()
    server.server_close()
    desk.stop()


@pytest.mark.parametrize("order", ["fifo", "reversed"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_happened_is_what_is_stored(stage: Stage, outcome: Outcome, order: Any) -> None:
    script = CallScript(
        from_=CALLER,
        to=stage.number.e164,
        outcome=outcome,
        order=order,
        duplicates=0.5,
        seed=3,
        timestamps="wall",
    )
    journal = stage.play(script)
    assert journal.rang == [stage.company.target]
    assert [entry.url for entry in journal.requests if not entry.is_ok] == []
    assert not any("12200" in entry.text for entry in journal.entries), "every document keeps the rules"
    [row] = stage.rows()
    assert (row.call_sid, row.outcome) == (journal.call_sid, OUTCOMES[outcome])
    assert row.is_bridged == (outcome == "answered")
    assert 180 <= row.talk_seconds < 190 if outcome == "answered" else row.talk_seconds == 0


@pytest.mark.parametrize(
    "switches",
    [
        Switches(action_after_caller_hangup=False),
        Switches(action_before_leg_completed=True),
        Switches(loser_status="no-answer"),
        Switches(dial_duration_includes_whisper=False),
    ],
)
@pytest.mark.parametrize("outcome", ["answered", "caller-hangs-up"])
def test_an_open_question_changes_no_result(stage: Stage, outcome: Outcome, switches: Switches) -> None:
    stage.play(CallScript(from_=CALLER, to=stage.number.e164, outcome=outcome, switches=switches))
    [row] = stage.rows()
    assert row.outcome == OUTCOMES[outcome]


def test_many_callers_at_once_each_get_a_row(stage: Stage) -> None:
    board = Switchboard(via=stage.via, at_once=6)
    scripts = [
        CallScript(
            from_=f"+39333123{n:04d}",
            to=stage.number.e164,
            order="shuffled",
            duplicates=0.5,
            drop=0.1,
            seed=n,
        )
        for n in range(12)
    ]
    journals = board.play_all([(script, stage.number) for script in scripts], stage.company.auth_token)
    board.close()
    assert all(journal.bridged for journal in journals)
    assert sorted(row.call_sid for row in stage.rows()) == sorted(journal.call_sid for journal in journals)


def test_a_carrier_with_another_token_gets_nothing(stage: Stage) -> None:
    script = CallScript(from_=CALLER, to=stage.number.e164)
    journal = play(script, stage.number, "a-token-of-somebody-else", via=stage.via)
    assert {entry.status for entry in journal.requests} == {403}
    assert (journal.result, stage.rows()) == ("error", [])
