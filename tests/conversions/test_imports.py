"""Files of outcomes: tried without effect, applied once whatever happens, totals that add up."""

import csv
import io
import multiprocessing
import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from calltrack.config import Settings
from calltrack.conversions import imports
from calltrack.conversions.import_queries import import_of, result_file
from calltrack.conversions.import_run import work_on
from calltrack.conversions.import_survey import SURVEYS, Surveys
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.conversions.sources_model import Import, InboxRow
from calltrack.kernel.errors import BadInput
from calltrack.wiring import Services, build
from tests.api.conftest import client as client
from tests.api.conftest import program_of
from tests.builders import Company, make_call
from workers.due import due_jobs

DAY = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=2)
HEAD = "Telefono;Ora chiamata;Esito;Importo;Data;Ordine;Email\n"


def upload(services: Services, company: Company, content: str, **plan: Any) -> UUID:
    with services.db.tenant(company.id) as session:
        stream = io.BytesIO(content.encode())
        id_ = imports.store_file(
            session, services.vault, company.id, stream, "crm.csv", "test", services.clock()
        )
        if plan:
            imports.change_plan(session, company.id, id_, plan)
    return id_


def run(services: Services, company: Company, id_: UUID, *, dry: bool = False) -> dict[str, int]:
    with services.db.tenant(company.id) as session:
        imports.start(session, company.id, id_, "test", services.clock(), dry=dry)
    assert work_on(services, company.id, id_, threading.Event())
    row = row_of(services, company, id_)
    assert row.state == ("tried" if dry else "applied")
    assert sum(row.counts.values()) == row.rows
    return {name: count for name, count in row.counts.items() if count}


def row_of(services: Services, company: Company, id_: UUID) -> Import:
    with services.db.tenant(company.id) as session:
        row = import_of(session, company.id, id_)
    assert row is not None
    return row


def result_rows(services: Services, company: Company, id_: UUID) -> list[dict[str, str]]:
    text_ = "".join(result_file(services, row_of(services, company, id_)))
    return list(csv.DictReader(io.StringIO(text_.removeprefix("\ufeff"))))


def total(services: Services, company: Company, table: Any) -> int:
    with services.db.tenant(company.id) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def clock(at: datetime) -> str:
    return at.astimezone().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def story(services: Services, company: Company) -> str:
    """Three callers, and a file of all that can happen to a line."""
    for caller in ("+393471111111", "+393472222222", "+393473333333"):
        make_call(services, company, caller=caller, at=DAY)
    at, old = clock(DAY), "01.01.2020"
    return HEAD + "".join(f"{line}\n" for line in (
        f"347 111 1111;{at};Vinto;1.234,50;;A-1;anna@example.it",
        f"347 222 2222;{at};Contatto;;;;",
        f"347 333 3333;{at};vinto;99,00;;A-3;",
        f"347 333 3333;{at};rimborsato a meta;;;;",
        f"347 333 3333;{at};vinto;95,00;;A-3;",
        f"347 999 9999;{at};vinto;5,00;;A-9;",
        f"347 111 1111;{at};vinto;molto;;A-2;",
        f"347 111 1111;{old};vinto;7,00;{old};A-0;",
    ))  # fmt: skip


EXPECTED = {"created": 3, "changed": 1, "kept": 1, "ignored": 1, "wrong": 2}


def test_a_trial_says_what_applying_does_and_changes_nothing(
    services: Services, company: Company, story: str
) -> None:
    id_ = upload(services, company, story)
    plan = row_of(services, company, id_).plan
    assert (plan["mark"], plan["columns"]["phone"], plan["columns"]["value"]) == (",", 0, 3)
    assert run(services, company, id_, dry=True) == EXPECTED
    tried = result_rows(services, company, id_)
    assert (total(services, company, Conversion), total(services, company, InboxRow)) == (0, 0)
    assert run(services, company, id_) == EXPECTED
    applied = result_rows(services, company, id_)
    assert [row["calltrack result"] for row in applied] == [row["calltrack result"] for row in tried]
    with services.db.tenant(company.id) as session:
        counted = session.execute(
            select(Conversion.kind, Conversion.external_id, Conversion.value_minor, Conversion.via)
            .where(Conversion.status == "counted").order_by(Conversion.external_id)
        ).all()  # fmt: skip
    assert [tuple(row) for row in counted] == [
        ("lead", "", None, "import"),
        ("purchase", "A-1", 123_450, "import"),
        ("purchase", "A-3", 9_500, "import"),
    ]  # fmt: skip


