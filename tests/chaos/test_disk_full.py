"""The disk of the database, of the spool, or of both is full: every caller is put through (fault F29)."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from calltrack.calls.spool import is_empty
from calltrack.infra.bounded import conninfo_of
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.sandbox.carrier.signing import sign
from calltrack.wiring import Services, build
from tests.builders import make_company
from tests.busy_machine import Slowness
from tests.calls.rows import calls_of
from tests.chaos.conftest import VoiceRig
from tests.chaos.small_disk import full, small_disk
from tests.chaos.voice_rig import Answered, Caller, VoiceProcess, free_port, p90, wait_until
from tests.conftest import settings_for
from tests.postgres import started

DATABASE_MB, SPOOL_MB = 160, 8
WRITE_LIMIT, FIRST_CALLERS_WAIT, LATER_CALLERS_WAIT = 1.0, 0.2, 0.1
CALLS = 30


@pytest.fixture
def rig(redis_url: str, migrated: Path) -> Iterator[VoiceRig]:
    """A voice process whose spool lies on one small disk, and its database on another."""
    with (
        # Its own user must reach the database's folder, and pytest's folders are closed to others.
        tempfile.TemporaryDirectory(prefix="small-") as name,
        small_disk(Path(name) / "pg", DATABASE_MB) as pg,
        small_disk(Path(name) / "voice", SPOOL_MB) as data,
    ):
        Path(name).chmod(0o755)
        postgres = started(EmbeddedPostgres, pg, migrated)
        try:
            port = free_port()
            origin = f"http://127.0.0.1:{port}"
            settings = settings_for(postgres, redis_url, data, port=port, public_base_url=origin)
            services = build(settings)
            company = make_company(services)
            voice = VoiceProcess(settings, port)
            voice.start()
            caller = Caller(voice, company)
            try:
                wait_until(lambda: caller.ring().status == 200, 60)
                yield VoiceRig(postgres, settings, services, company, voice, caller)
            finally:
                caller.http.close()
                voice.stop()
                services.close()
        finally:
            postgres.stop()


def put_through(rig: VoiceRig, what: str) -> list[Answered]:
    """Ring again and again; every caller reaches the business in time."""
    with Slowness() as machine:
        answers = [rig.caller.ring() for _ in range(CALLS)]
    waits = [answer.seconds for answer in answers]
    print(f"\n{what}: {len(answers)} calls, longest {max(waits):.3f} s, p90 {p90(waits):.3f} s")
    assert {answer.status for answer in answers} == {200}
    assert all(f">{rig.company.target}</Number>" in answer.document for answer in answers)
    assert max(waits) <= WRITE_LIMIT + FIRST_CALLERS_WAIT * machine.worst
    assert p90(waits[2:]) <= LATER_CALLERS_WAIT * machine.worst
    return answers


def stored(rig: VoiceRig) -> set[str]:
    return {call.call_sid for call in calls_of(rig.services, rig.company.id)}


def break_database(rig: VoiceRig) -> None:
    """Write until the database notices that its disk is full."""
    try:
        with psycopg.connect(conninfo_of(rig.postgres.owner_url), autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE ballast AS SELECT repeat(md5(n::text), 200) FROM generate_series(1, 1000000) n"
            )
    except psycopg.Error as problem:  # A new connection may already find no room for its own files.
        print(f"\nthe database says: {str(problem).splitlines()[0]}")
        return
    raise AssertionError("the database found room after all")


def recover(rig: VoiceRig) -> None:
    """Whatever the full disk did to the server: it runs again."""
    if not rig.postgres.running:
        rig.postgres.start()
    wait_until(lambda: _answers(rig.services), 30)


def _answers(services: Services) -> bool:
    try:
        with services.db.engine.connect():
            return True
    except Exception:  # noqa: BLE001 - whatever it is: it does not answer yet
        return False


def test_a_full_spool_matters_to_nobody_while_the_database_lives(rig: VoiceRig) -> None:
    with full(rig.settings.data_dir, rig.voice.pid):
        answers = put_through(rig, "spool's disk full")
    assert {answer.sid for answer in answers} <= stored(rig)
    print("calls lost: 0")


def test_a_database_without_room_costs_no_call(rig: VoiceRig) -> None:
    assert rig.postgres.pid is not None
    with full(folder_of(rig), rig.postgres.pid):
        break_database(rig)
        answers = put_through(rig, "database's disk full")
    recover(rig)
    wait_until(lambda: is_empty(rig.spool), 40)
    wait_until(lambda: {answer.sid for answer in answers} <= stored(rig), 60)
    print("calls lost: 0")


def test_with_no_room_anywhere_callers_are_put_through_and_the_carriers_reports_make_the_rows(
    rig: VoiceRig,
) -> None:
    rig.postgres.stop()
    with full(rig.settings.data_dir, rig.voice.pid):
        answers = put_through(rig, "database stopped, spool's disk full")
        # A report is not taken, and says so: the carrier sends it again (rc=3, rp=all).
        assert [report(rig, answer.sid) for answer in answers[:5]] == [503] * 5
    rig.postgres.start()
    wait_until(lambda: _answers(rig.services), 30)
    # As the carrier does: a report that was not taken is sent again.
    for answer in answers:
        wait_until(lambda sid=answer.sid: report(rig, sid) == 204, 60)  # type: ignore[misc]  # a default
    wait_until(lambda: {answer.sid for answer in answers} <= stored(rig), 30)
    print("calls lost: 0")


def report(rig: VoiceRig, sid: str) -> int:
    """Send the carrier's last word about a call; return the status."""
    url = f"{rig.voice.base_url}/voice/{rig.company.number_ids[0].hex}/status"
    fields = {
        "CallSid": sid, "AccountSid": rig.company.account_sid, "From": "+393471234567",
        "To": rig.company.numbers[0], "CallStatus": "completed", "CallDuration": "20",
    }  # fmt: skip
    signature = {"X-Twilio-Signature": sign(url, fields, rig.company.auth_token)}
    return rig.caller.http.post(url, data=fields, headers=signature).status_code


def folder_of(rig: VoiceRig) -> Path:
    return rig.settings.data_dir.parent / "pg"
