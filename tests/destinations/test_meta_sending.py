"""Meta's destination against its twin over real sockets."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from calltrack.destinations.meta import Meta
from calltrack.destinations.outcomes import Class
from calltrack.sandbox.platforms.accounts import META_APP_SECRET, META_DATASET_ID, meta_settings
from tests.destinations.social import Stage, classes
from tests.destinations.uploads import upload
from tests.sandbox.platforms.serving import serving

META = Meta()
DAY = timedelta(days=1)


@pytest.fixture
def stage() -> Iterator[Stage]:
    made: list[Stage] = []
    with serving(now=lambda: made[0].clock()) as origin:
        made.append(Stage(origin, META, meta_settings(origin)))
        yield made[0]
        made[0].door.close()


def rows(stage: Stage, *ids: str, **more: Any) -> list[bytes]:
    given: dict[str, Any] = {
        "occurred_at": stage.now,
        "changed_at": stage.now,
        "clicked_at": None,
        "click_ids": {},
    }
    return [META.freeze(upload(**(given | {"id": f"conv-{id_}"} | more)), stage.settings) for id_ in ids]


def test_a_lead_and_a_purchase_count_once_each(stage: Stage) -> None:
    payloads = rows(stage, "a", kind="lead", value_minor=None) + rows(stage, "b", first_name="Anna 🎉")
    for _ in range(2):
        attempt = stage.deliver(payloads)
        assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.DONE, "OK")] * 2
    assert [
        (one["target"], one["id"], one["values"], one["currency"], one["received"], one["has_contacts"])
        for one in stage.effects()
    ] == [
        (f"{META_DATASET_ID}/Lead", "conv-a", [None], "", 2, True),
        (f"{META_DATASET_ID}/Purchase", "conv-b", [850.0], "EUR", 2, True),
    ]


def test_the_first_event_of_a_name_and_id_wins_and_counts_again_after_48_hours(stage: Stage) -> None:
    stage.deliver(rows(stage, "a"))
    stage.deliver(rows(stage, "a", value_minor=90_000))
    stage.shift = timedelta(hours=47, minutes=59)
    stage.deliver(rows(stage, "a"))
    assert [(one["values"], one["received"]) for one in stage.effects()] == [([850.0], 3)]
    stage.shift = timedelta(hours=48, minutes=1)
    stage.deliver(rows(stage, "a"))
    stage.deliver(rows(stage, "a"))
    # That double is why calltrack sends again within 48 hours only.
    assert [(one["id"], one["received"]) for one in stage.effects()] == [("conv-a", 3), ("conv-a#2", 2)]
    assert META.resend_unknown_within == timedelta(hours=48)


def test_500_events_with_3_bad_ones_lose_nobody_and_are_isolated_by_halves(stage: Stage) -> None:
    bad = {"77", "78", "431"}
    payloads = [
        *(
            row
            for n in map(str, range(500))
            for row in rows(stage, n, click_ids={"fbclid": f"{'INVALID' if n in bad else 'Ok'}{n}"})
        )
    ]
    settled, requests = stage.carry(payloads)
    refused = {payload for payload, outcome in settled.items() if outcome.class_ is Class.ROW}
    assert refused == {payloads[int(n)] for n in bad}
    assert len(settled) == 500
    assert sum(outcome.class_ is Class.DONE for outcome in settled.values()) == 497
    assert all("fbc was not made by Meta" in settled[payload].message for payload in refused)
    effects = stage.effects()
    assert {one["id"] for one in effects} == {f"conv-{n}" for n in range(500)} - {f"conv-{n}" for n in bad}
    assert {one["received"] for one in effects} == {1}
    # 3 bad ones of 500: at most 1 + 3 * 2 * log2(500) requests.
    assert requests <= 1 + 3 * 2 * 9
    assert stage.told()["counts"]["meta.requests"] == requests


def test_events_that_grew_too_old_are_set_aside_in_one_more_request(stage: Stage) -> None:
    old = rows(stage, "old", "older", occurred_at=stage.now - 6 * DAY)
    stage.shift = 2 * DAY
    settled, requests = stage.carry([old[0], *rows(stage, "a", "b"), old[1], *rows(stage, "c")])
    assert {settled[one].code for one in old} == {"100/2804003"}
    assert requests == 2
    assert [one["id"] for one in stage.effects()] == ["conv-a", "conv-b", "conv-c"]


@pytest.mark.parametrize(
    ("fault", "expected", "effects"),
    [
        ("503", Class.LATER, 0),
        ("500", Class.LATER, 0),
        ("429:Retry-After=2", Class.LATER, 0),
        ("reason:80004", Class.LATER, 0),
        ("reason:190/463", Class.CONFIG, 0),
        ("reason:200", Class.CONFIG, 0),
        ("401", Class.CONFIG, 0),
        ("403", Class.CONFIG, 0),
        ("404", Class.CONFIG, 0),
        ("garbage", Class.UNKNOWN, 0),
        ("drop-connection", Class.UNKNOWN, 0),
        ("drop-after-processing", Class.UNKNOWN, 1),
        ("timeout-after-processing:4", Class.UNKNOWN, 1),
        ("slow:0.1", Class.DONE, 1),
    ],
)
def test_after_any_fault_sending_again_leads_to_one_effect(
    stage: Stage, fault: str, expected: Class, effects: int
) -> None:
    stage.faults(fault)
    payloads = rows(stage, "a")
    first = stage.deliver(payloads)
    assert classes(first) == [expected]
    assert len(stage.effects()) == effects
    second = stage.deliver(payloads)
    assert classes(second) == [Class.DONE]
    assert first.request_hash == second.request_hash
    assert len(stage.effects()) == 1


def test_the_wait_of_a_throttled_account_comes_through(stage: Stage) -> None:
    stage.faults("429:Retry-After=2", "reason:80004")
    assert stage.deliver(rows(stage, "a")).outcomes[0].after == timedelta(seconds=2)
    assert stage.deliver(rows(stage, "a")).outcomes[0].after == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"access_token": "expired-1"}, "190/463"),
        ({"access_token": "somebody-else"}, "190"),
        ({"app_secret": "wrong"}, "100"),
    ],
)
def test_a_connection_that_is_not_right_pauses_and_says_what_to_do(
    stage: Stage, more: dict[str, str], code: str
) -> None:
    attempt = stage.deliver(rows(stage, "a", "b"), stage.with_settings(**more))
    assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.CONFIG, code)] * 2
    assert attempt.outcomes[0].hint
    assert stage.effects() == []


@pytest.mark.parametrize(("dataset", "code"), [("40400000", "100/33"), ("40300000", "200")])
def test_a_dataset_that_is_not_ours(stage: Stage, dataset: str, code: str) -> None:
    settings = stage.with_settings(dataset_id=dataset)
    payload = META.freeze(upload(occurred_at=stage.now), settings)
    attempt = stage.deliver([payload], settings)
    assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.CONFIG, code)]


def test_the_proof_by_app_secret_is_accepted(stage: Stage) -> None:
    settings = stage.with_settings(app_secret=META_APP_SECRET)
    assert classes(stage.deliver(rows(stage, "a"), settings)) == [Class.DONE]


def test_a_trial_is_checked_and_counts_nothing(stage: Stage) -> None:
    payloads = rows(stage, "a")
    request = META.trial_request(payloads, stage.settings, stage.now)
    assert request is not None
    answer = stage.door.send(request)
    assert [o.class_ for o in META.classify_trial(answer, payloads)] == [Class.DONE]  # type: ignore[arg-type]
    assert stage.effects() == []
    assert stage.told()["counts"]["meta.test"] == 1


def test_the_tally_agrees_with_what_was_sent(stage: Stage) -> None:
    stage.deliver(rows(stage, "a", "b") + rows(stage, "c", kind="lead"))
    stage.deliver(rows(stage, "a"))
    request = META.tally_request(stage.settings, stage.now - DAY, stage.now + DAY)
    assert request is not None
    tally = META.read_tally(stage.door.send(request), stage.settings, stage.now, stage.now)  # type: ignore[arg-type]
    assert tally is not None
    assert tally.received == 3
    assert "Lead 1, Purchase 2" in tally.note
    before = META.tally_request(stage.settings, stage.now - 9 * DAY, stage.now - 2 * DAY)
    assert before is not None
    none = META.read_tally(stage.door.send(before), stage.settings, stage.now, stage.now)  # type: ignore[arg-type]
    assert none is not None
    assert none.received is None or none.received == 0
