"""GA4 against its twin over a socket: silent, purchases counted once, leads not."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from calltrack.destinations.outcomes import Class
from tests.destinations.twins import NOW, TwinWorld, classes, connected

GA = {"ga_client_id": "123.456", "ga_session_id": "789"}


@pytest.fixture
def world() -> Iterator[TwinWorld]:
    with connected("ga4") as made:
        yield made


def events(world: TwinWorld) -> list[tuple[str, str, list[float | None], bool]]:
    return [
        (one["target"].partition("/")[2], one["id"], one["values"], one["retracted"])
        for one in world.effects()
    ]


def test_a_purchase_counts_once_however_often_it_comes(world: TwinWorld) -> None:
    for _ in range(3):
        assert classes(world.deliver(world.payloads("a", **GA))) == [Class.DONE]
    (effect,) = world.effects()
    assert (effect["id"], effect["values"], effect["currency"]) == ("conv-a", [850.0], "EUR")
    assert (effect["received"], effect["click"]) == (3, "123.456")
    assert world.counts() == {"requests": 3, "counted": 1, "repeated": 2}


def test_a_lead_counts_each_time_which_is_why_it_is_not_sent_again(world: TwinWorld) -> None:
    lead = world.payloads("a", kind="lead", **GA)
    world.faults("timeout-after-processing:3")
    first = world.deliver(lead)
    assert classes(first) == [Class.UNKNOWN]
    assert not world.destination.counts_once(lead[0])
    world.deliver(lead)
    assert [id_ for _, id_, _, _ in events(world)] == ["conv-a", "conv-a#2"]


def test_a_purchase_that_got_no_answer_is_sent_again_and_counts_once(world: TwinWorld) -> None:
    world.faults("drop-after-processing", "drop-connection")
    assert classes(world.deliver(world.payloads("a", **GA))) == [Class.UNKNOWN]
    assert classes(world.deliver(world.payloads("a", **GA))) == [Class.UNKNOWN]
    assert classes(world.deliver(world.payloads("a", **GA))) == [Class.DONE]
    assert events(world) == [("purchase", "conv-a", [850.0], False)]


def test_a_refund_takes_the_purchase_back(world: TwinWorld) -> None:
    world.deliver(world.payloads("a", "b", **GA)[:1])
    world.deliver(world.payloads("a", action="retract", sequence=1, value_minor=None, **GA))
    assert events(world) == [("purchase", "conv-a", [850.0], True)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_id": ""}, "VALUE_REQUIRED"),
        ({"client_id": "INVALID.1"}, ""),
        ({"timestamp_micros": int((NOW - timedelta(hours=73)).timestamp() * 1e6)}, "VALUE_INVALID"),
        ({"consent": {"ad_user_data": "granted"}}, "VALUE_INVALID"),
        ({"surprise": 1}, "VALUE_INVALID"),
        ({"events": []}, "EXCEEDED_MAX_ENTITIES"),
        ({"events": [{"name": "a"}] * 26}, "EXCEEDED_MAX_ENTITIES"),
        ({"events": [{"name": "session_start"}]}, "NAME_RESERVED"),
        ({"events": [{"name": "x" * 41}]}, "NAME_INVALID"),
        ({"events": [{"name": "a", "params": {f"p{n}": 1 for n in range(26)}}]}, "EXCEEDED_MAX_ENTITIES"),
        ({"events": [{"name": "a", "params": {"p": "x" * 101}}]}, "VALUE_OUT_OF_BOUNDS"),
        ({"events": [{"name": "a", "params": {"value": 1}}]}, "VALUE_REQUIRED"),
        ({"events": [{"name": "a", "params": {"value": "1", "currency": "EUR"}}]}, "VALUE_INVALID"),
        ({"events": [{"name": "purchase", "params": {}}]}, "VALUE_REQUIRED"),
        ({"events": [{"name": "a", "params": {"p": 1}}], "user_properties": {"x": "y" * 130_000}},
         "EXCEEDED_MAX_ENTITIES"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_dropped_in_silence_and_named_by_the_validation_server(
    world: TwinWorld, change: dict[str, Any], code: str
) -> None:
    (good,) = world.payloads("a", **GA)
    wrong = json.dumps(json.loads(good) | change).encode()
    assert classes(world.deliver([wrong])) == [Class.DONE]
    assert world.effects() == []
    assert world.counts() == {"requests": 1, "refused": 1}
    if code:
        assert world.trial([wrong])[0].code == code


def test_a_wrong_secret_is_not_noticed_by_anybody(world: TwinWorld) -> None:
    settings = world.settings.model_copy(update={"measurement_id": "G-OTHER0001"})
    attempt = world.courier.deliver(world.destination, settings, world.payloads("a", **GA), NOW)
    assert classes(attempt) == [Class.DONE]
    assert world.effects() == []


def test_a_trial_counts_nothing(world: TwinWorld) -> None:
    assert classes(world.trial(world.payloads("a", **GA))) == [Class.DONE]
    assert world.effects() == []


def test_an_unwell_collector_is_tried_again(world: TwinWorld) -> None:
    world.faults("503", "429:Retry-After=2", "garbage")
    first, second, third, fourth = (world.deliver(world.payloads("a", **GA)) for _ in range(4))
    assert [o.class_ for a in (first, second, third, fourth) for o in a.outcomes] == [
        Class.LATER, Class.LATER, Class.UNKNOWN, Class.DONE,
    ]  # fmt: skip
    assert second.outcomes[0].after == timedelta(seconds=2)
    assert len(world.effects()) == 1
