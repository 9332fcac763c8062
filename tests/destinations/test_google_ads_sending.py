"""The courier, Google's own client and the twin over real sockets."""

import logging
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.ads.googleads.client import _CLIENT_INFO, _GRPC_CHANNEL_OPTIONS

from calltrack.destinations import DESTINATIONS
from calltrack.destinations.base import Tally
from calltrack.destinations.google_ads_client import GoogleAdsTransport
from calltrack.destinations.google_settings import GoogleAdsSettings
from calltrack.destinations.outcomes import Class
from calltrack.destinations.sending import Attempt, Courier
from calltrack.infra.http import HttpDoor, HttpFailure, HttpRequest
from calltrack.sandbox.platforms.accounts import google_ads_settings
from tests.destinations.uploads import upload
from tests.plain import PLAIN
from tests.sandbox.platforms.serving import serving

ADS = DESTINATIONS["google_ads"]
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
D, L, R, C, U = Class.DONE, Class.LATER, Class.ROW, Class.CONFIG, Class.UNKNOWN
CLOSED = "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE"
UNAPPROVED = "CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION"


class World:
    """Twins, courier, client and settings."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.door = HttpDoor(allow_private=True, total_seconds=10)
        self.transport = GoogleAdsTransport(self.door, total_seconds=3)
        self.courier = Courier(self.door, google_ads=self.transport)
        self.settings = GoogleAdsSettings.load(google_ads_settings(origin), sandbox=True)

    def fresh(self) -> None:
        PLAIN.delete(f"{self.origin}/sandbox/platforms/effects").raise_for_status()
        PLAIN.delete(f"{self.origin}/sandbox/platforms/faults").raise_for_status()

    def faults(self, *steps: str, **more: Any) -> None:
        wish = {"target": "google_ads", "next": list(steps), **more}
        PLAIN.post(f"{self.origin}/sandbox/platforms/faults", json=wish).raise_for_status()

    def effects(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = PLAIN.get(
            f"{self.origin}/sandbox/platforms/effects?platform=google_ads"
        ).json()["effects"]
        return found

    def payload(self, id_: str, seconds: int = 0, **more: Any) -> bytes:
        at = NOW - timedelta(hours=1, seconds=seconds)
        times = {"occurred_at": at, "changed_at": at, "clicked_at": at - timedelta(hours=7)}
        return ADS.freeze(upload(**({"id": f"conv-{id_}"} | times | more)), self.settings)

    def send(self, *payloads: bytes) -> Attempt:
        return self.courier.deliver(ADS, self.settings, payloads, NOW)


@pytest.fixture(scope="module")
def one_world() -> Iterator[World]:
    with serving() as origin:
        made = World(origin)
        yield made
        made.door.close()


@pytest.fixture
def world(one_world: World) -> World:
    one_world.fresh()
    return one_world


def classes(attempt: Attempt) -> list[Class]:
    return [outcome.class_ for outcome in attempt.outcomes]


def codes(attempt: Attempt) -> list[str]:
    return [outcome.code for outcome in attempt.outcomes]


def test_a_conversion_counts_at_once_and_once(world: World) -> None:
    rows = world.payload("a", email="a@example.it"), world.payload("b", 1)
    first = world.send(*rows)
    assert (classes(first), first.status) == ([D, D], 200)
    again = world.send(*rows)
    assert (classes(again), codes(again)) == ([D, D], ["ORDER_ID_ALREADY_IN_USE"] * 2)
    assert first.request_hash == again.request_hash
    assert [(one["id"], one["values"], one["received"]) for one in world.effects()] == [
        ("conv-a", [850.0], 2), ("conv-b", [850.0], 2),
    ]  # fmt: skip
    assert world.effects()[0]["has_contacts"]


def test_three_bad_rows_of_five_hundred_are_named_in_the_same_request(world: World) -> None:
    bad = {
        7: {"click_ids": {"gclid": "INVALIDx"}},
        100: {"click_ids": {"wbraid": "INVALIDw"}},
        499: {"click_ids": {"gclid": "OTHERACCOUNTx"}},
    }
    rows = [world.payload(f"{n}x", n, **bad.get(n, {})) for n in range(500)]
    attempt = world.send(*rows)
    refused = {n: (o.class_, o.code) for n, o in enumerate(attempt.outcomes) if o.class_ is not D}
    assert refused == {
        7: (R, "UNPARSEABLE_GCLID"),
        100: (R, "UNPARSEABLE_WBRAID"),
        499: (C, "INVALID_CUSTOMER_FOR_CLICK"),
    }
    assert not attempt.outcomes[499].pauses
    assert len(world.effects()) == 497


def test_a_new_value_and_a_retraction_reach_the_same_conversion_in_order(world: World) -> None:
    later: dict[str, Any] = {"changed_at": NOW}
    world.send(world.payload("a"))
    restate = world.payload("a", action="restate", value_minor=90_000, **later)
    retract = world.payload("a", action="retract", value_minor=None, **later)
    assert classes(world.send(restate)) == [D]
    assert codes(world.send(restate)) == ["RESTATEMENT_ALREADY_EXISTS"]
    assert classes(world.send(retract)) == [D]
    again = world.send(retract)
    assert (classes(again), codes(again)) == ([D], ["CONVERSION_ALREADY_RETRACTED"])
    (effect,) = world.effects()
    assert (effect["values"], effect["retracted"]) == ([850.0, 900.0], True)


def test_an_earlier_value_that_arrives_late_changes_nothing(world: World) -> None:
    world.send(world.payload("a"))
    world.send(world.payload("a", action="restate", value_minor=90_000, changed_at=NOW))
    late = world.payload("a", action="restate", value_minor=100, changed_at=NOW - timedelta(minutes=9))
    assert codes(world.send(late)) == ["MORE_RECENT_RESTATEMENT_FOUND"]
    assert world.effects()[0]["value"] == 900.0


def test_a_change_of_what_google_does_not_know_waits(world: World) -> None:
    attempt = world.send(world.payload("never-sent", action="retract"))
    assert [(o.class_, o.code, o.tries) for o in attempt.outcomes] == [(L, "CONVERSION_NOT_FOUND", 5)]


def test_the_three_kinds_go_by_three_routes(world: World) -> None:
    call = world.payload("c", click_ids={}, source="google", medium="call_asset")
    kinds = [world.payload("a"), call, world.payload("a", action="retract")]
    assert [ADS.route(one) for one in kinds] == ["click", "call", "adjustment"]


def test_a_call_to_google_s_own_number_counts_once(world: World) -> None:
    row = world.payload("c", click_ids={}, source="google", medium="call_asset")
    assert classes(world.send(row)) == [D]
    again = world.send(row)
    assert (classes(again), codes(again)) == ([D], ["CALL_CONVERSION_ALREADY_EXISTS"])
    (effect,) = world.effects()
    assert effect["target"] == "1234567890/7003"


def test_a_call_google_did_not_connect_is_not_found(world: World) -> None:
    number = "+390669940000"
    row = world.payload("c", click_ids={}, source="google", medium="call_asset", phone_e164=number)
    attempt = world.send(row)
    assert (classes(attempt), codes(attempt)) == ([R], ["CALL_NOT_FOUND"])


def test_two_thousand_rows_are_one_request_and_one_more_is_too_many(world: World) -> None:
    rows = [world.payload(f"{n}x", n) for n in range(2001)]
    too_many = world.send(*rows)
    assert set(classes(too_many)) == {Class.SPLIT}
    assert world.effects() == []
    assert set(classes(world.send(*rows[:2000]))) == {D}


@pytest.mark.parametrize(
    ("fault", "expected", "code", "effects"),
    [
        ("429:Retry-After=37", L, "RESOURCE_TEMPORARILY_EXHAUSTED", 0),
        ("500", L, "INTERNAL_ERROR", 0),
        ("503", L, "UNAVAILABLE", 0),
        ("504", L, "DEADLINE_EXCEEDED", 0),
        ("403", C, "USER_PERMISSION_DENIED", 0),
        (f"reason:{CLOSED}", C, CLOSED, 0),
        (f"reason:{UNAPPROVED}", C, UNAPPROVED, 0),
        ("reason:ACCESS_PROHIBITED", C, "ACCESS_PROHIBITED", 0),
        ("reason:TOO_RECENT_EVENT", L, "TOO_RECENT_EVENT", 0),
        ("reason:CONCURRENT_MODIFICATION", L, "CONCURRENT_MODIFICATION", 0),
        ("drop-connection", U, "NO_ANSWER", 0),
        ("drop-after-processing", U, "NO_ANSWER", 1),
        ("timeout:4", U, "NO_ANSWER", 0),
        ("timeout-after-processing:4", U, "NO_ANSWER", 1),
        ("garbage", U, "NO_ANSWER", 0),
        ("slow:0.1", D, "OK", 1),
    ],
)  # fmt: skip
def test_after_any_fault_sending_again_leads_to_one_effect(
    world: World, fault: str, expected: Class, code: str, effects: int
) -> None:
    world.faults(fault)
    first = world.send(world.payload("a"))
    assert (classes(first), codes(first)) == ([expected], [code])
    assert len(world.effects()) == effects
    assert classes(world.send(world.payload("a"))) == [D]
    assert len(world.effects()) == 1


def test_the_wait_a_quota_error_asks_for_comes_through(world: World) -> None:
    world.faults("429:Retry-After=37")
    assert world.send(world.payload("a")).outcomes[0].after == timedelta(seconds=37)


def test_a_token_that_expired_early_is_replaced_once(world: World) -> None:
    world.faults("401")
    assert classes(world.send(world.payload("a"))) == [D]
    world.faults("401", "401")
    refused = world.send(world.payload("b", 1))
    assert (classes(refused), codes(refused), refused.status) == ([C], ["OAUTH_TOKEN_EXPIRED"], 401)


def test_a_trial_checks_and_counts_nothing(world: World) -> None:
    good, bad = world.payload("a"), world.payload("b", 1, click_ids={"gclid": "INVALIDx"})
    invented = world.payload("c", 2, click_ids={"gclid": "calltrack-trial"})
    trial = world.courier.trial(ADS, world.settings, [good, bad, invented], NOW)
    assert trial is not None
    assert classes(trial) == [D, R, D]
    world.faults("reason:UNPARSEABLE_GCLID")
    unread = world.courier.trial(ADS, world.settings, [invented], NOW)
    assert unread is not None
    assert classes(unread) == [D]
    assert world.effects() == []


def test_google_s_own_counts_are_read(world: World) -> None:
    def counts() -> tuple[int, int, int]:
        found = world.courier.tally(ADS, world.settings, NOW - DAY, NOW + DAY, NOW)
        assert isinstance(found, Tally)
        return found.received or 0, found.counted or 0, found.refused or 0

    before = counts()
    world.send(world.payload("a"), world.payload("b", 1, click_ids={"gclid": "INVALIDx"}))
    world.send(world.payload("a"))
    after = counts()
    assert tuple(new - old for new, old in zip(after, before, strict=True)) == (2, 1, 1)


def test_a_twin_that_moved_is_found_again(world: World) -> None:
    world.transport._twins[f"{world.origin}/sandbox/google-ads"] = "127.0.0.1:1"
    first = world.send(world.payload("a"))
    assert (classes(first), codes(first)) == ([L], ["UNREACHABLE"])
    assert classes(world.send(world.payload("a"))) == [D]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/v26/customers/1234567890:uploadClickConversions",
        "https://evil.example/v26/customers/1234567890:uploadClickConversions",
        "https://googleads.googleapis.com/v26/customers/1234567890:somethingElse",
        "https://googleads.googleapis.com/v1/customers/1234567890:uploadClickConversions",
        "https://googleads.googleapis.com.evil.example/v26/customers/1234567890:uploadClickConversions",
    ],
)
def test_outside_the_sandbox_only_google_is_reached(url: str) -> None:
    strict = GoogleAdsTransport(HttpDoor())
    failure = strict.send(HttpRequest("POST", url, {}, b"{}"))
    assert isinstance(failure, HttpFailure)
    assert failure.kind in ("refused", "unsent")


def test_a_body_that_fits_no_message_is_refused_before_it_leaves(world: World) -> None:
    broken = world.payload("a").replace(b'"orderId":', b'"orderNumber":')
    attempt = world.send(broken)
    assert (classes(attempt), attempt.status) == ([Class.BUG], 400)
    assert set(classes(world.send(broken, world.payload("b", 1)))) == {Class.SPLIT}


def test_a_forked_child_opens_channels_of_its_own(world: World) -> None:
    assert classes(world.send(world.payload("a"))) == [D]
    parents = dict(world.transport._services)
    world.transport._pid = os.getpid() + 1  # As a child sees what it inherited.
    assert classes(world.send(world.payload("b", 1))) == [D]
    assert world.transport._pid == os.getpid()
    assert all(world.transport._services.get(key) is not service for key, service in parents.items())


def test_many_threads_share_one_channel(world: World) -> None:
    found: list[Attempt] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(world.send(world.payload(f"t{n}", n))))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [classes(one) for one in found] == [[D]] * 8
    assert len(world.transport._services) <= 3


def test_the_client_writes_no_personal_data_into_the_log(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    world.faults("403")
    world.send(world.payload("c", click_ids={}, source="google", medium="call_asset"))
    world.send(world.payload("d", 5, click_ids={}, source="google", medium="call_asset"))
    written = caplog.text + "".join(capfd.readouterr())
    assert "+390669940001" not in written
    assert "77e625149d4cddcf" not in written


def test_the_private_names_we_lean_on_are_still_there() -> None:
    assert _CLIENT_INFO.client_library_version
    assert ("grpc.max_receive_message_length", 64 * 1024 * 1024) in _GRPC_CHANNEL_OPTIONS
