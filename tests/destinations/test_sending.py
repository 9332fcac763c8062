"""The courier against the twins over real sockets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calltrack.destinations import DESTINATIONS
from calltrack.destinations.google_settings import GoogleDataManagerSettings
from calltrack.destinations.outcomes import Class
from calltrack.destinations.sending import Attempt, Courier
from calltrack.destinations.webhook import WebhookSettings
from calltrack.infra.http import HttpAnswer, HttpDoor, HttpFailure, HttpRequest
from calltrack.sandbox.platforms.accounts import google_settings, webhook_settings
from tests.destinations.uploads import upload
from tests.plain import PLAIN
from tests.sandbox.platforms.serving import serving

GOOGLE, WEBHOOK = DESTINATIONS["google_data_manager"], DESTINATIONS["webhook"]
NOW = datetime.now(UTC)


class World:
    """Twins, courier and settings."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.door = HttpDoor(allow_private=True, total_seconds=3)
        self.courier = Courier(self.door)
        self.google = GoogleDataManagerSettings.load(google_settings(origin), sandbox=True)
        self.webhook = WebhookSettings.load(webhook_settings(origin), sandbox=True)
        self.faults(modes={"processing_seconds": 0})

    def faults(self, *steps: str, target: str = "datamanager", **more: Any) -> None:
        wish = {"target": target, "next": list(steps), **more}
        PLAIN.post(f"{self.origin}/sandbox/platforms/faults", json=wish).raise_for_status()

    def effects(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = PLAIN.get(f"{self.origin}/sandbox/platforms/effects").json()["effects"]
        return found

    def google_payloads(self, *ids: str, **more: Any) -> list[bytes]:
        times = {"occurred_at": NOW, "changed_at": NOW, "clicked_at": NOW - timedelta(hours=7)}
        return [GOOGLE.freeze(upload(**({"id": f"conv-{id_}"} | times | more)), self.google) for id_ in ids]

    def deliver(self, payloads: list[bytes], now: datetime = NOW) -> Attempt:
        return self.courier.deliver(GOOGLE, self.google, payloads, now)

    def poll(self, attempt: Attempt) -> Attempt:
        first = attempt.outcomes[0]
        assert first.request_id
        return self.courier.poll(GOOGLE, self.google, first.request_id, len(attempt.outcomes), NOW)


@pytest.fixture
def world() -> Iterator[World]:
    with serving() as origin:
        made = World(origin)
        yield made
        made.door.close()


def classes(attempt: Attempt) -> list[Class]:
    return [outcome.class_ for outcome in attempt.outcomes]


def test_a_conversion_is_accepted_then_confirmed_and_counts_once(world: World) -> None:
    attempt = world.deliver(world.google_payloads("a", "b"))
    assert classes(attempt) == [Class.ACCEPTED, Class.ACCEPTED]
    assert attempt.status == 200
    assert len(attempt.request_hash) == 64
    assert classes(world.poll(attempt)) == [Class.DONE, Class.DONE]
    assert classes(world.poll(world.deliver(world.google_payloads("a", "b")))) == [Class.DONE, Class.DONE]
    assert [(effect["id"], effect["values"], effect["received"]) for effect in world.effects()] == [
        ("conv-a", [850.0], 2), ("conv-b", [850.0], 2),
    ]  # fmt: skip


def test_a_restated_and_a_retracted_value_replace_the_first_one(world: World) -> None:
    world.deliver(world.google_payloads("a"))
    world.deliver(world.google_payloads("a", action="restate", sequence=1, value_minor=90_000))
    world.deliver(world.google_payloads("a", action="retract", sequence=2))
    (effect,) = world.effects()
    assert effect["values"] == [850.0, 900.0, 0.0]


def test_three_bad_rows_of_five_hundred_are_named_and_the_rest_goes_in_one_more_request(world: World) -> None:
    ids = [f"{n}x" for n in range(500)]
    payloads = world.google_payloads(*ids)
    for bad in (7, 100, 499):
        payloads[bad] = (
            payloads[bad].replace(b'"gclid":"Cj0KCQiA-Case_Exact"', b"").replace(b"userData", b"cartData")
        )
    first = world.deliver(payloads)
    assert [n for n, class_ in enumerate(classes(first)) if class_ is not Class.AGAIN] == [7, 100, 499]
    assert world.effects() == []
    again = [
        payload for payload, class_ in zip(payloads, classes(first), strict=True) if class_ is Class.AGAIN
    ]
    assert set(classes(world.deliver(again))) == {Class.ACCEPTED}
    assert len(world.effects()) == 497


def test_a_person_s_whole_address_and_a_call_to_google_s_number_are_taken(world: World) -> None:
    person = {"first_name": "Anna", "last_name": "Rossi", "postal_code": "00185", "country": "IT"}
    settings = GoogleDataManagerSettings.load(
        google_settings(world.origin) | {"call_action_id": "7003"}, sandbox=True
    )
    at = {"occurred_at": NOW, "changed_at": NOW, "clicked_at": None}
    call = {"click_ids": {}, "source": "google", "medium": "call_asset", "call_started_at": NOW}
    payloads = [
        GOOGLE.freeze(upload(**({"id": "conv-a"} | at | person)), settings),
        GOOGLE.freeze(upload(**({"id": "conv-b"} | at | call)), settings),
    ]
    attempt = world.courier.deliver(GOOGLE, settings, payloads, NOW)
    assert classes(world.poll(attempt)) == [Class.DONE, Class.DONE]
    assert [(effect["id"], effect["target"]) for effect in world.effects()] == [
        ("conv-a", "1234567890/7002"), ("conv-b", "1234567890/7003"),
    ]  # fmt: skip


def test_a_trial_counts_nothing_and_names_what_is_wrong(world: World) -> None:
    good, bad = world.google_payloads("a", "b")
    bad = bad.replace(b'"gclid":"Cj0KCQiA-Case_Exact"', b"").replace(b"userData", b"cartData")
    trial = world.courier.trial(GOOGLE, world.google, [good], NOW)
    assert trial is not None
    assert classes(trial) == [Class.DONE]
    refused = world.courier.trial(GOOGLE, world.google, [good, bad], NOW)
    assert refused is not None
    assert classes(refused) == [Class.AGAIN, Class.ROW]
    assert world.effects() == []


def test_a_late_rejection_names_its_row(world: World) -> None:
    payloads = world.google_payloads("a", "c") + world.google_payloads("b", click_ids={"gclid": "INVALID1"})
    verdict = world.poll(world.deliver(payloads))
    assert classes(verdict) == [Class.DONE, Class.DONE, Class.ROW]
    assert verdict.outcomes[2].code == "INVALID_GCLID"


def test_counts_without_rows_ask_for_halves(world: World) -> None:
    world.faults(modes={"counts_only": True})
    payloads = world.google_payloads("a") + world.google_payloads("b", click_ids={"gclid": "INVALID1"})
    assert classes(world.poll(world.deliver(payloads))) == [Class.SPLIT, Class.SPLIT]
    assert classes(world.poll(world.deliver(payloads[:1]))) == [Class.DONE]
    assert classes(world.poll(world.deliver(payloads[1:]))) == [Class.ROW]


def test_a_recent_click_is_asked_for_again_later_and_then_counts(world: World) -> None:
    world.faults(modes={"too_recent_click": True})
    verdict = world.poll(world.deliver(world.google_payloads("a")))
    assert [(o.class_, o.after) for o in verdict.outcomes] == [(Class.LATER, timedelta(hours=6))]
    world.faults(modes={"too_recent_click": False})
    assert classes(world.poll(world.deliver(world.google_payloads("a")))) == [Class.DONE]
    assert len(world.effects()) == 1


def test_duplicates_reported_as_errors_are_done(world: World) -> None:
    world.faults(modes={"report_duplicates": True})
    world.deliver(world.google_payloads("a"))
    verdict = world.poll(world.deliver(world.google_payloads("a")))
    assert [(o.class_, o.code) for o in verdict.outcomes] == [(Class.DONE, "DUPLICATE_TRANSACTION_ID")]


def test_while_google_processes_the_question_stays_open(world: World) -> None:
    world.faults(modes={"processing_seconds": 60})
    assert classes(world.poll(world.deliver(world.google_payloads("a")))) == [Class.OPEN]


@pytest.mark.parametrize(
    ("fault", "expected", "effects"),
    [
        ("503", Class.LATER, 0),
        ("429:Retry-After=2", Class.LATER, 0),
        ("garbage", Class.UNKNOWN, 0),
        ("drop-connection", Class.UNKNOWN, 0),
        ("drop-after-processing", Class.UNKNOWN, 1),
        ("timeout-after-processing:4", Class.UNKNOWN, 1),
        ("403", Class.CONFIG, 0),
        ("reason:NOT_ALLOWLISTED", Class.CONFIG, 0),
        ("slow:0.1", Class.ACCEPTED, 1),
    ],
)
def test_after_any_fault_sending_again_leads_to_one_effect(
    world: World, fault: str, expected: Class, effects: int
) -> None:
    world.faults(fault)
    first = world.deliver(world.google_payloads("a"))
    assert classes(first) == [expected]
    assert len(world.effects()) == effects
    second = world.deliver(world.google_payloads("a"))
    assert classes(second) == [Class.ACCEPTED]
    assert first.request_hash == second.request_hash
    assert len(world.effects()) == 1


def test_the_wait_the_platform_asks_for_comes_through(world: World) -> None:
    world.faults("429:Retry-After=2")
    assert world.deliver(world.google_payloads("a")).outcomes[0].after == timedelta(seconds=2)


def test_nobody_there_means_later(world: World) -> None:
    gone = GoogleDataManagerSettings.load(google_settings("http://127.0.0.1:1"), sandbox=True)
    attempt = world.courier.deliver(GOOGLE, gone, world.google_payloads("a"), NOW)
    assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.LATER, "UNREACHABLE")]
    assert attempt.status is None


