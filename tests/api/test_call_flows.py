"""Call flows as programs use them: check, try, save, bring back, assign; walls between companies."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.builders import Company, make_company
from tests.callflows.flows import EXAMPLE
from tests.callflows.test_service import simple

PATH = "/api/v1/call-flows"


def send(client: FlaskClient, program: Program, method: str, path: str, body: object = None) -> Any:
    return client.open(path, method=method, json=body, headers={"Authorization": f"Bearer {program.key}"})


def make(program: Program, definition: dict[str, Any] | None = None, name: str = "Ufficio") -> dict[str, Any]:
    made = program.post(PATH, {"name": name, "definition": definition or simple()})
    assert made.status_code == 201, made.json
    found: dict[str, Any] = made.json
    return found


def test_a_flow_lives_in_versions(program: Program, client: FlaskClient) -> None:
    body = {"name": "Ufficio", "definition": simple()}
    made = program.post(PATH, body, idempotency="one")
    assert (made.status_code, made.json["version"], made.json["assignments"]) == (201, 1, 0)
    assert program.post(PATH, body, idempotency="one").json == made.json
    assert program.post(PATH, body).status_code == 409
    flow = f"{PATH}/{made.json['id']}"
    saved = program.put(flow, {"definition": simple("Buongiorno"), "based_on": 1})
    assert (saved.status_code, saved.json["version"]) == (200, 2)
    late = program.put(flow, {"definition": simple("Salve"), "based_on": 1})
    assert (late.status_code, "meanwhile" in late.json["detail"]) == (409, True)
    back = program.post(f"{flow}/restore", {"number": 1})
    assert (back.json["version"], back.json["definition"]) == (3, made.json["definition"])
    assert [one["number"] for one in program.get(f"{flow}/versions").json["versions"]] == [3, 2, 1]
    assert program.post(f"{flow}/restore", {"number": 9}).status_code == 404
    assert program.post(f"{flow}/restore", {"number": 0}).status_code == 422
    assert send(client, program, "PATCH", flow, {"name": "Bottega"}).json["name"] == "Bottega"
    assert [one["name"] for one in program.get(PATH).json["call_flows"]] == ["Bottega"]
    assert send(client, program, "DELETE", flow).status_code == 204
    assert program.get(flow).status_code == 404
    assert program.get(PATH).json == {"call_flows": []}


def test_mistakes_are_named_and_nothing_is_stored(program: Program) -> None:
    wrong = simple(targets=[{"number": "12"}], no_answer="nowhere")
    for answer in (
        program.post(PATH, {"name": "X", "definition": wrong}),
        program.put(f"{PATH}/{make(program)['id']}", {"definition": wrong}),
    ):
        assert answer.status_code == 400
        assert "too short" in answer.json["fields"]["step “phone”, targets, 0, number"]
    checked = program.post(f"{PATH}/validate", {"definition": wrong}).json
    assert (checked["valid"], checked["sentences"]) == (False, [])
    assert "step “phone”, targets, 0, number" in checked["problems"]
    dear = program.post(f"{PATH}/validate", {"definition": simple(targets=[{"number": "+39899123456"}])}).json
    assert "cannot be put through" in dear["problems"]["step “phone”, targets, 0, number"]
    foreign = f"/announcements/{'0' * 32}/{'1' * 32}-{'2' * 32}.mp3"
    sound = simple() | {"notice": {"audio": foreign}}
    assert "no such sound file" in program.post(f"{PATH}/validate", {"definition": sound}).json["problems"][
        "notice, audio"
    ]  # fmt: skip
    fine = program.post(f"{PATH}/validate", {"definition": EXAMPLE}).json
    assert (fine["valid"], fine["problems"]) == (True, {})
    assert fine["sentences"][0].startswith("Is it open?")
    assert fine["new_phones"] == ["+390669940001", "+393470000002"]
    broken: list[Any] = [
        [],
        {},
        {"name": "X"},
        {"name": "X", "definition": "x"},
        {"name": 5, "definition": {}},
    ]
    for body in broken:
        assert program.post(PATH, body).status_code in (400, 422), body
    assert [one["name"] for one in program.get(PATH).json["call_flows"]] == ["Ufficio"]


def test_what_happens_on_a_sunday(program: Program) -> None:
    asked = {"definition": EXAMPLE, "at": "2026-11-29T09:00:00+01:00", "caller": "347 1234567"}
    sunday = program.post(f"{PATH}/try", asked).json
    assert sunday["moment"] == "Sunday 29 November 2026, 09:00 (CET)"
    assert sunday["steps"] == ["hours", "closed", "message"]
    assert sunday["path"][0]["told"][0]["text"].startswith("“hours”: closed, opens on Monday")
    monday = asked | {"at": "2026-11-30T09:30:00Z", "keys": "193", "answered": True}
    answered = program.post(f"{PATH}/try", monday).json
    assert answered["steps"] == [
        "hours",
        "welcome",
        "menu",
        "menu=1",
        "sales",
        "sales=9",
        "survey",
        "survey=3",
    ]
    assert answered["unused_keys"] == ""
    missed = program.post(f"{PATH}/try", monday | {"keys": "7", "answered": False}).json
    assert [one["when"] for one in missed["path"]][1] == "The caller presses no key, or another one"
    flow = make(program, EXAMPLE)
    of_flow = {"flow_id": flow["id"], "at": "2026-11-29T08:00:00Z"}
    assert program.post(f"{PATH}/try", of_flow).json["steps"] == ["hours", "closed", "message"]
    for wrong in (
        {"at": "2026-11-29T08:00:00Z"},
        of_flow | {"at": "2026-11-29T08:00:00"},
        of_flow | {"keys": "a"},
        of_flow | {"caller": "12"},
        of_flow | {"flow_id": "x"},
        of_flow | {"flow_id": "0" * 32},
    ):
        assert program.post(f"{PATH}/try", wrong).status_code in (400, 404, 422), wrong


def test_a_flow_is_assigned_and_taken_away(program: Program, client: FlaskClient, company: Company) -> None:
    flow = make(program)
    for scope, subject in (("company", company.id), ("location", company.location_id),
                           ("pool", company.pool_id), ("number", company.number_ids[0])):  # fmt: skip
        place = f"{PATH}/assignments/{scope}/{subject}"
        assert program.put(place, {"flow_id": flow["id"]}).status_code == 200
    rows = program.get(f"{PATH}/assignments").json["assignments"]
    assert [row["scope"] for row in rows] == ["company", "location", "pool", "number"]
    assert rows[3]["name"] == company.numbers[0]
    assert rows[0]["assigned_by"].startswith("api key")
    refused = send(client, program, "DELETE", f"{PATH}/{flow['id']}")
    assert (refused.status_code, "still answers" in refused.json["detail"]) == (409, True)
    for row in rows:
        place = f"{PATH}/assignments/{row['scope']}/{row['subject_id']}"
        assert send(client, program, "DELETE", place).status_code == 204
        assert send(client, program, "DELETE", place).status_code == 404
    assert program.put(f"{PATH}/assignments/planet/{company.id}", {"flow_id": flow["id"]}).status_code == 400


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_keys_do_what_their_role_may(
    program: Program, services: Services, client: FlaskClient, company: Company, role: Any
) -> None:
    flow = make(program)
    asker = program_of(services, client, company, role)
    one, new = f"{PATH}/{flow['id']}", {"name": "Due", "definition": simple("Due")}
    for path in (PATH, one, f"{one}/versions", f"{PATH}/assignments"):
        assert asker.get(path).status_code == 200
    assert asker.post(f"{PATH}/validate", {"definition": simple()}).status_code == 200
    place = f"{PATH}/assignments/company/{company.id}"
    tried = [
        asker.post(PATH, new).status_code,
        asker.put(one, {"definition": simple("Tre")}).status_code,
        send(client, asker, "PATCH", one, {"name": "Quattro"}).status_code,
        asker.post(f"{one}/restore", {"number": 1}).status_code,
        asker.put(place, {"flow_id": flow["id"]}).status_code,
        send(client, asker, "DELETE", place).status_code,
        send(client, asker, "DELETE", one).status_code,
    ]
    assert tried == ([403] * 7 if role == "viewer" else [201, 200, 200, 200, 200, 204, 204])


def test_only_an_owners_key_adds_phones(
    program: Program, services: Services, client: FlaskClient, company: Company
) -> None:
    manager = program_of(services, client, company, "manager")
    ringing = simple(targets=[{"number": "+390669940001"}, {"sip": "sip:office@pbx.example"}])
    flow = f"{PATH}/{make(program)['id']}"
    for answer in (
        manager.post(PATH, {"name": "X", "definition": ringing}),
        manager.put(flow, {"definition": ringing}),
    ):
        assert answer.status_code == 403
        assert "+390669940001, sip:office@pbx.example" in answer.json["detail"]
    assert program.put(flow, {"definition": ringing}).status_code == 200
    assert manager.put(flow, {"definition": ringing | {"language": "en-GB"}}).status_code == 200
    assert manager.put(flow, {"definition": simple()}).status_code == 200
    assert manager.post(f"{flow}/restore", {"number": 2}).status_code == 403, (
        "gone from the newest, so new again"
    )


def test_strangers_see_and_change_nothing(
    program: Program, services: Services, client: FlaskClient, company: Company
) -> None:
    flow = f"{PATH}/{make(program)['id']}"
    other = make_company(services)
    stranger = program_of(services, client, other)
    own = make(stranger)
    assert [one["id"] for one in stranger.get(PATH).json["call_flows"]] == [own["id"]]
    found = [
        stranger.get(flow), stranger.get(f"{flow}/versions"), stranger.put(flow, {"definition": simple("x")}),
        stranger.post(f"{flow}/restore", {"number": 1}), send(client, stranger, "PATCH", flow, {"name": "x"}),
        send(client, stranger, "DELETE", flow),
        stranger.post(f"{PATH}/try", {"flow_id": flow[-36:], "at": "2026-11-29T08:00:00Z"}),
        stranger.put(f"{PATH}/assignments/company/{other.id}", {"flow_id": flow[-36:]}),
        stranger.put(f"{PATH}/assignments/number/{company.number_ids[0]}", {"flow_id": own["id"]}),
    ]  # fmt: skip
    assert [one.status_code for one in found] == [404] * 9
