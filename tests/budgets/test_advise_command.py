"""`calltrack advise` on the command line: one JSON object out, or a sentence for what it cannot read."""

import json
from pathlib import Path
from typing import Any

import pytest

from calltrack.cli import main

RATES = {"brand": 12.0, "rome": 2.0, "milan": 6.0}


def csv(weeks: int = 14) -> str:
    lines = ["week,campaign,spend,conversions,value"]
    for week in range(weeks):
        for place, (name, rate) in enumerate(RATES.items()):
            share = 1.0 if week == weeks - 1 else 1.25 if (week + place) % 2 else 0.75
            lines.append(f"{week},{name},{1000 * share},{rate * share:.2f},{rate * share * 150:.2f}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.csv"
    path.write_text(csv())
    return path


def run(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(["advise", *words])
    return ended.value.code


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert run(*words) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_recommended_split_comes_with_its_gain_and_reasons(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = printed(capsys, "--total", "3000", str(history))
    split = found["recommended"]
    assert sum(round(each * 100) for each in split.values()) == 300_000
    assert split["brand"] > 1000 > split["rome"]
    assert found["expected_gain"]["low"] < found["expected_gain"]["mean"] < found["expected_gain"]["high"]
    assert found["p_gain"] >= 0.8
    assert all(reason["text"] for reason in found["reasons"])
    assert {each["budget"] for each in found["budgets"]} == set(RATES)


def test_constraints_and_another_split_are_read_from_files(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits, wish = tmp_path / "limits.json", tmp_path / "wish.json"
    limits.write_text('{"locked": ["rome"], "caps": {"brand": 1100}}')
    wish.write_text('{"brand": 1500, "milan": 300}')
    found = printed(
        capsys, "--total", "3000", "--constraints", str(limits), "--what-if", str(wish), str(history)
    )
    assert found["proposed"]["rome"] == 1000
    assert found["proposed"]["brand"] <= 1100
    assert found["what_if"]["split"] == {"brand": 1500, "milan": 300, "rome": 1000}
    assert found["what_if"]["p_gain"] > 0.5
    assert found["what_if"]["beyond_what_was_seen"] == ["brand", "milan"]


def test_why_there_is_none_is_told(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history.write_text(csv(weeks=2))
    found = printed(capsys, "--total", "3000", str(history))
    assert found["recommended"] is None
    assert found["p_gain"] is None
    assert found["reasons"][0]["code"] == "too_few_weeks"
    assert found["reasons"][0]["text"].startswith("Do not move money yet")
    assert found["trial"] != found["today"]
    far = printed(capsys, "--total", "9000", str(history))
    assert far["reasons"][0]["values"] == {"total": 9000, "low": 2100, "high": 3900}


def test_a_currency_without_cents_is_divided_into_whole_units(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = printed(capsys, "--total", "3001", "--currency", "jpy", str(history))
    assert sum(found["recommended"].values()) == 3001
    assert all(each == int(each) for each in found["recommended"].values())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--total", "0"), "--total is an amount above 0"),
        (("--total", "nan"), "--total is an amount above 0"),
        (("--total", "much"), "--total is an amount above 0"),
        (("--total", "5", "--currency", "XXY"), "'XXY' is not a currency"),
        (("--total", "5", "--constraints", "none.json"), "none.json cannot be read"),
    ],
)
def test_options_that_make_no_sense_are_named(history: Path, words: tuple[str, ...], said: str) -> None:
    assert said in str(run(*words, str(history)))


def test_files_that_cannot_be_read_are_named(history: Path, tmp_path: Path) -> None:
    assert "cannot be read" in str(run("--total", "5", str(tmp_path / "none.csv")))
    (tmp_path / "latin").write_bytes(b"week,campaign\xe9\n")
    assert "is not UTF-8 text" in str(run("--total", "5", str(tmp_path / "latin")))
    history.write_text(csv() + "14,brand,much,1,1\n")
    assert str(run("--total", "3000", str(history))).startswith("Line 44: spend is 'much'")
