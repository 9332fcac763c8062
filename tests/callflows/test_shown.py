"""A flow shown: as a text, as a picture, and as the answer to "what happens to a call at Sunday 9:00?"."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings

from calltrack.callflows.checks import read_flow
from calltrack.callflows.picture import picture, svg
from calltrack.callflows.sentence import lines, sentence
from calltrack.callflows.trial import MOST_BRANCHES, Branch, try_call
from tests.callflows.flows import EXAMPLE, flows
from tests.callflows.test_random_flows import call_at
from tests.examples import examples

FLOW = read_flow(EXAMPLE)
SUNDAY_9_IN_ROME = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
MONDAY_10_IN_ROME = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
UNHURRIED = settings(
    deadline=None,
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def test_the_flow_in_words() -> None:
    text = sentence(FLOW)
    assert text.splitlines()[0] == (
        "Is it open? Open Monday to Friday 09:00-13:00 and 15:00-19:00 (Europe/Rome)."
        " Other hours on 12-25 (Natale) closed."
    )
    for part in (
        "While it is open: The caller hears “Benvenuti da Rossi Traslochi.”.",
        "Key 1 (Quote): Anna (+39 06 6994 0001) and Bruno (+39 347 000 0002) ring all at once for 15",
        "Whoever answers presses 1 to take the call.",
        "key 9 leaves the recording out",
        "The business hangs up first: The caller hears “Da 1 a 3, quanto è soddisfatto?” and presses a key.",
        "Nobody takes it: as at “message” above.",
        "No such key: as at “sales” above.",
    ):
        assert part in text
    assert [line.step for line in lines(FLOW) if line.text.startswith("The caller hears “Per un")] == ["menu"]


def all_of(branch: Branch) -> Iterator[Branch]:
    yield branch
    for following in branch.then:
        yield from all_of(following)


def told(branch: Branch) -> list[str]:
    return [f"{line.to} {line.text}" for line in branch.told]


def test_sunday_at_nine() -> None:
    trial = try_call(FLOW, call_at(SUNDAY_9_IN_ROME, "+393471234567"))
    assert trial.moment == "Sunday 29 November 2026, 09:00 (CET)"
    assert told(trial.first) == [
        "flow “hours”: closed, opens on Monday 30 November at 09:00",
        "caller hears “Siamo chiusi.”",
        "caller hears “Al momento non possiamo rispondere. Lasci un messaggio dopo il segnale acustico.”",
        "caller may leave a message of up to 120 seconds",
    ]
    assert (trial.first.steps, trial.first.then) == (("hours", "closed", "message"), ())


def test_monday_at_ten() -> None:
    trial = try_call(FLOW, call_at(MONDAY_10_IN_ROME))
    assert told(trial.first)[0] == "flow “hours”: open, closes on Monday 30 November at 13:00"
    quote, running, nothing = trial.first.then
    assert quote.when == "The caller presses 1 (Quote)"
    assert told(quote) == [
        "caller hears “La informiamo che la chiamata può essere registrata.” (notice of recording)",
        "caller hears “Se non desidera essere registrato, prema 9.”",
        "caller may press a key for 3 seconds",
        "business Anna (+39 06 6994 0001), Bruno (+39 347 000 0002) ring for 15 seconds",
        "business hears “(where the call comes from) La chiamata viene registrata. Prema 1 per rispondere.”"
        " before it is joined",
        "flow the talk is recorded",
    ]
    assert [branch.when for branch in quote.then] == [
        "The caller presses 9",
        "They talk, and the business hangs up first",
        "Nobody takes the call",
        "The first phone answers, but does not take it",
    ]
    assert not any("recorded" in line for line in told(quote.then[0]))
    assert told(running)[0] == "business the location's own line rings for 15 seconds"
    assert nothing.when == "The caller presses no key, or another one"


def test_the_picture_says_in_words_what_it_shows() -> None:
    drawn = picture(FLOW)
    assert sorted(box.step for box in drawn.boxes if box.step) == sorted(FLOW.steps)
    assert {(arrow.label, drawn.boxes[arrow.to].step) for arrow in drawn.arrows} >= {
        ("While it is closed", "closed"), ("Key 1 (Quote)", "sales"), ("Nobody takes it", "message")
    }  # fmt: skip
    root = ET.fromstring(svg(FLOW, "Negozio & <Co>", "f1"))
    assert root.get("role") == "img"
    title, desc = root[0], root[1]
    assert (title.text, desc.text) == ("Negozio & <Co>", sentence(FLOW))
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"


@UNHURRIED
@given(flows())
def test_every_flow_can_be_shown_and_tried(plain: dict[str, Any]) -> None:
    flow = read_flow(plain)
    assert {line.step for line in lines(flow)} >= set(flow.steps)
    drawn = picture(flow)
    assert len({(box.column, box.row) for box in drawn.boxes}) == len(drawn.boxes), "no box hides another"
    root = ET.fromstring(svg(flow, "x"))
    labels = [(one.get("x"), one.get("y")) for one in root.iter() if one.get("font-size") == "11"]
    assert len(set(labels)) == len(labels), "no label stands on another"
    trial = try_call(flow, call_at(MONDAY_10_IN_ROME))
    assert 1 <= len(list(all_of(trial.first))) <= MOST_BRANCHES
