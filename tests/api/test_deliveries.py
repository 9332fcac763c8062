"""Deliveries by API: filters and counts, the request, replay, settle, pause, export, answers, notices."""

import csv
import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from calltrack.delivery import notices, tallies
from calltrack.delivery.model import Delivery
from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.builders import Company, make_call, make_company
from tests.delivery.world import World
from tests.sandbox.platforms.serving import serving

BASE = "/api/v1/deliveries"


@pytest.fixture
def world(services: Services, company: Company) -> Iterator[World]:
    with serving() as origin:
        made = World(services, company, origin)
        yield made
        made.door.close()


def rejected(world: World) -> str:
    """Let one conversion be refused by Google; returns the delivery's id."""
    google = world.google(hold_after_click_hours=0)
    world.conversions()
    world.faults("reason:EVENT_TIME_INVALID")
    world.deliver(google)
    (row,) = world.rows()
    assert row.state == "rejected"
    return str(row.id)


def test_a_list_is_filtered_counted_and_paged(world: World, program: Program) -> None:
    google = world.google(hold_after_click_hours=0)
    world.webhook()
    world.conversions(4)
    world.conversions(3, kind="lead", value=None)
    page = program.get(f"{BASE}?kind=purchase&destination_id={google}&limit=3").json
    assert [row["kind"] for row in page["deliveries"]] == ["purchase"] * 3
    assert page["counts"] == {"total": 4, "by_state": {"pending": 4}, "withheld": {}, "is_cut": False}
    rest = program.get(f"{BASE}?kind=purchase&destination_id={google}&limit=3&cursor={page['next']}").json
    assert (len(rest["deliveries"]), rest["next"], rest["counts"]) == (1, None, None)
    everything = program.get(BASE).json
    assert everything["counts"]["total"] == len(everything["deliveries"]) == 14
    row = everything["deliveries"][0]
    assert (row["preflight"], row["preflight_code"]) == ("send", "OK")


@pytest.mark.parametrize("query", ["state=lost", "kind=x", "action=x", "since=x", "destination_id=x"])
def test_a_wrong_filter_is_refused(program: Program, query: str) -> None:
    for path in (BASE, f"{BASE}/export"):
        assert program.get(f"{path}?{query}").status_code in (400, 422)


def test_a_delivery_shows_its_request_without_secrets(world: World, program: Program) -> None:
    webhook = world.webhook()
    world.conversions()
    world.deliver(webhook)
    (row,) = world.rows()
    told = program.get(f"{BASE}/{row.id}").json
    assert hashlib.sha256(told["payload"].encode()).hexdigest() == told["payload_sha256"]
    request = told["request"]
    assert (request["method"], request["body"]) == ("POST", told["payload"])
    assert request["url"].startswith(world.origin)
    assert request["headers"]["webhook-signature"] == "***"
    assert "whsec" not in str(told)
    (attempt,) = told["history"]
    assert (attempt["status"], attempt["class"]) == (204, "DONE")
    assert attempt["request_sha256"] == told["payload_sha256"]


def test_a_refused_delivery_is_replayed_and_a_counted_one_is_not(world: World, program: Program) -> None:
    id_ = rejected(world)
    assert program.post(f"{BASE}/{id_}/replay", {}).json == {"sent": 1, "left": {}}
    google = world.rows()[0].destination_id
    world.deliver(google)
    again = program.post(f"{BASE}/{id_}/replay", {})
    assert again.status_code == 409
    assert "counts there already" in again.json["detail"]


def test_all_failed_of_a_filter_are_replayed(world: World, program: Program) -> None:
    rejected(world)
    assert program.post(f"{BASE}/replay", {"filter": {"text": "nobody said this"}}).json["sent"] == 0
    assert program.post(f"{BASE}/replay", {"filter": {}}).json == {"sent": 1, "left": {}}
    assert world.states() == ["pending"]
    refused: list[dict[str, Any]] = [{}, {"ids": [], "filter": None}, {"filter": {"state": "confirmed"}}]
    for wrong in refused:
        assert program.post(f"{BASE}/replay", wrong).status_code == 400


@pytest.mark.parametrize("arrived", [True, False])
def test_an_unknown_outcome_is_settled_by_word(world: World, program: Program, arrived: bool) -> None:
    id_ = rejected(world)
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Delivery).values(state="unknown", settled_at=None, due_at=None))
    answer = program.post(f"{BASE}/{id_}/settle", {"arrived": arrived})
    assert (answer.status_code, answer.json["sent"]) == (200, 0 if arrived else 1)
    assert world.states() == ["confirmed" if arrived else "pending"]
    assert program.post(f"{BASE}/{id_}/settle", {"arrived": True}).status_code == 409