def test_the_same_file_again_changes_nothing(services: Services, company: Company, story: str) -> None:
    run(services, company, upload(services, company, story))
    before = total(services, company, ConversionChange)
    again = run(services, company, upload(services, company, story))
    assert again == {"unchanged": 4, "kept": 1, "ignored": 1, "wrong": 2}
    assert (total(services, company, ConversionChange), total(services, company, InboxRow)) == (before, 1)


def test_lines_of_one_call_without_an_order_do_not_undo_each_other_when_sent_again(
    services: Services, company: Company
) -> None:
    make_call(services, company, caller="+393471111111", at=DAY)
    line = f"347 111 1111;{clock(DAY)}"
    content = (
        HEAD + f"{line};lead;;;;\n{line};vinto;50,00;;;\n{line};rimborso;10,00;;;\n{line};annullato;;;;\n"
    )
    run(services, company, upload(services, company, content))
    before = total(services, company, ConversionChange)
    assert run(services, company, upload(services, company, content)) == {"unchanged": 4}
    assert total(services, company, ConversionChange) == before


def test_a_changed_line_of_a_known_order_restates_it(services: Services, company: Company) -> None:
    make_call(services, company, caller="+393471111111", at=DAY)
    content = HEAD + f"347 111 1111;{clock(DAY)};vinto;50,00;;A;\n"
    run(services, company, upload(services, company, content))
    assert run(services, company, upload(services, company, content.replace("50,00", "60,00"))) == {
        "changed": 1
    }
    assert total(services, company, Conversion) == 1


def test_the_look_back_window_is_a_setting(services: Services, company: Company) -> None:
    make_call(services, company, caller="+393471111111", at=DAY)
    content = HEAD + f"347 111 1111;{clock(DAY)};vinto;50,00;;A;\n"
    assert run(services, company, upload(services, company, content, look_back_days=1)) == {"ignored": 1}
    assert run(services, company, upload(services, company, content, look_back_days=3)) == {"created": 1}


def test_the_result_file_is_no_formula_and_keeps_every_line(services: Services, company: Company) -> None:
    content = "phone;outcome;reason\n+393470000000;lead;=cmd()\n"
    id_ = upload(services, company, content)
    run(services, company, id_)
    (row,) = result_rows(services, company, id_)
    assert (row["phone"], row["calltrack line"]) == ("'+393470000000", "2")
    assert row["calltrack reason"].startswith("No call")
    assert row["reason"] == "'=cmd()"


def test_lines_are_stored_sealed(services: Services, company: Company, story: str) -> None:
    run(services, company, upload(services, company, story))
    with services.db.tenant(company.id) as session:
        stored = str(session.execute(text("SELECT * FROM outcome_import_part")).all())
        stored += str(session.execute(text("SELECT * FROM contact")).all())
    assert "111 1111" not in stored
    assert "anna@" not in stored


def test_too_large_a_file_is_refused_while_it_is_read(
    services: Services, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LARGEST_FILE", 1_000)
    with pytest.raises(BadInput, match="20 MB"):
        upload(services, company, HEAD + "x" * 2_000)
    monkeypatch.setattr(imports, "MOST_LINES", 3)
    monkeypatch.setattr(imports, "LARGEST_FILE", 10_000)
    with pytest.raises(BadInput, match="more than 3 lines"):
        upload(services, company, HEAD + "1;2;3;4;5;6;7\n" * 4)


def _worker(settings: Settings, company_id: UUID, import_id: UUID) -> None:
    work_on(build(settings), company_id, import_id, threading.Event())


def test_a_killed_worker_leaves_no_line_undone_and_none_done_twice(
    services: Services, settings: Settings, company: Company
) -> None:
    lines = 250
    for place in range(5):
        make_call(services, company, caller=f"+39347000{place:04d}", at=DAY)
    content = HEAD + "".join(
        f"347000{place % 5:04d};{clock(DAY)};vinto;{place + 1},00;;O-{place};\n" for place in range(lines)
    )
    id_ = upload(services, company, content)
    with services.db.tenant(company.id) as session:
        imports.start(session, company.id, id_, "test", services.clock(), dry=False)
    kills = 0
    while row_of(services, company, id_).state == "applying" and kills < 2:
        begun = row_of(services, company, id_).next_part
        process = multiprocessing.get_context("spawn").Process(
            target=_worker, args=(settings, company.id, id_)
        )
        process.start()
        deadline = time.monotonic() + 60
        while row_of(services, company, id_).next_part == begun and time.monotonic() < deadline:
            time.sleep(0.02)
        # In the middle of the next part.
        time.sleep(0.15)
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGKILL)
            kills += 1
        process.join()
    assert kills > 0
    with services.db.system() as system:
        later = services.clock() + timedelta(minutes=1)
        is_due = ("import_outcomes", str(company.id), str(id_)) in due_jobs(system, later)
    assert is_due or row_of(services, company, id_).state == "applied"
    assert work_on(services, company.id, id_, threading.Event())
    row = row_of(services, company, id_)
    assert (row.state, row.counts["created"]) == ("applied", lines)
    assert [one["calltrack result"] for one in result_rows(services, company, id_)] == ["created"] * lines
    with services.db.tenant(company.id) as session:
        orders = session.scalars(select(Conversion.external_id).where(Conversion.kind == "purchase")).all()
        changes = session.scalars(select(ConversionChange.action)).all()
    assert sorted(orders) == sorted(f"O-{place}" for place in range(lines))
    assert set(changes) == {"create"}
    assert len(changes) == lines


