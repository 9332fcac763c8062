"""Calls by API: what is told, how lists are paged, and outcomes that count once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from calltrack.attribution.service import attribute_call
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.api.conftest import Program
from tests.builders import NOON, Company, make_call, make_lease, make_visit

BOOKED = {"kind": "purchase", "value": "850.00", "currency": "EUR"}


def test_a_call_is_told_whole(services: Services, company: Company, program: Program) -> None:
    call = make_call(services, company, caller="+393471234567")
    told = program.get(f"/api/v1/calls/{call.id}").json
    assert (told["from"], told["to"], told["location"]) == ("+393471234567", company.numbers[0], "Roma")
    assert (told["status"], told["outcome"], told["talk_seconds"]) == ("completed", "answered", 180)
    assert told["attribution"] is None
    assert told["conversions"] == []


def test_who_made_a_call_is_told_with_probabilities_and_reasons(
    services: Services, company: Company, program: Program
) -> None:
    visit = make_visit(services, company, at=NOON - timedelta(minutes=1))
    make_lease(services, company, visit, company.number_ids[0])
    call = make_call(services, company)
    with services.db.tenant(company.id) as session:
        attribute_call(session, company.id, call.id, NOON)
    told = program.get(f"/api/v1/calls/{call.id}").json["attribution"]
    (candidate,) = told["candidates"]
    assert (told["level"], told["visit_id"], candidate["visit_id"]) == ("visit", str(visit.id), str(visit.id))
    assert candidate["probability"] + told["rest"] + told["p_nobody"] == pytest.approx(1)
    assert (told["by_campaign"][0]["campaign"], told["by_source"][0]["campaign"]) == ("traslochi-roma", "")
    assert "looking at the number" in told["reasons"][0]
    assert told["reason_codes"][0]["code"] == "on_screen"
    assert told["model"] == "shipped-1"
    make_call(services, company, at=NOON - timedelta(days=2))
    counted = program.get("/api/v1/calls/levels").json
    assert (counted["calls"], counted["visit"], counted["unknown"]) == (2, 1, 1)
    assert counted["shares"] == {"visit": 0.5, "campaign": 0, "source": 0, "unknown": 0.5}
    assert program.get("/api/v1/calls/levels?since=2026-11-20T00:00:00Z").json["calls"] == 1
    assert program.get("/api/v1/calls/levels?brought=gold").status_code == 400


def test_a_withheld_caller_stays_withheld(services: Services, company: Company, program: Program) -> None:
    call = make_call(services, company, caller=None)
    told = program.get(f"/api/v1/calls/{call.id}").json
    assert (told["from"], told["person_id"]) == (None, None)


def test_pages_follow_each_other_without_gap_or_repeat(
    services: Services, company: Company, program: Program
) -> None:
    made = [make_call(services, company, at=NOON + timedelta(minutes=place)) for place in range(7)]
    seen, path = [], "/api/v1/calls?limit=3"
    while path:
        page = program.get(path).json
        seen += [row["id"] for row in page["calls"]]
        path = f"/api/v1/calls?limit=3&cursor={page['next']}" if page["next"] else ""
    assert seen == [str(call.id) for call in reversed(made)]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1000", "limit=x", "cursor=x", "since=yesterday", f"call_sid={'x' * 65}"]
)
def test_a_wrong_filter_is_refused(program: Program, query: str) -> None:
    answer = program.get(f"/api/v1/calls?{query}")
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert list(answer.json["fields"]) == [query.partition("=")[0]]


def test_a_purchase_counts_once_for_one_key(services: Services, company: Company, program: Program) -> None:
    call = make_call(services, company)
    answers = [program.post(f"/api/v1/calls/{call.id}/outcome", BOOKED, "key-1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json == answers[1].json == answers[2].json
    (told,) = answers[0].json["conversions"]
    assert (told["kind"], told["value_minor"], told["currency"], told["sequence"]) == (
        "purchase",
        85000,
        "EUR",
        0,
    )


def test_twenty_at_once_have_one_effect(services: Services, company: Company, program: Program) -> None:
    call = make_call(services, company)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: program.post(f"/api/v1/calls/{call.id}/outcome", BOOKED, "key-1"), range(20))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    (told,) = program.get(f"/api/v1/calls/{call.id}").json["conversions"]
    assert told["sequence"] == 0


def test_a_key_belongs_to_one_request(services: Services, company: Company, program: Program) -> None:
    call = make_call(services, company)
    program.post(f"/api/v1/calls/{call.id}/outcome", BOOKED, "key-1")
    other = program.post(f"/api/v1/calls/{call.id}/outcome", BOOKED | {"value": "900"}, "key-1")
    assert other.status_code == 409
    assert "take a new one" in other.json["detail"]


def test_another_value_restates_the_purchase(services: Services, company: Company, program: Program) -> None:
    call = make_call(services, company)
    program.post(f"/api/v1/calls/{call.id}/outcome", BOOKED)
    told = program.post(f"/api/v1/calls/{call.id}/outcome", BOOKED | {"value": "910.50"}).json
    (purchase,) = told["conversions"]
    assert (purchase["value_minor"], purchase["sequence"], purchase["status"]) == (91050, 1, "counted")
    told = program.post(f"/api/v1/calls/{call.id}/outcome", {"kind": "none"}).json
    assert [row["status"] for row in told["conversions"]] == ["retracted"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"kind": "sale"}, {"kind": "purchase"}, {"kind": "purchase", "value": "-1"},
        {"kind": "purchase", "value": "1.005"}, {"kind": "purchase", "value": "5", "currency": "EURO"},
        {"kind": "lead", "value": "5"}, {"kind": "purchase", "value": 850}, [], "x",
        {"kind": "purchase", "value": "5", "reason": "x" * 501},
    ],
)  # fmt: skip
def test_a_wrong_outcome_is_refused_and_changes_nothing(
    services: Services, company: Company, program: Program, body: object
) -> None:
    call = make_call(services, company)
    answer = program.post(f"/api/v1/calls/{call.id}/outcome", body)
    assert answer.status_code in (400, 422), answer.text
    assert program.get(f"/api/v1/calls/{call.id}").json["conversions"] == []


@pytest.mark.parametrize("key", ["", "x" * 129, "with space"])
def test_a_key_of_another_shape_is_refused(
    services: Services, company: Company, program: Program, key: str
) -> None:
    call = make_call(services, company)
    answer = program.client.post(
        f"/api/v1/calls/{call.id}/outcome",
        json=BOOKED,
        headers={"Authorization": f"Bearer {program.key}", "Idempotency-Key": key},
    )
    assert answer.status_code == 400


def test_a_visit_names_its_origin_and_what_it_was_shown(
    services: Services, company: Company, program: Program
) -> None:
    visit = make_visit(services, company, click_ids={"gclid": "Cj0-x"})
    make_lease(services, company, visit, company.number_ids[0])
    told = program.get(f"/api/v1/visits/{visit.id}").json
    assert (told["source"], told["click_ids"]) == ("google", {"gclid": "Cj0-x"})
    assert [row["number"] for row in told["shown"]] == [company.numbers[0]]
    assert program.get(f"/api/v1/visits/{new_id()}").status_code == 404


def test_every_number_names_its_hooks(company: Company, program: Program) -> None:
    numbers = program.get("/api/v1/numbers").json["numbers"]
    assert {row["e164"] for row in numbers} == {*company.numbers, company.overflow}
    for row in numbers:
        assert row["voice_fallback_url"] == f"{row['voice_url']}/fallback"
        assert row["account_sid"] == company.account_sid
