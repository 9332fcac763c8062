"""What is told about journeys is read whole: doubts, windows, kinds of conversion, lines in any pieces."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.commands.credit_file import read_journeys
from calltrack.journeys.credit.choice import Choice, Decay
from calltrack.journeys.credit.gathering import gather
from calltrack.journeys.credit.journey import Journey
from calltrack.journeys.credit.lines import Reader, whole_lines
from calltrack.journeys.credit.models import MODELS, Credit, credit
from calltrack.journeys.credit.paths import Paths
from calltrack.kernel.errors import BadInput
from tests.credit.stories import journeys
from tests.credit.vectors import by_channel
from tests.examples import examples

some = settings(max_examples=examples(25), deadline=None)
BY_AGE = Choice(decay=Decay())


def doubt(*ways: tuple[str, float]) -> tuple[tuple[str, float], ...]:
    return ways


def all_of(paths: Paths) -> dict[str, Credit]:
    return {model: credit(model, paths, insist=True) for model in MODELS}


def same(one: Paths, other: Paths) -> None:
    for (model, a), b in zip(all_of(one).items(), all_of(other).values(), strict=True):
        seen = {name: part for name, part in by_channel(a).items() if part > 1e-12}
        assert seen == pytest.approx({name: part for name, part in by_channel(b).items() if part > 1e-12}), (
            model
        )
        assert a.uncredited == pytest.approx(b.uncredited)
        assert math.fsum(a.conversions) + a.uncredited == pytest.approx(a.totals.conversions, abs=1e-9)
        assert sum(a.value_minor) + a.uncredited_value_minor == a.totals.value_minor


def test_a_call_of_two_campaigns_counts_as_two_weighted_paths() -> None:
    either = doubt(("google", 0.7), ("meta", 0.3))
    hours = (30.0, 20.0, 0.0)
    soft = [Journey(("organic", either, "direct"), 1, 2, 1000, hours)]
    hard = [
        Journey(("organic", "google", "direct"), 0.7, 1.4, 700, hours),
        Journey(("organic", "meta", "direct"), 0.3, 0.6, 300, hours),
    ]
    same(gather(soft, BY_AGE), gather(hard, BY_AGE))
    last = credit("last", gather([Journey((either,), 1, 0, 1000)]))
    assert by_channel(last) == {"google": 0.7, "meta": 0.3}
    assert last.value_minor == (700, 300)


def test_what_candidates_lack_to_1_is_that_there_was_no_such_touch() -> None:
    hours = (30.0, 20.0)
    soft = [
        Journey(("organic", doubt(("google", 0.6))), 1, hours_before=hours),
        Journey((doubt(("meta", 0.75)),), 1, 0, 101, (5.0,)),
    ]
    hard = [
        Journey(("organic", "google"), 0.6, hours_before=hours),
        Journey(("organic",), 0.4, hours_before=(30.0,)),
        Journey(("meta",), 0.75, 0, 76, (5.0,)),
    ]
    found = gather(soft, BY_AGE)
    for model, one in all_of(found).items():
        expected = by_channel(credit(model, gather(hard, BY_AGE), insist=True))
        assert by_channel(one) == pytest.approx(expected), model
        assert one.uncredited == 0.25
        assert (sum(one.value_minor), one.uncredited_value_minor) == (76, 25)


doubts = st.lists(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True).flatmap(
        lambda names: st.lists(st.integers(0, 10), min_size=len(names), max_size=len(names)).map(
            lambda parts: tuple(zip(names, (part / max(sum(parts), 10) for part in parts), strict=True))
        )
    ),
    min_size=1,
    max_size=4,
)


@given(doubts, st.integers(0, 10**6))
@some
def test_doubts_lose_nothing(path: Sequence[tuple[tuple[str, float], ...]], value: int) -> None:
    told = Journey(tuple(path), 1, 1, value, tuple(float(at) for at in reversed(range(len(path)))))
    for model, found in all_of(gather([told], BY_AGE)).items():
        assert math.fsum(found.conversions) + found.uncredited == pytest.approx(1, abs=1e-9), model
        assert sum(found.value_minor) + found.uncredited_value_minor == value
    last = by_channel(credit("last", gather([Journey(tuple(path[-1:]), 1)])))
    assert last == pytest.approx(dict.fromkeys(last, 0.0) | {name: part for name, part in path[-1] if part})


@given(journeys, st.sampled_from([0.0, 24.0, 500.0, 1999.5]))
@some
def test_touches_before_the_window_do_not_count(told: list[Journey], lookback: float) -> None:
    cut = []
    lost = 0.0
    for one in told:
        assert one.hours_before is not None
        kept = [at for at, hours in enumerate(one.hours_before) if hours <= lookback]
        hours = tuple(one.hours_before[at] for at in kept)
        if kept:
            cut.append(replace(one, path=tuple(one.path[at] for at in kept), hours_before=hours))
        else:
            lost += one.conversions
    found = gather(told, Choice(lookback_hours=lookback, decay=Decay()))
    assert found.totals.uncredited == lost
    for model, one_credit in all_of(found).items():
        expected = by_channel(credit(model, gather(cut, BY_AGE), insist=True)) if cut else {}
        seen = by_channel(one_credit)
        assert seen == pytest.approx(dict.fromkeys(seen, 0.0) | expected), model


def test_only_chosen_kinds_of_conversion_count() -> None:
    told = [
        Journey(("a",), 1, kind="lead"),
        Journey(("b",), 1, kind="purchase"),
        Journey(("c",), 1),
        Journey(("d",), nulls=1),
        Journey(("a", "d"), nulls=1, kind="lead"),
    ]
    found = credit("markov1", gather(told, Choice(kinds=frozenset({"lead"}))), insist=True)
    assert by_channel(found) == {"a": 1.0, "d": 0.0}
    assert (found.totals.conversions, found.totals.nulls) == (1, 2)


def as_line(one: Journey) -> bytes:
    told = {
        "path": [step if isinstance(step, str) else dict(step) for step in one.path],
        "hours_before": one.hours_before,
        "conversions": one.conversions,
        "nulls": one.nulls,
        "value_minor": one.value_minor,
    }
    return json.dumps(told).encode() + b"\n"


@given(journeys, st.integers(1, 400), st.integers(1, 4))
@some
def test_lines_in_any_pieces_are_the_journeys_they_tell(told: list[Journey], size: int, times: int) -> None:
    text = b"\n \n".join(map(as_line, told)) * times
    reader = Reader(BY_AGE)
    for lines in whole_lines(text[at : at + size] for at in range(0, len(text), size)):
        reader.add(lines)
    same(reader.paths(), gather(told * times, BY_AGE))


def test_several_processes_read_what_one_reads(tmp_path: Path) -> None:
    told = [
        Journey((f"c{at % 7}", (("x", 0.5), (f"y{at % 3}", 0.5))), at % 2, 1, at % 2 * at)
        for at in range(500)
    ]
    file = tmp_path / "journeys.jsonl"
    file.write_bytes(b"".join(map(as_line, told)))
    one, several = (read_journeys(str(file), Choice(), processes) for processes in (1, 3))
    assert one.totals == several.totals
    assert len(several.starts) > len(one.starts)  # each process has its own rows: it was shared
    for model in ("markov3", "linear", "shapley"):
        a, b = credit(model, one, insist=True), credit(model, several, insist=True)
        assert by_channel(a) == pytest.approx(by_channel(b), abs=1e-9)
        assert a.value_minor == b.value_minor
    with file.open("ab") as end:
        end.write(b'{"path": ["a"], "conversions": -1}\n{"path": []}\n')
    with pytest.raises(BadInput, match=r"^Line 501: conversions: expected a number >= 0"):
        read_journeys(str(file), Choice(), 3)


GOOD = b'{"path": ["a"], "conversions": 1}\n'


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("x", "not one JSON object, such as {"),
        ("[]", "expected an object, got a list"),
        ('{"conversions": 1}', "missing required field path"),
        ('{"path": ["a"]}', "missing required field conversions"),
        ('{"path": "a", "conversions": 1}', "path: expected a list, got text"),
        ('{"path": [], "conversions": 1}', "the path has no touch"),
        ('{"path": [7], "conversions": 1}', r"path\[0\]: expected a channel, or an object"),
        ('{"path": [" "], "conversions": 1}', "a channel has no name"),
        ('{"path": [{"a": 0.9, "b": 0.2}], "conversions": 1}', "add up to more than 1"),
        ('{"path": [{"a": -0.1}], "conversions": 1}', "probability of a is -0.1"),
        ('{"path": [{"a": "b"}], "conversions": 1}', "expected a number, got text"),
        ('{"path": ["a"], "conversions": -1}', "conversions: expected a number >= 0"),
        ('{"path": ["a"], "conversions": 1e999}', "conversions: number out of range"),
        ('{"path": ["a"], "conversions": true}', "conversions: expected a number, got true or false"),
        ('{"path": ["a"], "conversions": 0, "value_minor": 1}', "a value but no conversion"),
        ('{"path": ["a"], "conversions": 1, "value_minor": 1.5}', "value_minor: expected a whole number"),
        ('{"path": ["a"], "conversions": 1, "nulls": "2"}', "nulls: expected a number, got text"),
        ('{"path": ["a"], "conversions": 1, "hours_before": [1, 0]}', "one number for each touch"),
        ('{"path": ["a", "b"], "conversions": 1, "hours_before": [1, 2]}', "must fall from the first"),
        ('{"path": ["a"], "conversions": 1, "hours_before": [-1]}', r"hours_before\[0\]: expected a number"),
        ('{"path": ["a"], "conversions": 1} {}', "not one JSON object"),
        ('{"path": ["\udc80"], "conversions": 1}', "not UTF-8 text"),
        ('{"path": ["a"], "conversions": 1, "kind": "\udc80"}', "not UTF-8 text"),
        (
            json.dumps({"path": [{"a": 0.5, "b": 0.5}] * 11, "conversions": 1}),
            "more than 1024 ways; leave out unlikely",
        ),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path: Path, line: str, problem: str) -> None:
    file = tmp_path / "journeys.jsonl"
    file.write_bytes(GOOD + b"\n" + line.encode(errors="surrogateescape") + b"\n" + GOOD)
    with pytest.raises(BadInput, match=f"^Line 3: .*{problem}"):
        read_journeys(str(file), Choice())


def test_windows_and_time_decay_ask_for_hours() -> None:
    for choice in (BY_AGE, Choice(lookback_hours=1)):
        with pytest.raises(BadInput, match="lacks hours_before"):
            gather([Journey(("a",), 1, hours_before=(0.0,)), Journey(("a",), 1)], choice)
    with pytest.raises(BadInput, match="not below zero"):
        Choice(lookback_hours=-1)
    with pytest.raises(BadInput, match="above zero"):
        Decay(0)
