"""Recordings: kept where the company wishes, heard in parts by those who may, deleted on both sides."""

import io
import wave
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from calltrack.accounts.model import AuditEntry, Location
from calltrack.accounts.model import Company as CompanyRow
from calltrack.api.registration import new_app, register
from calltrack.app import _explain_errors
from calltrack.calls import recording_files, recording_keeping
from calltrack.calls.keeping_model import KeptRecording
from calltrack.calls.model import Call
from calltrack.calls.ranges import OutOfRange, wanted_range
from calltrack.calls.recording_control import control_recording
from calltrack.infra.crypto import Unreadable
from calltrack.infra.sealed_files import PIECE, new_file_key, read_sealed, write_sealed
from calltrack.kernel.errors import Conflict
from calltrack.telephony.carrier import NotFound as GoneAtCarrier
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.api.conftest import program_of
from tests.builders import Company, make_company
from tests.calls.rows import calls_of
from tests.calls.twins import CarrierTwin, carrier_twin, number_of
from tests.copies import copy_row
from tests.dashboard.browser import Browser, make_app


@pytest.fixture
def twin(services: Services, company: Company) -> Iterator[CarrierTwin]:
    with carrier_twin(services, company) as running:
        yield running


@pytest.fixture
def recorded(voice: FlaskClient, services: Services, company: Company, twin: CarrierTwin) -> tuple[Any, str]:
    """A recorded call of five seconds: its id and the recording's sid."""
    with services.db.tenant(company.id) as session:
        session.execute(update(Location).values(record=True, announcement="Registriamo.", whisper=False))
    voice.application.extensions["voice.desk"].routes.refresh(5, gap=0)
    with httpx.Client(transport=httpx.WSGITransport(voice.application)) as http:
        twin.play(http, number_of(services, company), company.auth_token, talk_seconds=5)
    (call,) = calls_of(services, company.id)
    recording_keeping.take_in(twin.services, company.id, call.id)
    (kept,) = all_kept(services, company)
    return call.id, kept.recording_sid


def all_kept(services: Services, company: Company) -> list[KeptRecording]:
    with services.db.tenant(company.id) as session:
        return list(session.scalars(select(KeptRecording)))


def wish(services: Services, company: Company, **settings_: Any) -> None:
    with services.db.tenant(company.id) as session:
        session.get_one(CompanyRow, company.id).settings = settings_


def heard_by(services: Services, company: Company) -> list[tuple[str, str]]:
    with services.db.tenant(company.id) as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.actor, row.action) for row in rows if row.action.startswith("recording.")]


def at_carrier(twin: CarrierTwin, company: Company, sid: str) -> bool:
    carrier = twin.services.carriers.open(company.account_sid, company.auth_token)
    try:
        carrier.open_recording(sid).close()
    except GoneAtCarrier:
        return False
    return True


def pages(twin: CarrierTwin) -> Flask:
    return make_app(twin.services)


def listener(app: Flask, services: Services, company: Company, role: Any) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company, role))
    return browser


@pytest.mark.parametrize("kept", ["carrier", "copy", "move"])
def test_a_manager_hears_whole_and_in_parts_wherever_it_lies(
    kept: str, recorded: tuple[Any, str], services: Services, company: Company, twin: CarrierTwin
) -> None:
    call_id, sid = recorded
    wish(services, company, recordings_kept=kept)
    recording_keeping.expire(twin.services, company.id)
    assert recording_keeping.keep_due(twin.services, company.id) == (0 if kept == "carrier" else 1)
    (row,) = all_kept(services, company)
    assert (row.byte_count is not None, row.at_carrier) == (kept != "carrier", kept != "move")
    assert at_carrier(twin, company, sid) is (kept != "move")
    app = pages(twin)
    browser = listener(app, services, company, "manager")
    path = f"/app/{company.id.hex}/calls/{call_id.hex}/recordings/{sid}"
    whole = browser.get(path)
    assert whole.status_code == 200
    assert whole.headers["Cache-Control"] == "no-store"
    assert whole.headers["Accept-Ranges"] == "bytes"
    sound = whole.get_data()
    if kept == "carrier":
        assert (whole.mimetype, sound[:2]) == ("audio/mpeg", b"\xff\xf3")
    else:
        assert whole.mimetype == "audio/x-wav"
        with wave.open(io.BytesIO(sound)) as opened:
            assert (opened.getnchannels(), opened.getnframes()) == (2, 5 * 8000)
    part = browser.get(path, headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.get_data()) == (206, sound[100:300])
    assert part.headers["Content-Range"] == f"bytes 100-299/{len(sound)}"
    assert part.headers["Content-Length"] == "200"
    beyond = browser.get(path, headers={"Range": f"bytes={len(sound)}-"})
    assert beyond.status_code == 416
    assert [action for _, action in heard_by(services, company)] == ["recording.heard"], "one hearing"