def counting(world: World) -> list[str]:
    """Give the world a door that notes what is asked of whom."""
    asked: list[str] = []

    class CountingDoor(HttpDoor):
        def send(self, request: HttpRequest, **more: Any) -> HttpAnswer | HttpFailure:
            asked.append(request.url.rsplit("/", 1)[1])
            return super().send(request, **more)

    world.courier = Courier(CountingDoor(allow_private=True))
    return asked


def test_one_token_serves_many_requests_and_is_fetched_anew_when_it_runs_out(world: World) -> None:
    asked = counting(world)
    for _ in range(3):
        world.deliver(world.google_payloads("a"))
    assert asked == ["token", *["events:ingest"] * 3]
    world.deliver(world.google_payloads("a"), NOW + timedelta(minutes=58, seconds=30))
    assert asked.count("token") == 1
    world.deliver(world.google_payloads("a"), NOW + timedelta(minutes=59))
    assert asked.count("token") == 2


def test_a_token_refused_before_its_time_is_replaced_once(world: World) -> None:
    asked = counting(world)
    world.deliver(world.google_payloads("a"))
    world.faults("401")
    assert classes(world.deliver(world.google_payloads("b"))) == [Class.ACCEPTED]
    assert asked == ["token", "events:ingest", "events:ingest", "token", "events:ingest"]
    world.faults("401", "401")
    assert classes(world.deliver(world.google_payloads("c"))) == [Class.CONFIG]
    assert classes(world.deliver(world.google_payloads("c"))) == [Class.ACCEPTED]


