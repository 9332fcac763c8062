import json
from typing import Any

import pytest

from tests.sandbox.platforms.test_data_manager_twin import Twin, body, event

FAULTS = "/sandbox/platforms/faults"


@pytest.fixture
def twin() -> Twin:
    return Twin()


@pytest.mark.parametrize(
    "wish",
    [
        {"next": ["200"]}, {"next": ["explode"]}, {"next": ["503:X-Evil=1"]}, {"next": [503]},
        {"next": "503"},
        {"target": "nobody", "next": ["503"]}, {"modes": {"nice": True}}, {"modes": {"counts_only": 1}},
        {"modes": {"processing_seconds": True}}, {"modes": {"processing_seconds": -1}}, {"surprise": 1}, [],
        "x",
        {"next": ["ok"] * 10_001}, {"next": ["timeout:abc"]}, {"next": ["503\r\nx: y"]},
    ],
)  # fmt: skip
def test_a_script_that_makes_no_sense_is_refused_and_changes_nothing(twin: Twin, wish: Any) -> None:
    before = twin.client.get(FAULTS).json
    answer = twin.client.post(FAULTS, data=json.dumps(wish))
    assert answer.status_code == 400
    assert twin.client.get(FAULTS).json == before


def test_steps_are_taken_one_by_one_then_the_twin_behaves_again(twin: Twin) -> None:
    twin.client.post(FAULTS, data=json.dumps({"next": ["ok", "503", "429:Retry-After=7"]}))
    answers = [twin.ingest(body()) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 503, 429, 200]
    assert answers[2].headers["Retry-After"] == "7"
    assert answers[1].json is not None
    assert answers[1].json["error"]["status"] == "UNAVAILABLE"


def test_faults_can_be_taken_back(twin: Twin) -> None:
    twin.client.post(FAULTS, data=json.dumps({"next": ["503"], "modes": {"counts_only": True}}))
    twin.client.delete(FAULTS)
    assert twin.ingest(body()).status_code == 200
    state = twin.client.get(FAULTS).json
    assert state is not None
    assert state["modes"]["counts_only"] is False


def test_a_body_beyond_the_limit_is_refused(twin: Twin) -> None:
    assert twin.ingest(b" " * 16_000_001).status_code == 413


def test_the_page_shows_what_came_and_is_safe_against_what_came(twin: Twin) -> None:
    empty = twin.client.get("/sandbox/platforms").text
    assert "Nothing yet" in empty
    twin.ingest(body(event(adIdentifiers={"gclid": "<script>alert(1)</script>"})))
    page = twin.client.get("/sandbox/platforms").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "Lead by phone" in page
    assert "850.00 EUR" in page
    assert "onclick" not in page
    assert page.count("<script") == page.count("<script src=")
    recent = twin.client.get("/sandbox/platforms/recent").json
    assert recent is not None
    assert recent["platforms"][0]["rows"][0]["status"] == "counted"


def test_the_display_is_bounded_and_the_counts_are_not(twin: Twin) -> None:
    for turn in range(12):
        twin.ingest(body(*[event(transactionId=f"c-{turn}-{n}") for n in range(100)]))
    recent = twin.client.get("/sandbox/platforms/recent").json
    assert recent is not None
    google = recent["platforms"][0]
    assert google["counted"] == 1200
    assert len(google["rows"]) == 60


@pytest.mark.parametrize("file", ["platforms.js", "platforms.css"])
def test_the_page_s_own_files_are_served(twin: Twin, file: str) -> None:
    answer = twin.client.get(f"/sandbox/platforms/static/{file}")
    assert answer.status_code == 200
    answer.close()


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({}, b"{}", 401),
        ({"webhook-id": "a", "webhook-timestamp": "x", "webhook-signature": "v1,x"}, b"{}", 401),
    ],
)
def test_the_receiver_refuses_what_is_not_signed(
    twin: Twin, headers: dict[str, str], data: bytes, status: int
) -> None:
    assert twin.client.post("/sandbox/webhook", data=data, headers=headers).status_code == status
    assert twin.effects()["counts"] == {"webhook.refused": 1}
