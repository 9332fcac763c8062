"""Static answers: valid, current, and never more than ringing the location's own line."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from calltrack.accounts.model import Location
from calltrack.calls.static_answers import (
    Difference,
    StaticRow,
    answer_of,
    differences,
    files_of,
    static_rows,
    write_static,
)
from calltrack.cli import main
from calltrack.config import Settings
from calltrack.kernel.errors import Conflict
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import TrackingNumber
from calltrack.sandbox.carrier.twiml_rules import problems
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_company
from tests.chaos.voice_rig import environment_of
from workers.schedule import TASKS, keep_static_answers

pytestmark = pytest.mark.usefixtures("emptied")


def kept(services: Services, folder: Path) -> dict[str, bytes]:
    with services.db.system() as system:
        return files_of(static_rows(system), folder)


@pytest.mark.parametrize("language", ["it-IT", "en-GB", "de-DE"])
def test_an_answer_is_valid_and_only_rings(language: str) -> None:
    document = answer_of(StaticRow(new_id(), "+390687650001", "+390669940001", language)).decode()
    assert problems(document) == []
    assert ">+390669940001</Number>" in document
    assert "ecord" not in document
    assert "http" not in document


def test_every_number_in_service_has_its_file_and_changes_are_found_and_written(
    services: Services, company: Company, tmp_path: Path
) -> None:
    files = kept(services, tmp_path)
    assert {f"voice/{id_.hex}.xml" for id_ in company.number_ids} <= set(files)
    assert {f"bins/{number[1:]}.xml" for number in company.numbers} <= set(files)
    assert len(differences(tmp_path, files)) == len(files)
    assert write_static(tmp_path, files) == len(files)
    assert differences(tmp_path, files) == []
    assert write_static(tmp_path, files) == 0
    with services.db.tenant(company.id) as session:
        session.execute(update(Location).values(forward_to="+390669940009"))
        session.execute(
            update(TrackingNumber).where(TrackingNumber.id == company.number_ids[0]).values(released_at=NOON)
        )
    (tmp_path / f"voice/{company.number_ids[1].hex}.xml").unlink()
    found = differences(tmp_path, kept(services, tmp_path))
    gone, lost, changed = (f"voice/{company.number_ids[place].hex}.xml" for place in range(3))
    for one in (Difference(gone, "left over"), Difference(lost, "missing"), Difference(changed, "differs")):
        assert one in found
    (tmp_path / "voice" / "notes.txt").write_text("somebody's own file")
    write_static(tmp_path, kept(services, tmp_path))
    assert differences(tmp_path, kept(services, tmp_path)) == []
    assert b"+390669940009" in (tmp_path / changed).read_bytes()
    assert not (tmp_path / gone).exists()
    assert (tmp_path / "voice" / "notes.txt").exists()
    assert not list(tmp_path.rglob("*.new"))


def test_a_database_without_numbers_takes_no_answer_away(
    services: Services, company: Company, tmp_path: Path
) -> None:
    write_static(tmp_path, kept(services, tmp_path))
    with pytest.raises(Conflict, match="right database"):
        write_static(tmp_path, files_of([], tmp_path))
    assert (tmp_path / f"voice/{company.number_ids[0].hex}.xml").exists()


def test_the_clock_keeps_the_folder_current(services: Services, company: Company, tmp_path: Path) -> None:
    assert keep_static_answers(services) == 0
    assert [task.every.total_seconds() for task in TASKS if task.run is keep_static_answers] == [15]
    settings = services.settings.model_copy(update={"static_answers_dir": str(tmp_path / "answers")})
    with_folder = Services(settings, services.db, services.vault, services.nudges, services.clock)
    assert keep_static_answers(with_folder) >= len(company.numbers)
    assert keep_static_answers(with_folder) == 0
    newcomer = make_company(services)
    assert keep_static_answers(with_folder) >= len(newcomer.numbers)


def test_the_command_writes_and_checks(
    services: Services,
    settings: Settings,
    company: Company,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "answers"

    def run(*words: str) -> object:
        with pytest.raises(SystemExit) as end:
            main(["static-answers", *words])
        return end.value.code

    assert run("--check", str(folder)) == 1
    assert f"voice/{company.number_ids[0].hex}.xml: missing" in capsys.readouterr().out
    assert run("--out", str(folder)) == 0
    assert run("--check", str(folder)) == 0
    assert "current" in capsys.readouterr().out
    (folder / f"voice/{company.number_ids[0].hex}.xml").write_text("<Response/>")
    assert run("--check", str(folder)) == 1
    out = capsys.readouterr().out
    assert "differs" in out
    assert "--out" in out
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "Nothing was written" in str(run("--out", str(blocked)))


def test_reading_while_it_is_written_never_sees_half_a_file(tmp_path: Path) -> None:
    row = StaticRow(new_id(), "+390687650001", "+390669940001", "it-IT")
    path = tmp_path / f"voice/{row.number_id.hex}.xml"
    documents = set()
    write_static(tmp_path, files_of([row], tmp_path))
    pid = os.fork()
    if pid == 0:
        for turn in range(300):
            other = StaticRow(row.number_id, row.e164, f"+39066994{turn:04d}", "it-IT")
            write_static(tmp_path, files_of([other], tmp_path))
        os._exit(0)
    ends = time.monotonic() + 20
    while os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < ends:
        documents.add(path.read_text())
    assert all(one.endswith("</Response>") for one in documents)
    assert len(documents) > 1
