"""Keeping events when the database or the disk fail us."""

import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, delete, text

from calltrack.calls import service
from calltrack.calls.breaker import FIRST_WAIT, LONGEST_WAIT, Breaker
from calltrack.calls.desk import Desk
from calltrack.calls.intake import drain_leftovers, spool_line
from calltrack.calls.service import Received
from calltrack.calls.spool import REJECTED, Spool, is_empty
from calltrack.infra.bounded import BoundedPool
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import NumberClaim, Slot, TrackingNumber
from calltrack.voice import create_voice
from calltrack.wiring import Services
from tests.builders import Company
from tests.calls.conftest import CALLER, Carrier
from tests.calls.rows import calls_of, stored_call
from tests.calls.stories import INCOMING, TALKED

NOWHERE = "postgresql+psycopg://nobody@/nothing?host=/nonexistent"


@pytest.fixture
def deaf(desk: Desk, services: Services) -> FlaskClient:
    """Hooks whose connections lead nowhere; the routes are known."""
    desk.intake._pool.drop_idle()
    desk.intake._pool = BoundedPool(NOWHERE, 2)
    return create_voice(services, desk).test_client()


def test_without_database_events_wait_sealed_in_the_spool(
    deaf: FlaskClient, carrier: Carrier, company: Company, services: Services, tmp_path: Path
) -> None:
    fields = carrier.call_fields()
    answer = Carrier(deaf, carrier.base_url, company).post("", fields)
    assert company.target in answer.get_data(as_text=True)
    (segment,) = (tmp_path / "spool").glob("*.jsonl")
    assert CALLER[1:].encode() not in segment.read_bytes()
    assert fields["CallSid"].encode() not in segment.read_bytes()
    assert calls_of(services, company.id) == []


def test_without_database_and_disk_the_caller_is_connected_and_reports_are_asked_for_again(
    deaf: FlaskClient, carrier: Carrier, company: Company, tmp_path: Path
) -> None:
    (tmp_path / "spool").write_text("in the way")
    lost = Carrier(deaf, carrier.base_url, company)
    answer = lost.post("", lost.call_fields())
    assert (answer.status_code, company.target in answer.get_data(as_text=True)) == (200, True)
    assert lost.post("/status", lost.call_fields(CallStatus="completed")).status_code == 503
    dialed = lost.post("/dialed", lost.call_fields(DialCallStatus="no-answer", DialBridged="false"))
    assert "<Record" in dialed.get_data(as_text=True)
    leg = lost.leg_fields("CA" + new_id().hex, "CA" + new_id().hex, "in-progress", 0)
    assert "Chiamata dal sito." in lost.post("/whisper", leg).get_data(as_text=True)


def test_a_mistake_of_ours_does_not_cost_the_call(
    carrier: Carrier, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "store", lambda *_: 1 / 0)
    answer = carrier.post("", carrier.call_fields())
    assert (answer.status_code, company.target in answer.get_data(as_text=True)) == (200, True)


def test_another_process_empties_what_a_dead_one_left(
    services: Services, company: Company, tmp_path: Path
) -> None:
    spool = Spool(tmp_path, "dead")
    for event in (*TALKED, TALKED[0]):
        received = Received(company.id, company.number_ids[0], company.location_id, event, event.at)
        spool.append(spool_line(services.vault, received))
    assert drain_leftovers(services.settings.app_url, tmp_path, services.vault, services.clock) == 0
    spool.seal()
    assert drain_leftovers(services.settings.app_url, tmp_path, services.vault, services.clock) == 8
    call = stored_call(services, company.id, INCOMING.call_sid).call
    assert (call["outcome"], call["talk_seconds"], call["was_spooled"]) == ("answered", 180, True)
    assert drain_leftovers(services.settings.app_url, tmp_path, services.vault, services.clock) == 0


def test_lines_nobody_can_store_are_set_aside(services: Services, company: Company, tmp_path: Path) -> None:
    received = Received(company.id, company.number_ids[0], company.location_id, INCOMING, INCOMING.at)
    foreign = Received(new_id(), company.number_ids[0], company.location_id, INCOMING, INCOMING.at)
    spool = Spool(tmp_path, "a")
    moved = spool_line(services.vault, received).replace(str(company.id).encode(), str(new_id()).encode())
    for line in (b"not json", b'{"type":"event"}', moved, spool_line(services.vault, foreign)):
        spool.append(line)
    spool.append(spool_line(services.vault, received))
    spool.seal()
    drain_leftovers(services.settings.app_url, tmp_path, services.vault, services.clock)
    assert len((tmp_path / REJECTED).read_bytes().splitlines()) == 4
    assert len(calls_of(services, company.id)) == 1
    assert is_empty(tmp_path)


def test_an_event_of_a_number_that_is_gone_does_not_keep_others_from_the_database(
    carrier: Carrier, company: Company, services: Services, desk: Desk, tmp_path: Path
) -> None:
    with services.db.tenant(company.id) as session:
        session.execute(delete(Slot).where(Slot.number_id == company.number_ids[0]))
        session.execute(delete(TrackingNumber).where(TrackingNumber.id == company.number_ids[0]))
        session.execute(delete(NumberClaim).where(NumberClaim.e164 == company.numbers[0]))
    assert carrier.post("", carrier.call_fields()).status_code == 200
    assert not desk.intake.breaker.is_open
    deadline = time.monotonic() + 10
    while not (tmp_path / "spool" / REJECTED).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (tmp_path / "spool" / REJECTED).exists()


def test_connections_cut_while_idle_cost_no_call(
    carrier: Carrier,
    company: Company,
    services: Services,
    desk: Desk,
    tmp_path: Path,
    postgres: EmbeddedPostgres,
) -> None:
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'calltrack-voice'"
    )
    owner = create_engine(postgres.owner_url)
    with owner.begin() as connection:
        connection.execute(cut)
    owner.dispose()
    fields = [carrier.call_fields() for _ in range(12)]
    for one in fields:
        assert carrier.post("", one).status_code == 200
    deadline = time.monotonic() + 10
    while not (is_empty(tmp_path / "spool")) and time.monotonic() < deadline:
        time.sleep(0.05)
    stored = sorted(call.call_sid for call in calls_of(services, company.id))
    assert stored == sorted(one["CallSid"] for one in fields)


def test_the_breaker_opens_at_once_and_its_probe_grows_patient() -> None:
    breaker = Breaker()
    assert not breaker.is_open
    assert breaker.open()
    assert not breaker.open()
    assert [breaker.next_wait() for _ in range(6)] == [FIRST_WAIT, 1.0, 2.0, 4.0, LONGEST_WAIT, LONGEST_WAIT]
    assert breaker.close()
    assert not breaker.close()
    assert breaker.next_wait() == FIRST_WAIT
