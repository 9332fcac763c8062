"""`calltrack replay` on the command line: lines out, and a sentence for whatever it cannot do."""

import json
from pathlib import Path

import pytest

from calltrack.cli import main

VISIT = {"t": 0, "type": "visit", "visit": "a", "visitor": "x", "campaign": "brand", "source": "google"}
CALL = {"t": 9, "type": "call", "call": "c", "caller": None, "dials_visit": "a"}


def run(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(["replay", *words])
    return ended.value.code


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text(f"{json.dumps(VISIT)}\n\n{json.dumps(CALL)}\n")
    return path


def test_a_file_is_replayed_to_a_line_per_visit_and_call(
    events: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--pool-size", "3", "--policy", "longest-idle", str(events)) == 0
    shown, found = map(json.loads, capsys.readouterr().out.splitlines())
    assert shown == {"visit": "a", "number": 0, "shared": False}
    assert found["credited_visit"] == "a"
    assert found["by_source"]["google"] > 0.9


def test_files_of_windows_and_words_cut_in_an_emoji_are_read(
    events: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = VISIT | {"campaign": "umzug \ud83d"}
    events.write_text(f"{json.dumps(cut)}\n{json.dumps(CALL)}\n", encoding="utf-8-sig")
    assert run("--pool-size", "3", str(events)) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[1])["credited_campaign"] == cut["campaign"]


def test_a_wrong_line_ends_it_after_what_was_right(events: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events.write_text(f"{json.dumps(VISIT)}\nnonsense\n")
    assert str(run("--pool-size", "3", str(events))).startswith("Line 2: this is not JSON")
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (CALL | {"dials_visit": "b"}, "Line 3: there was no visit b before."),
        ({"t": 9, "type": "tap", "visit": "b"}, "Line 3: there was no visit b before."),
        ({"t": 9, "type": "call", "call": "c", "dials_number": 7}, "Line 3: there is no number 7"),
        (VISIT | {"t": 9}, "Line 3: "),
    ],
)
def test_an_event_that_fits_none_before_is_named_by_its_line(
    events: Path, event: dict[str, object], said: str
) -> None:
    events.write_text(f"{json.dumps(VISIT)}\n\n{json.dumps(event)}\n")
    assert str(run("--pool-size", "3", str(events))).startswith(said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--pool-size", "0"), "--pool-size is between 1 and 10000."),
        (("--pool-size", "1", "--credit-from", "70"), "--credit-from is a probability"),
        (("--pool-size", "1", "--learn-until", "inf"), "--learn-until is a time"),
        (("--pool-size", "1", "--learn-until", "nan"), "--learn-until is a time"),
    ],
)
def test_options_that_make_no_sense_are_named(events: Path, words: tuple[str, ...], said: str) -> None:
    assert said in str(run(*words, str(events)))


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in str(run("--pool-size", "1", str(tmp_path / "none.jsonl")))
    (tmp_path / "latin").write_bytes(b"\xe9\n")
    assert "is not UTF-8 text" in str(run("--pool-size", "1", str(tmp_path / "latin")))