def test_a_destination_is_paused_and_resumed(world: World, program: Program) -> None:
    webhook = world.webhook()
    world.conversions()
    base = f"/api/v1/destinations/{webhook}"
    paused = program.post(f"{base}/pause", {"reason": "We move the server."}).json
    assert paused["status"] == "paused"
    assert "We move the server." in paused["status_reason"]
    assert world.states() == ["parked"]
    resumed = program.post(f"{base}/resume", {}).json
    assert (resumed["status"], world.states()) == ("active", ["pending"])
    (listed,) = program.get("/api/v1/destinations").json["destinations"]
    assert (listed["id"], listed["counts"]) == (str(webhook), {"pending": 1})
    assert (resumed["tells_counts"], resumed["comparison"]) == (False, [])


def test_a_destination_tells_the_comparison_with_the_platform_s_counts(
    world: World, program: Program
) -> None:
    google = world.google(hold_after_click_hours=0)
    world.conversions(5)
    world.deliver(google)
    world.later(seconds=1)
    world.poll(google)
    world.later(days=1, hours=4 - world.now().hour)
    world.faults(modes={"counts_fewer": 3})
    tallies.compare(world.services, world.company.id, google, courier=world.courier)
    told = program.get(f"/api/v1/destinations/{google}").json
    assert told["tells_counts"] is True
    (day,) = told["comparison"]
    names = ("sent", "confirmed", "received", "counted", "refused", "difference")
    assert [day[name] for name in names] == [5, 5, 2, 2, 0, -3]


def test_an_export_states_its_filter(world: World, program: Program) -> None:
    rejected(world)
    answer = program.get(f"{BASE}/export?state=rejected")
    assert answer.mimetype == "text/csv"
    told, names, row = csv.reader(io.StringIO(answer.text))
    assert "state rejected" in told[0]
    assert dict(zip(names, row, strict=True))["state"] == "rejected"


def test_a_call_s_answers_say_why_and_what_to_do(world: World, program: Program, services: Services) -> None:
    rejected(world)
    (delivery,) = program.get(BASE).json["deliveries"]
    answers = program.get(f"/api/v1/calls/{delivery['call_id']}/deliveries").json["answers"]
    mine = answers[0]
    assert mine["headline"].startswith("google_data_manager refused the purchase of 850.00 EUR")
    assert (mine["action"], mine["tone"], mine["delivery_id"]) == ("replay", "bad", delivery["id"])
    assert mine["next_step"]
    short = make_call(services, world.company, talk_seconds=12)
    told = program.get(f"/api/v1/calls/{short.id}/deliveries").json["answers"]
    assert told[0]["headline"] == "Nothing to send to google_data_manager: this call is no lead"
    assert "12 seconds" in told[0]["explanation"]
    assert {one["destination_kind"] for one in told if one["destination_id"] is None} >= {"meta"}


def test_notices_are_listed(world: World, program: Program) -> None:
    google = world.google(hold_after_click_hours=0)
    world.conversions()
    world.faults("reason:NOT_ALLOWLISTED")
    world.deliver(google)
    notices.review(world.services, world.company.id)
    for path in ("/api/v1/notices", "/api/v1/notices?open=true"):
        (told,) = program.get(path).json["notices"]
        assert (told["kind"], told["level"]) == ("destination.paused", "action")
        assert told["destination_id"] == str(google)


def test_viewers_and_strangers_change_nothing(world: World, services: Services, client: FlaskClient) -> None:
    id_ = rejected(world)
    destination = world.rows()[0].destination_id
    viewer = program_of(services, client, world.company, "viewer")
    stranger = program_of(services, client, make_company(services))
    calls: list[tuple[str, Any]] = [
        (f"{BASE}/{id_}/replay", {}), (f"{BASE}/{id_}/settle", {"arrived": True}),
        (f"/api/v1/destinations/{destination}/pause", {}), (f"/api/v1/destinations/{destination}/resume", {}),
    ]  # fmt: skip
    for path, body in calls:
        assert viewer.post(path, body).status_code == 403
        assert stranger.post(path, body).status_code == 404
    assert stranger.post(f"{BASE}/replay", {"ids": [id_]}).json == {"sent": 0, "left": {}}
    assert stranger.get(BASE).json["counts"]["total"] == 0
    assert stranger.get(f"/api/v1/calls/{program_call(world)}/deliveries").status_code == 404
    assert world.states() == ["rejected"]


def program_call(world: World) -> str:
    """Return the call of the only delivery."""
    from calltrack.conversions.model import Conversion

    with world.services.db.tenant(world.company.id) as session:
        return str(session.get_one(Conversion, (world.company.id, world.rows()[0].conversion_id)).call_id)