def test_others_do_not_hear(
    recorded: tuple[Any, str], services: Services, company: Company, twin: CarrierTwin
) -> None:
    call_id, sid = recorded
    app, foreign = pages(twin), make_company(services)
    path = f"/app/{company.id.hex}/calls/{call_id.hex}/recordings/{sid}"
    assert listener(app, services, company, "viewer").get(path).status_code == 403
    assert listener(app, services, foreign, "owner").get(path).status_code == 404
    stranger = listener(app, services, foreign, "owner")
    borrowed = f"/app/{foreign.id.hex}/calls/{call_id.hex}/recordings/{sid}"
    assert stranger.get(borrowed).status_code == 404
    assert Browser(app).get(path).status_code == 303
    assert heard_by(services, company) == []


def test_the_copy_on_disk_is_not_sound(
    recorded: tuple[Any, str], services: Services, company: Company, twin: CarrierTwin
) -> None:
    _, sid = recorded
    wish(services, company, recordings_kept="copy")
    recording_keeping.expire(twin.services, company.id)
    recording_keeping.keep_due(twin.services, company.id)
    (row,) = all_kept(services, company)
    path = recording_files.path_of(services, company.id, sid)
    sealed = path.read_bytes()
    assert b"RIFF" not in sealed
    assert path.stat().st_mode & 0o077 == 0
    foreign = make_company(services)
    with pytest.raises(Unreadable):
        list(recording_files.read(services, foreign.id, sid, row.file_key or b"", row.byte_count or 0, 0, 10))
    path.write_bytes(sealed[:100] + bytes([sealed[100] ^ 1]) + sealed[101:])
    with pytest.raises(Unreadable):
        list(recording_files.read(services, company.id, sid, row.file_key or b"", row.byte_count or 0, 0, 10))


@pytest.mark.parametrize("kept", ["carrier", "copy", "move"])
def test_a_deletion_is_seen_on_both_sides(
    kept: str, recorded: tuple[Any, str], services: Services, company: Company, twin: CarrierTwin
) -> None:
    call_id, sid = recorded
    wish(services, company, recordings_kept=kept)
    recording_keeping.expire(twin.services, company.id)
    recording_keeping.keep_due(twin.services, company.id)
    browser = listener(pages(twin), services, company, "manager")
    path = f"/app/{company.id.hex}/calls/{call_id.hex}/recordings/{sid}"
    assert browser.post(f"{path}/delete", sure="yes").status_code == 303
    assert browser.get(path).status_code == 404, "from this moment nobody hears it"
    twin.fault("recordings", "503", "503", "503", "503", "503", "503")
    recording_keeping.keep_due(twin.services, company.id)
    twin.twin.desk.faults.reset()
    (row,) = all_kept(services, company)
    assert row.gone_at is None, "not before it was seen to be gone"
    assert row.problem
    with services.db.tenant(company.id) as session:
        session.execute(update(KeptRecording).values(due_at=services.clock()))
    recording_keeping.keep_due(twin.services, company.id)
    (row,) = all_kept(services, company)
    assert (row.gone_at is not None, row.file_key, row.at_carrier) == (True, None, False)
    assert not recording_files.path_of(services, company.id, sid).exists()
    assert not at_carrier(twin, company, sid)
    assert browser.get(path).status_code == 404
    assert ("recording.delete") in [action for _, action in heard_by(services, company)]


def test_old_recordings_go_by_themselves(
    recorded: tuple[Any, str], services: Services, company: Company, twin: CarrierTwin
) -> None:
    _, sid = recorded
    wish(services, company, recording_days=30)
    assert recording_keeping.expire(twin.services, company.id) == 0
    with services.db.tenant(company.id) as session:
        session.execute(update(Call).values(started_at=services.clock() - timedelta(days=31)))
    assert recording_keeping.expire(twin.services, company.id) == 1
    assert recording_keeping.expire(twin.services, company.id) == 0
    recording_keeping.keep_due(twin.services, company.id)
    assert not at_carrier(twin, company, sid)
    assert heard_by(services, company) == [("retention", "recording.delete")]


def test_all_old_recordings_go_in_one_night_some_at_a_time(
    recorded: tuple[Any, str], services: Services, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_keeping, "PORTION", 2)
    wish(services, company, recording_days=30)
    with services.db.tenant(company.id) as session:
        copy_row(session, "recording", 6, recording_sid="'RE' || md5(CAST(n AS text))")
        session.execute(update(Call).values(started_at=services.clock() - timedelta(days=31)))
    assert recording_keeping.expire(services, company.id) == 7
    assert recording_keeping.expire(services, company.id) == 0


