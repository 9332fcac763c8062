"""Credit over many touches by API."""

import math

import pytest
from flask.testing import FlaskClient

from calltrack.wiring import Services
from tests.api.conftest import program_of
from tests.builders import make_company
from tests.reports.credit.plenty import plenty
from tests.reports.credit.test_stored import DAY, NOON

AT = "/api/v1/credit"
DAYS = "since=2026-11-01&until=2026-11-30"


def test_a_program_reads_every_model_and_each_adds_up(services: Services, client: FlaskClient) -> None:
    company, other = make_company(services), make_company(services)
    plenty(services, company, DAY, NOON, 300)
    viewer = program_of(services, client, company, "viewer")
    found = viewer.get(f"{AT}?{DAYS}&by=campaign&days=90").json
    assert (found["totals"]["conversions"], found["totals"]["value_minor"]) == (300, 300_300)
    assert (found["by"], found["days"], found["days_waiting"]) == ("campaign", 90, 0)
    models = {one["model"]: one for one in found["models"]}
    assert models["markov3"]["missing"] > 500
    assert "needs 800 conversions" in models["markov3"]["refusal"]
    for one in models.values():
        if one["refusal"]:
            assert one["credits"] == []
            continue
        conversions = math.fsum(share["conversions"] for share in one["credits"]) + one["uncredited"]
        assert conversions == pytest.approx(300, abs=1e-9)
        value = sum(share["value_minor"] for share in one["credits"])
        assert value + one["uncredited_value_minor"] == 300_300
    assert models["last"]["moved"] == 0 < models["linear"]["moved"]
    assert {share["channel"]["source"] for share in models["first"]["credits"]} == {
        "direct",
        "google",
        "meta",
    }
    foreign = program_of(services, client, other, "viewer").get(f"{AT}?{DAYS}").json
    assert (foreign["totals"]["conversions"], foreign["counted_at"]) == (0, None)


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        (f"{DAYS}&days=8", "The window is 7, 30, 90 days."),
        ("since=2026-11-02&until=2026-11-01", "The first day lies after the last one"),
        ("since=2020-11-02&until=2026-11-01", "At most 800 days"),
        (f"{DAYS}&kind=visit", "Input should be 'lead' or 'purchase'"),
        ("since=2026-11-02", "Field required"),
    ],
)
def test_what_makes_no_sense_is_named(
    services: Services, client: FlaskClient, question: str, problem: str
) -> None:
    viewer = program_of(services, client, make_company(services, numbers=0), "viewer")
    answer = viewer.get(f"{AT}?{question}")
    assert answer.status_code in (400, 422)
    assert problem in answer.text
    assert client.get(f"{AT}?{DAYS}").status_code == 401
