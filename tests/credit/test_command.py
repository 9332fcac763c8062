"""`calltrack credit` prints the live models' credit as documented."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from calltrack.cli import main
from calltrack.commands.credit import NAMES
from calltrack.commands.credit_file import read_journeys
from calltrack.journeys.credit.choice import Choice
from calltrack.journeys.credit.models import MODELS
from calltrack.kernel.errors import BadInput
from tests.credit.vectors import CASES, EXPECTED_400, JOURNEYS_400, Case

DOCS = Path(__file__).parents[2] / "docs" / "credit.md"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[dict[str, Any], str]:
    with pytest.raises(SystemExit) as end:
        main(["credit", *words])
    assert end.value.code == 0
    out, err = capsys.readouterr()
    return json.loads(out), err


def test_every_model_of_the_registry_can_be_asked_for_and_is_documented() -> None:
    assert set(NAMES) == set(MODELS)
    text = DOCS.read_text()
    for name, model in MODELS.items():
        assert f"| `{name}` |" in text
        assert model.sentence in text
        assert not model.needs_conversions or f"{model.needs_conversions} conversions" in text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_known_cases_through_a_file(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "journeys.jsonl"
    lines = [
        {"path": one.path, "conversions": one.conversions, "nulls": one.nulls}
        | ({"hours_before": one.hours_before} if one.hours_before else {})
        for one in case.journeys
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    found, _ = run(capsys, "--model", case.model, str(file))
    assert found["credits"] == pytest.approx(dict.fromkeys(found["credits"], 0) | case.credits, abs=1e-9)
    if case.removal:
        assert found["removal"] == pytest.approx(case.removal, abs=1e-12)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_mark_some_programs_begin_a_file_with_is_no_fault(tmp_path: Path, processes: int) -> None:
    file = tmp_path / "journeys.jsonl"
    line = '{"path": ["a"], "conversions": 2}\n'
    file.write_text(line * 3, encoding="utf-8-sig")
    assert read_journeys(str(file), Choice(), processes).conversions.sum() == 6
    file.write_text(f"{line}nonsense\n", encoding="utf-8-sig")
    with pytest.raises(BadInput, match="Line 2"):
        read_journeys(str(file), Choice(), processes)


def test_too_little_data_is_said_beside_the_credit_and_refused_on_demand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, err = run(capsys, "--model", "markov2", str(JOURNEYS_400))
    assert found["credits"] == pytest.approx(EXPECTED_400["markov2"]["attributed"], abs=1e-9)
    assert found["p_conv"] == pytest.approx(0.1825)
    assert found["need"] == {
        "conversions": 400, "seen": 73.0, "missing": 327, "met": False, "sentence": err.strip()
    }  # fmt: skip
    assert "327 more are needed" in err
    with pytest.raises(SystemExit, match=r"there are 73\. 327 more are needed"):
        main(["credit", "--refuse", "--model", "markov2", str(JOURNEYS_400)])


def test_the_help_says_what_becomes_of_too_little_data(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["credit", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "shares are printed with a warning on standard error; --refuse refuses them" in said


def test_models_stand_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    found, err = run(
        capsys, "--model", "linear", "--beside", "last", "--beside", "time_decay", str(JOURNEYS_400)
    )
    assert err == ""
    assert set(found["beside"]) == {"last", "time_decay"}
    last = found["beside"]["last"]
    assert last["credits"] == EXPECTED_400["last"]
    assert last["difference"]["credits"] == pytest.approx(
        {name: part - last["credits"][name] for name, part in found["credits"].items()}
    )
    assert found["beside"]["time_decay"]["credits"] == pytest.approx(EXPECTED_400["time_decay_168h"])


def test_options_reach_the_models(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        '{"path": ["a", "b"], "hours_before": [300, 9], "conversions": 1, "value_minor": 5, "kind": "lead"}',
        '{"path": ["c"], "hours_before": [200], "conversions": 1, "kind": "lead"}',
        '{"path": ["d"], "hours_before": [1], "conversions": 1, "kind": "purchase"}',
    ]
    options = ["--lookback-hours", "168", "--kind", "lead", "--half-life-hours", "24", "--whole-half-lives"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(lines).encode())))
    found, _ = run(capsys, "--model", "time_decay", *options, "--most-channels", "2", "-")
    assert found["credits"] == {"(other)": 0.0, "b": 1.0}
    assert found["value_minor"] == {"(other)": 0, "b": 5}
    assert found["uncredited"] == {"conversions": 1.0, "value_minor": 0}
    assert found["totals"] == {"conversions": 2.0, "nulls": 0.0, "value_minor": 5}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl cannot be read: No such file"),
        (["--half-life-hours", "0", "--beside", "time_decay", str(JOURNEYS_400)], "half-life is a number"),
        (["--lookback-hours", "nan", str(JOURNEYS_400)], "window is a number"),
        (["--kind", " ", str(JOURNEYS_400)], "kind of conversion has a name"),
        (["--most-channels", "0", str(JOURNEYS_400)], "--most-channels is at least 1"),
        ([str(DOCS)], "Line 1: it is not one JSON object"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit, match=sentence):
        main(["credit", "--model", "last", *words])
