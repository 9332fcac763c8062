"""Tags, notes, work, missed calls and messages over the API: roles, tenants, repeats, rules that follow."""

import threading

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from calltrack.calls.people.missed import take_note
from calltrack.calls.people.work import set_work
from calltrack.conversions.model import Conversion
from calltrack.conversions.tree_rules import read_tree
from calltrack.conversions.versions import save_rules
from calltrack.kernel.ids import new_id
from calltrack.messages.model import Message
from calltrack.messages.service import thread_of
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.api.conftest import Program, program_of
from tests.builders import Company, make_call, make_company
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

CALLER = "+393471234567"


def work(services: Services, company: Company) -> None:
    drain(services, SUBSCRIPTIONS, company.id, threading.Event())


def test_tags_are_made_once_whatever_their_case_and_merged(
    services: Services, company: Company, program: Program
) -> None:
    made = program.post("/api/v1/tags", {"name": "  Preventivo  auto "}, "k1")
    assert (made.status_code, made.json["name"]) == (201, "Preventivo auto")
    assert program.post("/api/v1/tags", {"name": "  Preventivo  auto "}, "k1").json == made.json
    again = program.post("/api/v1/tags", {"name": "PREVENTIVO AUTO"})
    assert again.status_code == 409
    assert "upper and lower case" in again.json["detail"]
    for wrong in ("", "   ", "x" * 61, "a\u202eb"):
        assert program.post("/api/v1/tags", {"name": wrong}).status_code == 400
    other = program.post("/api/v1/tags", {"name": "Preventivi"}).json
    call = make_call(services, company)
    both = program.put(f"/api/v1/calls/{call.id}/tags", {"tags": ["preventivo auto", "Preventivi"]})
    assert both.json["tags"] == ["Preventivi", "Preventivo auto"]
    assert program.put(f"/api/v1/calls/{call.id}/tags", {"tags": ["Lavoro"]}).status_code == 400
    merged = program.post(f"/api/v1/tags/{other['id']}/merge", {"into": made.json["id"]})
    assert [(one["name"], one["calls"]) for one in merged.json["tags"]] == [("Preventivo auto", 1)]
    assert program.post(f"/api/v1/tags/{made.json['id']}/merge", {"into": made.json["id"]}).status_code == 400
    renamed = program.put(f"/api/v1/tags/{made.json['id']}", {"name": "Preventivo"})
    assert renamed.json["tags"][0]["name"] == "Preventivo"
    assert program.get(f"/api/v1/calls/{call.id}/care").json["tags"] == ["Preventivo"]


def test_a_rule_that_asks_for_a_tag_judges_the_call_again(
    services: Services, company: Company, program: Program
) -> None:
    now = services.clock()
    tree = read_tree(
        {"rules": [{"id": "job", "when": {"fact": "tag", "any_of": ["lavoro"]}, "mark": "nothing"},
                   {"id": "lead", "when": {"fact": "answered"}, "mark": "lead"}]}
    )  # fmt: skip
    with services.db.tenant(company.id) as session:
        save_rules(session, company.id, tree, "test", now)
    call = make_call(services, company, at=now)
    program.post("/api/v1/tags", {"name": "Lavoro"})

    def leads() -> list[str]:
        work(services, company)
        with services.db.tenant(company.id) as session:
            return list(session.scalars(select(Conversion.status)))

    program.put(f"/api/v1/calls/{call.id}/tags", {"tags": ["Lavoro"]})
    assert leads() == []
    program.put(f"/api/v1/calls/{call.id}/tags", {"tags": []})
    assert leads() == ["counted"]
    program.put(f"/api/v1/calls/{call.id}/tags", {"tags": ["Lavoro"]})
    assert leads() == ["retracted"]
    assert program.put(f"/api/v1/calls/{call.id}/tags", {"tags": ["Lavoro"]}).status_code == 200


def test_notes_status_and_assignee(services: Services, company: Company, program: Program) -> None:
    call, anna = make_call(services, company), make_user(services, company, "manager")
    path = f"/api/v1/calls/{call.id}"
    note = program.post(f"{path}/notes", {"text": "Richiamare\ndomani"}, "n1")
    assert note.status_code == 201
    assert program.post(f"{path}/notes", {"text": "Richiamare\ndomani"}, "n1").json == note.json
    assert program.post(f"{path}/notes", {"text": "  "}).status_code == 400
    done = program.put(f"{path}/work", {"status": "quoted", "assignee": anna.email.upper()})
    assert (done.json["status"], done.json["assignee"]) == ("quoted", "Anna Test")
    assert [one["text"] for one in done.json["notes"]] == ["Richiamare\ndomani"]
    assert program.put(f"{path}/work", {"assignee": ""}).json["assignee"] == ""
    assert program.put(f"{path}/work", {"status": "sold"}).status_code in (400, 422)
    stranger = make_user(services, make_company(services), "owner")
    assert program.put(f"{path}/work", {"assignee": stranger.email}).status_code == 400
    with services.db.tenant(company.id) as session, pytest.raises(Exception, match="no such member"):
        set_work(session, company.id, call.id, services.clock(), by="x", assignee_id=stranger.id)


