"""TikTok against its twin over a socket: partial answers, duplicates, time-outs."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from calltrack.destinations.outcomes import Class
from tests.destinations.twins import NOW, TwinWorld, classes, connected
from tests.destinations.uploads import upload

CLICK = {"click_ids": {"ttclid": "E.C.P.x"}, "landing_url": "https://example.it/"}


@pytest.fixture
def world() -> Iterator[TwinWorld]:
    with connected("tiktok") as made:
        yield made


def spoil(payload: bytes) -> bytes:
    frozen = json.loads(payload)
    frozen["event"]["user"]["phone"] = "+390669940001"
    return json.dumps(frozen).encode()


def test_three_bad_rows_of_five_hundred_are_named_and_the_rest_counts_in_one_request(
    world: TwinWorld,
) -> None:
    payloads = world.payloads(*(f"{n}x" for n in range(500)), **CLICK)
    for bad in (7, 100, 499):
        payloads[bad] = spoil(payloads[bad])
    attempt = world.deliver(payloads)
    refused = [n for n, class_ in enumerate(classes(attempt)) if class_ is Class.ROW]
    assert refused == [7, 100, 499]
    assert (
        attempt.outcomes[7].message == "TikTok refused it: user.phone: must be a SHA-256 in lower-case hex."
    )
    assert set(classes(attempt)) == {Class.DONE, Class.ROW}
    assert len(world.effects()) == 497
    assert world.requests == 1


def test_all_bad_rows_are_refused_as_a_request_and_named(world: TwinWorld) -> None:
    payloads = [spoil(payload) for payload in world.payloads("a", "b", **CLICK)]
    assert classes(world.deliver(payloads)) == [Class.ROW, Class.ROW]
    assert world.effects() == []


def test_after_a_time_out_the_same_event_is_sent_again_and_counts_once(world: TwinWorld) -> None:
    payloads = world.payloads("a", "b", **CLICK)
    world.faults("timeout-after-processing:3", "drop-after-processing")
    assert classes(world.deliver(payloads)) == [Class.UNKNOWN, Class.UNKNOWN]
    assert classes(world.deliver(payloads)) == [Class.UNKNOWN, Class.UNKNOWN]
    assert classes(world.deliver(payloads)) == [Class.DONE, Class.DONE]
    assert [(one["id"], one["received"], one["values"]) for one in world.effects()] == [
        ("conv-a", 3, [850.0]), ("conv-b", 3, [850.0]),
    ]  # fmt: skip


def test_a_click_id_that_tiktok_does_not_know_is_one_rows_fault(world: TwinWorld) -> None:
    payloads = world.payloads("a", **CLICK)
    payloads += world.payloads("b", **(CLICK | {"click_ids": {"ttclid": "INVALID1"}}))
    assert classes(world.deliver(payloads)) == [Class.DONE, Class.ROW]


def test_a_wrong_token_and_a_wrong_source_pause(world: TwinWorld) -> None:
    for change in ({"access_token": "other"}, {"event_source_id": "OTHER1"}):
        settings = type(world.settings).load(
            world.settings.plain() | world.settings.secrets() | change, sandbox=True
        )
        payload = world.destination.freeze(upload(occurred_at=NOW, changed_at=NOW), settings)
        attempt = world.courier.deliver(world.destination, settings, [payload], NOW)
        assert classes(attempt) == [Class.CONFIG]
    assert world.effects() == []


def test_a_trial_counts_nothing(world: TwinWorld) -> None:
    assert classes(world.trial(world.payloads("a", **CLICK))) == [Class.DONE]
    assert world.effects() == []


def test_throttling_and_outages_are_waited_for(world: TwinWorld) -> None:
    world.faults("reason:40100", "429:Retry-After=3", "503", "reason:50002", "garbage", "reason:40105")
    seen = [world.deliver(world.payloads("a", **CLICK)).outcomes[0] for _ in range(7)]
    assert [one.class_ for one in seen] == [
        Class.LATER, Class.LATER, Class.LATER, Class.LATER, Class.UNKNOWN, Class.CONFIG, Class.DONE,
    ]  # fmt: skip
    assert [one.after for one in seen[:2]] == [timedelta(minutes=1), timedelta(seconds=3)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"event": ""}, "event:"), ({"event_id": ""}, "event_id"), ({"event_time": "soon"}, "event"),
        ({"event_time": int((NOW - timedelta(days=8)).timestamp())}, "older than 7 days"),
        ({"event_time": int((NOW + timedelta(hours=1)).timestamp())}, "future"),
        ({"user": {}}, "is required"), ({"user": {"phone": ""}}, "is required"),
        ({"user": {"email": "jane@example.com"}}, "SHA-256"),
        ({"user": {"email": "8C" * 32}}, "lower-case"),
        ({"properties": {"value": "850", "currency": "EUR"}}, "number"),
        ({"properties": {"value": 1.0, "currency": "euro"}}, "currency"),
        ({"surprise": 1}, "event"),
    ],
)  # fmt: skip
def test_the_twin_refuses_what_breaks_the_rules(world: TwinWorld, change: dict[str, Any], words: str) -> None:
    good, other = world.payloads("a", "b", **CLICK)
    frozen = json.loads(other)
    frozen["event"] |= change
    attempt = world.deliver([good, json.dumps(frozen).encode()])
    assert classes(attempt) == [Class.DONE, Class.ROW]
    assert words in attempt.outcomes[1].message
    assert len(world.effects()) == 1


def test_more_than_a_thousand_events_are_refused_and_go_in_halves(world: TwinWorld) -> None:
    assert set(classes(world.deliver(world.payloads(*map(str, range(1001)), **CLICK)))) == {Class.SPLIT}
