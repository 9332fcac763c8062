"""The mover's story comes true on the product as it is started by hand."""

import json
from collections import Counter

from tests.journeys.conftest import Demo

REPORT = {
    "visits": {"id", "gclid", "shown_number"},
    "calls": {"id", "from", "to", "status", "talk_seconds", "attributed_visit", "probability"},
    "conversions": {"id", "kind", "status", "value_minor", "currency"},
    "deliveries": {"id", "conversion", "destination", "state", "attempts"},
}


def test_the_story_comes_true_over_public_http(demo: Demo) -> None:
    done = demo.run("simulate", "story", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    for name, fields in REPORT.items():
        assert report[name], name
        assert all(set(row) == fields for row in report[name])
    assert [(row["kind"], row["value_minor"]) for row in report["conversions"]] == [
        ("lead", None),
        ("purchase", 85_000),
    ]
    assert [row["attributed_visit"] for row in report["calls"][:2]] == [row["id"] for row in report["visits"]]
    assert all(row["probability"] >= 0.5 for row in report["calls"])
    assert {row["state"] for row in report["deliveries"]} == {"confirmed"}
    assert Counter(row["destination"] for row in report["deliveries"]) == {
        f"{name} (sandbox twin)": 2 for name in ("Google Ads", "Meta", "Microsoft Advertising", "CRM webhook")
    }
    assert report["seconds_total"] > 0


def test_a_broken_step_is_not_a_success(demo: Demo) -> None:
    done = demo.run("simulate", "story", "--json", "--base-url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert json.loads(done.stdout)["failed"]


def test_any_other_carrier_finds_the_numbers_and_their_hooks(demo: Demo) -> None:
    done = demo.run("numbers", "--json")
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)
    assert len({row["e164"] for row in numbers}) == len(numbers) > 20
    for row in numbers:
        assert row["voice_url"].startswith(demo.origin)
        assert row["location"] in ("Roma", "Milano")
        assert {"pool", "voice_fallback_url", "status_callback", "account_sid"} <= set(row)