def test_a_file_over_the_api(services: Services, client: FlaskClient, company: Company) -> None:
    call = make_call(services, company, caller="+393471111111", at=DAY)
    program = program_of(services, client, company, "manager")
    headers = {"Authorization": f"Bearer {program.key}", "Content-Type": "text/csv"}
    content = f"phone,call time,value,order id\n3471111111,{clock(DAY)},850.50,A-1\nx,,,\n"
    drafted: Any = client.post("/api/v1/outcome-imports?name=crm.csv", data=content, headers=headers)
    assert drafted.status_code == 201, drafted.json
    path = f"/api/v1/outcome-imports/{drafted.json['id']}"
    assert program.post(f"{path}/run", {"dry": True}).status_code == 400
    planned = program.post(f"{path}/plan", {"outcome": "purchase"}).json
    assert [line["result"] for line in planned["preview"]] == ["created", "wrong"]
    assert planned["preview"][0]["call_id"] == call.id.hex
    assert program.post(f"{path}/run", {"dry": False}).status_code == 202
    assert program.post(f"{path}/run", {"dry": False}).status_code == 409
    work_on(services, company.id, UUID(drafted.json["id"]), threading.Event())
    done = program.get(path).json
    assert (done["state"], done["counts"]["created"], done["counts"]["wrong"]) == ("applied", 1, 1)
    assert "850.50" in client.get(f"{path}/results.csv", headers=headers).text


def test_a_persons_word_is_not_undone_by_an_old_file(services: Services, company: Company) -> None:
    call = make_call(services, company, caller="+393471111111", at=DAY)
    content = HEAD + f"347 111 1111;{clock(DAY)};vinto;50,00;;A;\n"
    run(services, company, upload(services, company, content))
    said = Outcome(kind="purchase", by="Anna", value_minor=9_900, external_id="A")
    with services.db.tenant(company.id) as session:
        set_outcome(session, company.id, call.id, said, services.clock())
    assert run(services, company, upload(services, company, content)) == {"unchanged": 1}
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Conversion.value_minor)).one() == 9_900


def many_lines(count: int) -> str:
    lines = "".join(f"won;{place + 1};S-{place};+39347{5_000_000 + place}\n" for place in range(count))
    return "outcome;value;order_id;phone\n" + lines


def test_a_file_longer_than_a_turn_is_read_whole_once_for_all_its_turns(
    services: Services, company: Company
) -> None:
    id_ = upload(services, company, many_lines(350))
    with services.db.tenant(company.id) as session:
        imports.start(session, company.id, id_, "test", services.clock(), dry=False)
    surveys = []
    for _ in range(imports.parts_of(350) - 1):
        assert not work_on(services, company.id, id_, threading.Event(), turn_seconds=0)
        with services.db.tenant(company.id) as session:
            surveys.append(SURVEYS.of(session, services.vault, session.get_one(Import, (company.id, id_))))
    assert work_on(services, company.id, id_, threading.Event(), turn_seconds=0)
    assert all(one is surveys[0] for one in surveys)
    assert len(surveys[0]) == 350
    assert row_of(services, company, id_).counts["kept"] == 350


def test_another_run_of_a_file_reads_it_anew(services: Services, company: Company) -> None:
    id_ = upload(services, company, many_lines(3))
    surveys, kept = Surveys(most=1), []
    for plan in ({}, {}, {"look_back_days": 30}):
        with services.db.tenant(company.id) as session:
            if plan:
                imports.change_plan(session, company.id, id_, plan)
            kept.append(surveys.of(session, services.vault, session.get_one(Import, (company.id, id_))))
    assert (kept[0] is kept[1], kept[1] is kept[2]) == (True, False)
    with services.db.tenant(company.id) as session:
        row = session.get_one(Import, (company.id, id_))
        surveys.forget(row)
        assert surveys.of(session, services.vault, row) is not kept[2]