def test_missed_calls_are_listed_until_they_are_dealt_with(
    services: Services, client: FlaskClient, company: Company, program: Program
) -> None:
    now = services.clock()
    calls = [
        make_call(services, company, outcome="missed", caller=caller, at=now)
        for caller in (CALLER, "+393479876543", None)
    ]
    with services.db.tenant(company.id) as session:
        for call in calls:
            take_note(session, company.id, call.id, now)
    found = program.get("/api/v1/missed-calls?limit=1")
    rest = program.get(f"/api/v1/missed-calls?cursor={found.json['next']}")
    assert len(found.json["missed"]) == len(rest.json["missed"]) == 1
    viewer = program_of(services, client, company, "viewer")
    assert all("•" in one["caller"] for one in viewer.get("/api/v1/missed-calls").json["missed"])
    path = f"/api/v1/calls/{calls[0].id}/missed"
    assert program.put(path, {"closed": True}).json["missed"] == "closed"
    assert len(program.get("/api/v1/missed-calls").json["missed"]) == 1
    assert program.put(path, {"closed": False}).json["missed"] == "open"
    answered = make_call(services, company)
    assert program.put(f"/api/v1/calls/{answered.id}/missed", {"closed": True}).status_code == 404
    assert program.get("/api/v1/missed-calls?cursor=nonsense").status_code == 400


def test_messages_are_read_and_written(
    services: Services, client: FlaskClient, company: Company, program: Program
) -> None:
    call = make_call(services, company, caller=CALLER)
    sent = program.post("/api/v1/messages", {"call_id": str(call.id), "text": "Buongiorno"}, "m1")
    assert (sent.status_code, sent.json["state"]) == (202, "due")
    assert (
        program.post("/api/v1/messages", {"call_id": str(call.id), "text": "Buongiorno"}, "m1").json
        == sent.json
    )
    (thread,) = program.get("/api/v1/messages").json["threads"]
    assert thread["party"] == CALLER
    answer = program.post("/api/v1/messages", {"thread_id": thread["id"], "text": "Ancora"})
    assert answer.status_code == 202
    read = program.get(f"/api/v1/messages/{thread['id']}").json
    assert [one["text"] for one in read["messages"]] == ["Buongiorno", "Ancora"]
    assert program.post("/api/v1/messages", {"text": "A chi?"}).status_code == 400
    with services.db.tenant(company.id) as session:
        thread_of(session, services.vault, company.id, CALLER, services.clock()).stopped_at = services.clock()
    refused = program.post("/api/v1/messages", {"thread_id": thread["id"], "text": "Ancora"})
    assert (refused.status_code, "STOP" in refused.json["detail"]) == (409, True)
    viewer = program_of(services, client, company, "viewer")
    assert "•" in viewer.get("/api/v1/messages").json["threads"][0]["party"]
    assert viewer.post("/api/v1/messages", {"thread_id": thread["id"], "text": "x"}).status_code == 403
    with services.db.tenant(company.id) as session:
        assert len(session.scalars(select(Message.id)).all()) == 2


def test_strangers_find_nothing(
    services: Services, client: FlaskClient, company: Company, program: Program
) -> None:
    call = make_call(services, company, caller=CALLER)
    tag = program.post("/api/v1/tags", {"name": "Lavoro"}).json["id"]
    program.post("/api/v1/messages", {"call_id": str(call.id), "text": "Buongiorno"})
    thread = program.get("/api/v1/messages").json["threads"][0]["id"]
    stranger = program_of(services, client, make_company(services))
    for id_ in (str(call.id), str(new_id())):
        assert stranger.get(f"/api/v1/calls/{id_}/care").status_code == 404
        assert stranger.put(f"/api/v1/calls/{id_}/tags", {"tags": []}).status_code == 404
        assert stranger.put(f"/api/v1/calls/{id_}/work", {"status": "won"}).status_code == 404
        assert stranger.post(f"/api/v1/calls/{id_}/notes", {"text": "x"}).status_code == 404
        assert stranger.put(f"/api/v1/calls/{id_}/missed", {"closed": True}).status_code == 404
        assert stranger.post("/api/v1/messages", {"call_id": id_, "text": "x"}).status_code == 404
    assert stranger.get(f"/api/v1/messages/{thread}").status_code == 404
    assert stranger.put(f"/api/v1/tags/{tag}", {"name": "x"}).status_code == 404
    assert stranger.get("/api/v1/tags").json["tags"] == stranger.get("/api/v1/messages").json["threads"] == []
    viewer = program_of(services, client, company, "viewer")
    for path, body in (("tags", {"tags": []}), ("work", {"status": "won"}), ("missed", {"closed": True})):
        assert viewer.put(f"/api/v1/calls/{call.id}/{path}", body).status_code == 403
    assert viewer.post("/api/v1/tags", {"name": "x"}).status_code == 403