def test_a_copy_that_breaks_off_is_fetched_again(
    recorded: tuple[Any, str], services: Services, company: Company, twin: CarrierTwin
) -> None:
    wish(services, company, recordings_kept="move")
    recording_keeping.expire(twin.services, company.id)
    twin.fault("recordings", "drop-connection")
    recording_keeping.keep_due(twin.services, company.id)
    (row,) = all_kept(services, company)
    assert (row.byte_count, row.at_carrier) == (None, True), "the original stays until the copy is whole"
    assert row.due_at is not None
    assert row.due_at > services.clock()
    with services.db.tenant(company.id) as session:
        session.execute(update(KeptRecording).values(due_at=services.clock()))
    recording_keeping.keep_due(twin.services, company.id)
    (row,) = all_kept(services, company)
    assert (row.byte_count is not None, row.at_carrier, row.problem) == (True, False, "")


def test_programs_hear_delete_and_pause_by_role(
    recorded: tuple[Any, str], services: Services, company: Company, twin: CarrierTwin
) -> None:
    call_id, sid = recorded
    app = new_app("api-recordings")
    _explain_errors(app)
    register(app, twin.services)
    client = app.test_client()
    viewer, manager = (program_of(services, client, company, role) for role in ("viewer", "manager"))
    stranger = program_of(services, client, make_company(services), "owner")
    story = viewer.get(f"/api/v1/calls/{call_id}/story").json
    assert story["hung_up_by"] == "business"
    assert (story["call_flow"], story["call_flow_version"]) == (None, None)
    assert [one["recording_sid"] for one in story["recordings"]] == [sid]
    sound = story["recordings"][0]["sound"]
    assert [one.get(sound).status_code for one in (viewer, stranger, manager)] == [403, 404, 200]
    words = {"do": "pause"}
    paths = f"/api/v1/calls/{call_id}/recording"
    assert [one.post(paths, words).status_code for one in (viewer, stranger, manager)] == [403, 404, 409]
    one = f"/api/v1/calls/{call_id}/recordings/{sid}"
    headers = [{"Authorization": f"Bearer {program.key}"} for program in (viewer, stranger, manager)]
    assert [client.delete(one, headers=sent).status_code for sent in headers] == [403, 404, 202]
    assert manager.get(sound).status_code == 404
    assert stranger.get(f"/api/v1/calls/{call_id}/story").status_code == 404
    assert stranger.get(f"/api/v1/calls/{call_id}/transcripts").status_code == 404
    assert viewer.get(f"/api/v1/calls/{call_id}/transcripts").status_code == 403


def test_a_finished_call_cannot_be_paused(
    recorded: tuple[Any, str], services: Services, company: Company, twin: CarrierTwin
) -> None:
    with pytest.raises(Conflict, match="over"):
        control_recording(twin.services, company.id, recorded[0], "pause", by="test")


def test_pausing_without_a_recording_says_so(
    recorded: tuple[Any, str], services: Services, company: Company, twin: CarrierTwin
) -> None:
    with services.db.tenant(company.id) as session:
        session.execute(update(Call).values(ended_at=None))
    with pytest.raises(Conflict, match="Nothing is being recorded"):
        control_recording(twin.services, company.id, recorded[0], "pause", by="test")


@pytest.mark.parametrize(
    ("header", "total", "wanted"),
    [
        (None, 10, None), ("bytes=0-3", 10, (0, 4)), ("bytes=5-", 10, (5, 10)), ("bytes=-3", 10, (7, 10)),
        ("bytes=-30", 10, (0, 10)), ("bytes=0-99", 10, (0, 10)), ("bytes=3-1", 10, None),
        ("items=0-1", 10, None), ("bytes=0-1,3-4", 10, None), ("bytes=-", 10, None), ("bytes=a-b", 10, None),
        ("bytes= 0 - 3", 10, (0, 4)),
    ],
)  # fmt: skip
def test_ranges_are_read_as_the_standard_says(
    header: str | None, total: int, wanted: tuple[int, int] | None
) -> None:
    assert wanted_range(header, total) == wanted


@pytest.mark.parametrize(("header", "total"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0)])
def test_what_lies_beyond_is_refused(header: str, total: int) -> None:
    with pytest.raises(OutOfRange):
        wanted_range(header, total)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3 * PIECE + 5), st.data())
def test_any_range_of_any_length_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, length: int, data: st.DataObject
) -> None:
    plain = (b"0123456789abcdef" * (length // 16 + 1))[:length]
    start = data.draw(st.integers(0, length))
    stop = data.draw(st.integers(start, length))
    path, key = tmp_path_factory.mktemp("sealed") / "one", new_file_key()
    cut = data.draw(st.integers(1, PIECE * 2))
    chunks = [plain[at : at + cut] for at in range(0, length, cut)]
    assert write_sealed(path, key, "place", chunks) == length
    assert b"".join(read_sealed(path, key, "place", length, start, stop)) == plain[start:stop]
    with pytest.raises(Unreadable):
        list(read_sealed(path, key, "elsewhere", length, 0, max(length, 1)))
    if length > PIECE:
        path.write_bytes(path.read_bytes()[: PIECE + 16])
        with pytest.raises(Unreadable):
            list(read_sealed(path, key, "place", PIECE, 0, PIECE))
