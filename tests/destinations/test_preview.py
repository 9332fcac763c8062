"""Seen before sent: rows in a file, verdicts, the very requests, and what answers mean."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from calltrack.cli import main
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.rows import read_row
from calltrack.kernel.errors import BadInput
from calltrack.sandbox.platforms.accounts import example_settings

NOW = "2026-11-21T13:00:00Z"
ROW: dict[str, Any] = {
    "id": "c1", "kind": "purchase", "event": "conversion", "happened_at": "2026-11-20T12:00:00Z",
    "value_minor": 85000, "currency": "EUR",
    "click": {
        "gclid": "Cj0-Case", "fbclid": "IwAR-Case", "msclkid": "ms-Case", "ttclid": "tt-Case",
        "li_fat_id": "li-Case", "fbp": "fb.1.1700000000000.123", "captured_at": "2026-11-20T11:00:00Z",
    },
    "ga": {"client_id": "123.456", "session_id": "789"},
    "person": {"phone": "+390669940001", "email": "Mario.Rossi@example.com", "country": "IT"},
    "consent": {"ad_user_data": "granted", "ad_personalization": "granted"},
    "page": {"url": "https://example.com/roma", "user_agent": "Mozilla/5.0", "ip": "203.0.113.9"},
}  # fmt: skip


def run(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
    name: str,
    rows: list[object],
    *more: str,
) -> tuple[int, dict[str, Any]]:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    words = [command, name, *more]
    words += ["--rows", str(path)] if command == "classify" else [str(path)]
    with pytest.raises(SystemExit) as ended:
        main(words)
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert isinstance(ended.value.code, int)
    return ended.value.code, printed


@pytest.mark.parametrize("name", sorted(DESTINATIONS))
def test_every_destination_shows_what_would_leave(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, seen = run(capsys, tmp_path, "preview", name, [ROW], "--now", NOW)
    assert code == 0
    (row,) = seen["rows"]
    assert row["verdict"] == "will be accepted", row
    (request,) = seen["requests"]
    assert request["rows"] == ["c1"]
    assert request["method"] == "POST"
    assert request["url"].startswith("https://")
    assert request["body"]


@pytest.mark.parametrize("name", sorted(DESTINATIONS))
def test_no_secret_is_ever_shown(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    settings = DESTINATIONS[name].Settings.load(example_settings(name), sandbox=True)
    _, seen = run(capsys, tmp_path, "preview", name, [ROW], "--now", NOW)
    shown = json.dumps(seen)
    assert settings.secrets()
    assert not [secret for secret in settings.secrets().values() if secret in shown]


def test_a_refused_consent_goes_nowhere_but_to_the_companys_own_server(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    denied = ROW | {"consent": {"ad_user_data": "denied", "ad_personalization": "denied"}}
    for name in sorted(DESTINATIONS):
        _, seen = run(capsys, tmp_path, "preview", name, [denied], "--now", NOW)
        verdict = "will be accepted" if name == "webhook" else "never"
        assert (name, seen["rows"][0]["verdict"]) == (name, verdict)
        assert bool(seen["requests"]) == (name == "webhook")


def test_an_unreadable_row_is_named_and_holds_up_no_other(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, seen = run(
        capsys, tmp_path, "preview", "google_data_manager", ["no json", {"id": 5}, ROW], "--now", NOW
    )
    assert code == 1
    assert [row["verdict"] for row in seen["rows"]] == ["will be accepted", "unreadable", "unreadable"]
    assert [row.get("line") for row in seen["rows"]] == [None, 1, 2]
    assert len(seen["requests"]) == 1


def test_a_row_that_must_wait_is_shown_with_its_time(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"hold_after_click_hours": 6}')
    _, seen = run(
        capsys, tmp_path, "preview", "google-data-manager", [ROW],
        "--now", "2026-11-20T12:30:00Z", "--settings", str(settings),
    )  # fmt: skip
    assert seen["rows"][0]["verdict"] == "wait"
    assert seen["rows"][0]["until"] == seen["requests"][0]["not_before"] == "2026-11-20T17:00:00+00:00"


def test_wrong_settings_and_unknown_destinations_end_with_a_sentence(tmp_path: Path) -> None:
    rows, settings = tmp_path / "rows.jsonl", tmp_path / "settings.json"
    rows.write_text(json.dumps(ROW))
    settings.write_text('{"customer_id": "12"}')
    with pytest.raises(SystemExit, match=r"customer_id: .*10 digits"):
        main(["preview", "google_data_manager", str(rows), "--settings", str(settings)])
    with pytest.raises(SystemExit, match=r"choose one of .*google_data_manager"):
        main(["preview", "nowhere", str(rows)])
    with pytest.raises(SystemExit, match="cannot be read"):
        main(["preview", "webhook", str(tmp_path / "none.jsonl")])


def test_answers_are_classed_row_by_row(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    violation = {"field": "events[1].ad_identifiers", "description": "-", "reason": "INVALID_GCLID"}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    answer.write_text(json.dumps({"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [detail]}}))
    _, seen = run(
        capsys, tmp_path, "classify", "google_data_manager", [ROW, ROW | {"id": "c2"}],
        "--status", "400", str(answer),
    )  # fmt: skip
    assert [(row["id"], row["class"]) for row in seen["rows"]] == [("c1", "AGAIN"), ("c2", "ROW")]


def test_a_wait_is_told_in_seconds(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    answer.write_text("{}")
    _, seen = run(
        capsys, tmp_path, "classify", "google_data_manager", [ROW],
        "--status", "429", "--header", "Retry-After: 90", str(answer),
    )  # fmt: skip
    assert [(row["class"], row["after_seconds"]) for row in seen["rows"]] == [("LATER", 90.0)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "sale"}, "kind"),
        ({"event": "create"}, "event"),
        ({"happened_at": "yesterday"}, "2026-11-20T12:00:00Z"),
        ({"happened_at": "2026-11-20T12:00:00"}, "with its zone"),
        ({"value_minor": 850.5}, "whole minor units"),
        ({"value_minor": "85000"}, "whole minor units"),
        ({"value_minor": -1}, "whole minor units"),
        ({"currency": "euro"}, "urrency"),
        ({"click": "abc"}, "click"),
        ({"click": {"captured_at": 5}}, "captured_at"),
        ({"consent": {"ad_user_data": "yes"}}, "consent.ad_user_data"),
        ({"person": {"phone": 39066994}}, "person.phone"),
        ({"id": ""}, "id"),
    ],
)
def test_a_wrong_row_is_refused_by_the_name_of_its_field(change: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_row(json.dumps(ROW | change))
    assert said in str(refused.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(BadInput, match="happened_at"):
        read_row('{"id": "a", "kind": "lead", "event": "conversion"}')


def test_a_restatement_keeps_the_time_of_its_conversion() -> None:
    row = ROW | {"event": "restate", "original": {"happened_at": "2026-11-19T08:00:00Z", "value_minor": 1}}
    upload = read_row(json.dumps(row)).upload
    assert (upload.action, upload.sequence, upload.original_value_minor) == ("restate", 1, 1)
    assert upload.occurred_at == datetime(2026, 11, 19, 8, tzinfo=UTC)
    assert upload.changed_at == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_an_id_of_digits_only_gets_letters() -> None:
    assert read_row(json.dumps(ROW | {"id": "123"})).upload.id == "conv-123"


def test_national_phone_numbers_are_read_by_the_country_and_wrong_ones_left_out() -> None:
    national = read_row(json.dumps(ROW | {"person": {"phone": "06 6994 0001", "country": "it"}}))
    assert (national.upload.phone_e164, national.upload.region) == ("+390669940001", "IT")
    wrong = read_row(json.dumps(ROW | {"person": {"phone": "call me"}}))
    assert wrong.upload.phone_e164 is None
    assert "person.phone" in wrong.warnings[0]


def test_every_verdict_comes_with_its_next_step(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    nobody = {name: ROW[name] for name in ("id", "kind", "event", "happened_at")}
    _, seen = run(capsys, tmp_path, "preview", "meta", [ROW, nobody | {"id": "c2"}], "--now", NOW)
    assert [row["code"] for row in seen["rows"]] == ["OK", "NO_IDENTIFIERS"]
    assert [bool(row["next_step"]) for row in seen["rows"]] == [False, True]