def test_a_revoked_connection_pauses_and_nothing_is_sent(world: World) -> None:
    revoked = GoogleDataManagerSettings.load(
        google_settings(world.origin) | {"refresh_token": "old"}, sandbox=True
    )
    attempt = world.courier.deliver(GOOGLE, revoked, world.google_payloads("a"), NOW)
    assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.CONFIG, "INVALID_GRANT")]
    assert world.effects() == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("503", Class.LATER), ("drop-connection", Class.LATER), ("invalid_grant", Class.CONFIG)],
)
def test_a_failing_sign_in_never_makes_a_conversion_unknown(
    world: World, fault: str, expected: Class
) -> None:
    world.faults(fault, target="oauth")
    assert classes(world.deliver(world.google_payloads("a"))) == [expected]
    assert classes(world.deliver(world.google_payloads("a"))) == [Class.ACCEPTED]


@pytest.mark.parametrize("fault", ["503", "drop-connection", "garbage", "429:Retry-After=5"])
def test_a_failed_question_leaves_the_verdict_open(world: World, fault: str) -> None:
    attempt = world.deliver(world.google_payloads("a"))
    world.faults(fault, target="status")
    assert classes(world.poll(attempt)) == [Class.OPEN]
    assert classes(world.poll(attempt)) == [Class.DONE]


def test_a_forgotten_receipt_means_send_again(world: World) -> None:
    attempt = world.courier.poll(GOOGLE, world.google, "sandbox-none", 2, NOW)
    assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.UNKNOWN, "RECEIPT_GONE")] * 2


def test_a_webhook_arrives_signed_and_counts_once_per_change(world: World) -> None:
    first, second = (
        WEBHOOK.freeze(upload(), world.webhook),
        WEBHOOK.freeze(upload(action="restate", sequence=1), world.webhook),
    )
    now = datetime.now(UTC)
    for body in (first, first, second):
        attempt = world.courier.deliver(WEBHOOK, world.webhook, [body], now)
        assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.DONE, "HTTP_204")]
    assert [(effect["target"], effect["received"]) for effect in world.effects()] == [
        ("receiver/purchase.created", 2), ("receiver/purchase.restated", 1),
    ]  # fmt: skip


def test_a_webhook_signed_with_another_secret_is_refused(world: World) -> None:
    other = WebhookSettings.load(
        webhook_settings(world.origin) | {"secret": "whsec_" + "QUJD" * 8}, sandbox=True
    )
    attempt = world.courier.deliver(WEBHOOK, other, [WEBHOOK.freeze(upload(), other)], datetime.now(UTC))
    assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.LATER, "HTTP_401")]
    assert world.effects() == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("410", Class.CONFIG),
        ("302", Class.LATER),
        ("429:Retry-After=9", Class.LATER),
        ("drop-connection", Class.UNKNOWN),
    ],
)
def test_a_webhook_receiver_that_fails(world: World, fault: str, expected: Class) -> None:
    world.faults(fault, target="webhook")
    body = WEBHOOK.freeze(upload(), world.webhook)
    assert classes(world.courier.deliver(WEBHOOK, world.webhook, [body], datetime.now(UTC))) == [expected]


def test_the_guarded_door_sends_no_webhook_to_loopback(world: World) -> None:
    guarded = HttpDoor()
    attempt = Courier(guarded).deliver(
        WEBHOOK, world.webhook, [WEBHOOK.freeze(upload(), world.webhook)], datetime.now(UTC)
    )
    guarded.close()
    assert [(o.class_, o.code) for o in attempt.outcomes] == [(Class.CONFIG, "ADDRESS_REFUSED")]
    assert world.effects() == []
