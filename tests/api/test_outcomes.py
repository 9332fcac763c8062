"""Outcomes from CRMs over the API and the secret address: matched, kept, tried again, never counted twice."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions import doors, intake
from calltrack.conversions.contacts import contacts_of
from calltrack.conversions.model import Conversion
from calltrack.conversions.sources_model import InboxRow
from calltrack.journeys.service import link_person
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.builders import Company, make_call, make_company, make_visit
from workers.due import due_jobs
from workers.subscriptions import take_up

CALLER = "+393471234567"


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def attributed(services: Services, company: Company, call: Call, clicks: dict[str, str]) -> None:
    visit = make_visit(services, company, at=call.started_at - timedelta(minutes=5), click_ids=clicks)
    with services.db.tenant(company.id) as session:
        session.add(
            Attribution(
                company_id=company.id, id=new_id(), call_id=call.id, is_current=True,
                decided_at=call.started_at, model="test", visit_id=visit.id, probability=0.9, p_nobody=0.1,
                source="google", medium="cpc", campaign="roma", p_campaign=0.9, candidates=[], reasons=[],
            )
        )  # fmt: skip


def conversions(services: Services, company: Company) -> list[Conversion]:
    with services.db.tenant(company.id) as session:
        return list(session.scalars(select(Conversion).order_by(Conversion.id)))


def one(program: Program, **row: Any) -> dict[str, Any]:
    answer = program.post("/api/v1/outcomes", row)
    assert answer.status_code == 200, answer.json
    (found,) = answer.json["results"]
    return dict(found)


@pytest.mark.parametrize(
    ("clue", "how"),
    [
        (lambda call: {"id": str(call.id)}, "call id"),
        (lambda call: {"call_id": call.id.hex}, "call id"),
        (lambda call: {"call_sid": call.call_sid}, "the carrier's call id"),
        (lambda call: {"gclid": "AbC-1"}, "click id (gclid)"),
        (lambda call: {"click": {"gclid": "AbC-1"}}, "click id (gclid)"),
        (lambda call: {"phone": CALLER, "called_at": call.started_at.isoformat()}, "caller and time"),
        (lambda call: {"phone": "347 123 4567"}, "caller and time"),
    ],
)
def test_any_clue_leads_to_the_call(
    services: Services, program: Program, company: Company, clue: Any, how: str
) -> None:
    call = make_call(services, company, caller=CALLER, at=ago(hours=2))
    attributed(services, company, call, {"gclid": "AbC-1"})
    found = one(program, outcome="purchase", value="850,50", order_id="A-1", **clue(call))
    assert (found["result"], found["call_id"]) == ("created", str(call.id)), found
    assert found["reason"].startswith(how)
    (purchase,) = conversions(services, company)
    assert (purchase.kind, purchase.value_minor, purchase.external_id) == ("purchase", 85_050, "A-1")


@pytest.mark.parametrize("name", ["gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "li_fat_id"])
def test_click_ids_of_every_platform_are_compared_case_exact(
    services: Services, program: Program, company: Company, name: str
) -> None:
    call = make_call(services, company, at=ago(hours=2))
    attributed(services, company, call, {name: "CaSe-9"})
    kept = one(program, outcome="lead", **{name: "case-9"})
    assert (kept["result"], kept["reason"]) == (
        "kept", f"No call is attributed to a visit with this {name}.",
    )  # fmt: skip
    assert one(program, outcome="lead", **{name: "CaSe-9"})["call_id"] == str(call.id)


def test_conversion_and_person_ids_lead_to_the_call(
    services: Services, program: Program, company: Company
) -> None:
    call = make_call(services, company, caller=CALLER, at=ago(hours=2))
    with services.db.tenant(company.id) as session:
        person_id = link_person(session, services.vault, company.id, call.id, services.clock())
    first = one(program, outcome="lead", person_id=str(person_id))
    assert first["reason"] == "person id"
    again = one(program, outcome="purchase", value="10", conversion_id=first["conversion_ids"][0])
    assert (again["call_id"], again["reason"]) == (str(call.id), "conversion id")


def test_the_same_order_again_restates_and_never_counts_twice(
    services: Services, program: Program, company: Company
) -> None:
    call = make_call(services, company, caller=CALLER, at=ago(days=9))
    told = {"outcome": "purchase", "value": "850", "order_id": "A-1"}
    assert one(program, **told, call_id=call.id.hex)["result"] == "created"
    assert one(program, **told, call_id=call.id.hex)["result"] == "unchanged"
    assert one(program, **(told | {"value": "900"}))["result"] == "changed"
    (purchase,) = conversions(services, company)
    assert (purchase.value_minor, purchase.sequence) == (90_000, 1)


@pytest.mark.parametrize(
    ("words", "stand"),
    [
        (["purchase 850", "refund 100"], ("counted", 75_000)),
        (["purchase 850", "refund 100", "refund 100"], ("counted", 75_000)),
        (["purchase 850", "refund 100", "refund 250"], ("counted", 60_000)),
        (["purchase 850", "refund"], ("retracted", 85_000)),
        (["purchase 850", "cancelled"], ("retracted", 85_000)),
        (["cancelled", "purchase 850"], ("retracted", 85_000)),
        (["refund 100", "purchase 850"], ("counted", 75_000)),
        (["purchase 850", "cancelled", "purchase 900"], ("counted", 90_000)),
        (["purchase 850", "purchase 900", "purchase 850"], ("counted", 85_000)),
        (["purchase 850", "none"], ("retracted", 85_000)),
    ],
)
def test_words_of_an_order_end_in_its_state_in_any_order(
    services: Services, program: Program, company: Company, words: list[str], stand: tuple[str, int]
) -> None:
    call = make_call(services, company, caller=CALLER, at=ago(days=2))
    for word in words:
        outcome, _, value = word.partition(" ")
        clue = {"call_id": call.id.hex} if outcome == "purchase" else {}
        one(program, outcome=outcome, value=value, order_id="A-1", **clue)
    (purchase,) = [row for row in conversions(services, company) if row.kind == "purchase"]
    assert (purchase.status, purchase.value_minor) == stand
    assert program.get("/api/v1/outcomes/inbox?state=unmatched").json["outcomes"] == []


def test_a_list_gets_one_answer_a_row_and_a_wrong_row_stops_no_other(
    services: Services, program: Program, company: Company
) -> None:
    call = make_call(services, company, caller=CALLER, at=ago(hours=1))
    rows = [
        {"outcome": "purchase", "value": "-5", "call_id": call.id.hex},
        {"outcome": "purchase", "value": 850.5, "call_id": call.id.hex, "order_id": "A"},
        {"outcome": "purchase", "value": "851", "order_id": "A"},
        {"outcome": "lead", "phone": "+393470000000"},
        {"outcome": "lead"},
    ]
    answer = program.post("/api/v1/outcomes", rows).json
    results = [row["result"] for row in answer["results"]]
    assert results == ["wrong", "created", "changed", "kept", "wrong"]
    assert answer["counts"] == {"created": 1, "changed": 1, "unchanged": 0, "kept": 1, "wrong": 2}
    assert "value" in answer["results"][0]["problems"]
    assert [row["index"] for row in answer["results"]] == [0, 1, 2, 3, 4]


def test_more_than_a_thousand_rows_are_refused(program: Program) -> None:
    assert program.post("/api/v1/outcomes", [{"outcome": "lead"}] * 1001).status_code == 422
    assert program.post("/api/v1/outcomes", []).status_code == 422


def test_an_idempotency_key_has_one_effect(services: Services, program: Program, company: Company) -> None:
    call = make_call(services, company, at=ago(hours=1))
    row = {"outcome": "purchase", "value": "5", "call_id": call.id.hex}
    first = program.post("/api/v1/outcomes", row, idempotency="k1")
    assert program.post("/api/v1/outcomes", row, idempotency="k1").json == first.json
    assert program.post("/api/v1/outcomes", row | {"value": "6"}, idempotency="k1").status_code == 409
    assert [one.value_minor for one in conversions(services, company)] == [500]


def test_two_calls_equally_near_are_left_to_a_person(
    services: Services, program: Program, company: Company
) -> None:
    at = ago(hours=5)
    make_call(services, company, caller=CALLER, at=at - timedelta(minutes=9))
    second = make_call(services, company, caller=CALLER, at=at + timedelta(minutes=9))
    kept = one(program, outcome="purchase", value="7", phone=CALLER, called_at=at.isoformat())
    assert kept["result"] == "kept"
    assert "equally near" in kept["reason"]
    path = f"/api/v1/outcomes/inbox/{kept['inbox_id']}/match"
    assert program.post(path, {"call_id": str(second.id)}).json["state"] == "matched"
    assert [one.call_id for one in conversions(services, company)] == [second.id]
    assert program.post(path, {"call_id": str(second.id)}).status_code == 409


def test_what_came_before_its_call_counts_when_the_call_comes(
    services: Services, program: Program, company: Company
) -> None:
    at = ago(hours=1)
    kept = one(
        program, outcome="purchase", value="850", phone=CALLER, called_at=at.isoformat(), email="a@b.it"
    )
    refund = one(program, outcome="none", order_id="unheard-of")
    assert (kept["result"], refund["result"]) == ("kept", "kept")
    call = make_call(services, company, caller=CALLER, at=at)
    take_up(services, company.id, make_call(services, company, caller="+393479999999", at=at).id)
    assert conversions(services, company) == []
    take_up(services, company.id, call.id)
    take_up(services, company.id, call.id)
    assert [(one.call_id, one.value_minor) for one in conversions(services, company)] == [(call.id, 85_000)]
    listed = program.get("/api/v1/outcomes/inbox").json["outcomes"]
    assert {row["id"]: row["state"] for row in listed} == {
        kept["inbox_id"]: "matched", refund["inbox_id"]: "unmatched",
    }  # fmt: skip
    with services.db.tenant(company.id) as session:
        assert contacts_of(session, services.vault, company.id, [call.id])[call.id].email == "a@b.it"


def test_the_clock_tries_again_what_news_did_not_reach(
    services: Services, program: Program, company: Company
) -> None:
    kept = one(program, outcome="lead", gclid="Late-1")
    call = make_call(services, company, at=ago(minutes=1))
    attributed(services, company, call, {"gclid": "Late-1"})
    later = services.clock() + timedelta(minutes=3)
    with services.db.system() as system:
        assert ("match_outcomes", str(company.id)) in due_jobs(system, later)
        assert ("match_outcomes", str(company.id)) not in due_jobs(system, services.clock())
    with services.db.tenant(company.id) as session:
        assert intake.retry_due(session, services.vault, company.id, later) == 1
        assert session.get_one(InboxRow, (company.id, UUID(kept["inbox_id"]))).state == "matched"
    assert [one.call_id for one in conversions(services, company)] == [call.id]


def test_what_never_matches_is_tried_for_three_days_and_stays_listed(
    services: Services, program: Program, company: Company
) -> None:
    one(program, outcome="lead", gclid="Nobody")
    now, tries = services.clock(), 0
    for hours in range(1, 100):
        with services.db.tenant(company.id) as session:
            tries += intake.retry_due(session, services.vault, company.id, now + timedelta(hours=hours))
    assert tries == 5
    (row,) = program.get("/api/v1/outcomes/inbox?state=unmatched").json["outcomes"]
    assert (row["tries"], row["next_try_at"]) == (6, None)


def test_the_same_message_again_waits_once_and_stays_dismissed(program: Program) -> None:
    first = one(program, outcome="lead", phone="+393470000001")
    assert one(program, outcome="lead", phone="+393470000001")["inbox_id"] == first["inbox_id"]
    path = f"/api/v1/outcomes/inbox/{first['inbox_id']}/dismiss"
    assert program.post(path, {"reason": ""}).status_code == 422
    assert program.post(path, {"reason": "A test of ours."}).json["state"] == "dismissed"
    again = one(program, outcome="lead", phone="+393470000001")
    assert (again["result"], again["reason"]) == ("unchanged", "Dismissed before: A test of ours.")


def test_personal_data_is_sealed(services: Services, program: Program, company: Company) -> None:
    one(program, outcome="lead", phone="+393470000002", email="anna.secret@example.it", last_name="Segreta")
    with services.db.tenant(company.id) as session:
        stored = str(session.execute(text("SELECT * FROM outcome_inbox, outcome_key")).all())
    assert "anna.secret" not in stored
    assert "3470000002" not in stored
    assert "Segreta" not in stored


def test_roles_and_companies_are_kept_apart(
    services: Services, client: FlaskClient, program: Program, company: Company
) -> None:
    viewer = program_of(services, client, company, "viewer")
    kept = one(program, outcome="lead", phone="+393470000003")
    assert viewer.post("/api/v1/outcomes", {"outcome": "lead", "gclid": "A"}).status_code == 403
    (row,) = viewer.get("/api/v1/outcomes/inbox").json["outcomes"]
    assert "•" in row["phone"]
    stranger = program_of(services, client, make_company(services))
    mine = make_call(services, company, caller=CALLER, at=ago(hours=1))
    attributed(services, company, mine, {"gclid": "Mine"})
    for clue in ({"call_id": mine.id.hex}, {"call_sid": mine.call_sid}, {"gclid": "Mine"}, {"phone": CALLER}):
        assert one(stranger, outcome="lead", **clue)["result"] == "kept"
    assert stranger.get("/api/v1/outcomes/inbox?state=matched").json["outcomes"] == []
    path = f"/api/v1/outcomes/inbox/{kept['inbox_id']}"
    assert stranger.post(f"{path}/match", {"call_id": str(mine.id)}).status_code == 404
    assert stranger.post(f"{path}/dismiss", {"reason": "x"}).status_code == 404


@pytest.fixture
def address(services: Services, company: Company) -> str:
    with services.db.tenant(company.id) as session:
        token = doors.open_crm_door(session, services.vault, company.id, "test", services.clock())
    return f"/hooks/crm/{token}"


def posted(client: FlaskClient, address: str, **message: Any) -> dict[str, int]:
    answer: Any = client.post(address, **message).json
    counts: dict[str, int] = answer["counts"]
    return counts


def test_a_crm_posts_to_its_address_without_a_key(
    services: Services, client: FlaskClient, company: Company, address: str
) -> None:
    call = make_call(services, company, caller=CALLER, at=ago(hours=2))
    message = {"id": 17, "deal": {"stage": "Stufe 7", "amount": 850, "number": "A-9"}, "phone": CALLER}
    refused: Any = client.post(address, json=message)
    assert refused.status_code == 422
    assert "outcome" in refused.json["results"][0]["problems"]
    with services.db.tenant(company.id) as session:
        fields = {"order_id": "deal.number", "outcome": "deal.stage"}
        doors.set_mapping(session, company.id, fields, {"Stufe 7": "purchase"}, "test", services.clock())
    assert posted(client, address, json=[message])["created"] == 1
    assert posted(client, address, data={"status": "won", "amount": "900", "order": "A-9"})["changed"] == 1
    (purchase,) = conversions(services, company)
    assert (purchase.call_id, purchase.value_minor, purchase.external_id) == (call.id, 90_000, "A-9")


def test_only_the_present_address_is_open(
    services: Services, client: FlaskClient, company: Company, address: str
) -> None:
    row = {"outcome": "lead", "gclid": "A"}
    other = make_company(services)
    secret = address.rpartition(".")[2]
    for wrong in (
        "x",
        "/hooks/crm/",
        f"{other.id.hex}.{secret}",
        f"{company.id.hex}.x",
        f"{'0' * 31}.{secret}",
    ):
        assert client.post(f"/hooks/crm/{wrong.rpartition('/')[2]}", json=row).status_code == 404
    assert client.get(address).status_code == 405
    for body in (b"", b"[1]", b"[]", b"nonsense", b'"x"'):
        answer = client.post(address, data=body, content_type="application/json")
        assert answer.status_code == 400
    with services.db.tenant(company.id) as session:
        fresh = doors.open_crm_door(session, services.vault, company.id, "test", services.clock())
    assert client.post(address, json=row).status_code == 404
    assert client.post(f"/hooks/crm/{fresh}", json=row).status_code == 200
    with services.db.tenant(company.id) as session:
        doors.close_crm_door(session, company.id, "test", services.clock())
    assert client.post(f"/hooks/crm/{fresh}", json=row).status_code == 404


def test_the_routes_are_described(client: FlaskClient) -> None:
    described: Any = client.get("/api/v1/openapi.json").json
    paths = described["paths"]
    body = paths["/api/v1/outcomes"]["post"]["requestBody"]
    assert "gclid" in str(described["components"])
    assert body
    assert "/api/v1/outcomes/inbox/{inbox_id}/match" in paths
