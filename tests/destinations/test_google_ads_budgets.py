"""Budgets through Google's own client and the twin over real sockets: read, dry run, change, refusals."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from calltrack.destinations import DESTINATIONS
from calltrack.destinations.google_ads_budgets import (
    BudgetNow,
    change_request,
    read_budgets,
    read_change,
    read_request,
    rounded,
    unit_micros,
)
from calltrack.destinations.google_ads_client import GoogleAdsTransport
from calltrack.destinations.google_settings import (
    ADS_URL,
    GoogleAdsSettings,
    GoogleDataManagerSettings,
    through_ads_api,
)
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpAnswer, HttpDoor
from calltrack.sandbox.platforms.accounts import CUSTOMER_ID, google_ads_settings, google_settings
from tests.plain import PLAIN
from tests.sandbox.platforms.serving import serving

ADS = DESTINATIONS["google_ads"]
NOW = datetime.now(UTC)
ROMA = "30450000001"
BUDGETS = [
    {"id": "8001", "name": "Roma", "amount_micros": 20_000_000, "campaigns": {"9001": "Roma"}},
    {"id": "8002", "name": "Milano", "amount_micros": 10_000_000, "campaigns": {"9002": "Milano"}},
    {"id": "8003", "name": "Due", "amount_micros": 5_000_000, "campaigns": {"9003": "A", "9004": "B"},
     "explicitly_shared": True},
    {"id": "8004", "name": "Old", "amount_micros": 1_000_000, "campaigns": {"9005": "Old"},
     "is_removed": True},
]  # fmt: skip


@dataclass
class World:
    """Twins, courier, the real client and settings."""

    origin: str
    courier: Courier
    settings: GoogleAdsSettings

    def read(self, *ids: str) -> Any:
        told: list[dict[str, BudgetNow] | Outcome] = []

        def note(answer: HttpAnswer) -> tuple[Outcome]:
            told.append(read_budgets(answer))
            return (Outcome(Class.DONE, "OK", ""),)

        attempt = self.courier.carry(
            ADS, self.settings, NOW, 1, lambda token: read_request(self.settings, ids, token), note
        )
        return told[0] if told else attempt.outcomes[0]

    def change(self, amounts: dict[str, int], *, dry: bool = False) -> Outcome:
        attempt = self.courier.carry(
            ADS,
            self.settings,
            NOW,
            1,
            lambda token: change_request(self.settings, amounts, token, validate_only=dry),
            lambda answer: (read_change(answer, validate_only=dry),),
        )
        return attempt.outcomes[0]

    def amounts(self) -> dict[str, int]:
        found = PLAIN.get(f"{self.origin}/sandbox/google-ads/budgets").json()[CUSTOMER_ID]
        return {id_: one["amount_micros"] for id_, one in found.items()}

    def faults(self, *steps: str) -> None:
        wish = {"target": "google_ads", "next": list(steps)}
        PLAIN.post(f"{self.origin}/sandbox/platforms/faults", json=wish).raise_for_status()


@pytest.fixture(scope="module")
def one_world() -> Iterator[World]:
    with serving() as origin:
        door = HttpDoor(allow_private=True, total_seconds=10)
        courier = Courier(door, google_ads=GoogleAdsTransport(door, total_seconds=1.5))
        yield World(origin, courier, GoogleAdsSettings.load(google_ads_settings(origin), sandbox=True))
        door.close()


@pytest.fixture
def world(one_world: World) -> World:
    PLAIN.put(f"{one_world.origin}/sandbox/google-ads/budgets/{CUSTOMER_ID}", json=BUDGETS).raise_for_status()
    return one_world


def test_budgets_are_read_with_all_campaigns_that_spend_from_them(world: World) -> None:
    found = world.read("8001", "8003", "8004", "9")
    assert sorted(found) == ["8001", "8003"]
    one, shared = found["8001"], found["8003"]
    assert (one.amount_micros, one.currency, one.is_daily, one.is_shared) == (20_000_000, "EUR", True, False)
    assert (shared.explicitly_shared, shared.reference_count, shared.is_shared) == (True, 2, True)
    assert shared.campaigns == (("9003", "A"), ("9004", "B"))


def test_a_dry_run_changes_nothing_and_the_real_one_changes_all(world: World) -> None:
    before = world.amounts()
    wanted = {"8001": 25_010_000, "8002": 7_500_000}
    assert (world.change(wanted, dry=True).code, world.amounts()) == ("VALID", before)
    assert (world.change(wanted).code, world.amounts()) == ("OK", before | wanted)


@pytest.mark.parametrize(
    ("micros", "code"),
    [
        (0, "NEGATIVE_MONEY_AMOUNT"),
        (1_234_567, "NON_MULTIPLE_OF_MINIMUM_CURRENCY_UNIT"),
        (10_000, "BUDGET_BELOW_PER_DAY_MINIMUM"),
        (2 * 10**13, "MONEY_AMOUNT_TOO_LARGE"),
    ],
)
def test_one_wrong_amount_refuses_the_whole_change(world: World, micros: int, code: str) -> None:
    before = world.amounts()
    for dry in (True, False):
        said = world.change({"8001": 30_000_000, "8002": micros}, dry=dry)
        assert (said.class_, said.code, world.amounts()) == (Class.ROW, code, before)
        assert said.hint


def test_what_stands_in_the_way_is_told_apart(world: World) -> None:
    before = world.amounts()
    assert world.change({"99": 1_000_000}).code == "RESOURCE_NOT_FOUND"
    assert world.change({"8004": 2_000_000}).code == "CAMPAIGN_BUDGET_REMOVED"
    world.faults("401")  # A token that ran out is renewed once.
    assert world.change({"8001": 20_000_000}).code == "OK"
    world.faults("401", "401")
    assert world.change({"8001": 21_000_000}).class_ is Class.CONFIG
    world.faults("429:Retry-After=30")
    quota = world.change({"8001": 21_000_000})
    assert (quota.class_, quota.after is not None) == (Class.LATER, True)
    world.faults("drop-connection")
    assert world.read("8001").class_ is Class.UNKNOWN
    assert world.amounts() == before
    # It arrived, and no answer came: only a look at the budgets can tell.
    world.faults("drop-after-processing")
    assert world.change({"8001": 22_000_000}).class_ is Class.UNKNOWN
    assert world.read("8001")["8001"].amount_micros == 22_000_000


def test_what_was_changed_outlives_the_sandbox(tmp_path: Any) -> None:
    for amount in (31_000_000, 32_000_000):
        with serving(tmp_path) as origin:
            door = HttpDoor(allow_private=True, total_seconds=10)
            settings = GoogleAdsSettings.load(google_ads_settings(origin), sandbox=True)
            world = World(origin, Courier(door, google_ads=GoogleAdsTransport(door)), settings)
            assert world.amounts()[ROMA] == (13_000_000 if amount == 31_000_000 else 31_000_000)
            assert world.change({ROMA: amount}).code == "OK"
            door.close()


@pytest.mark.parametrize(
    ("currency", "step", "micros", "whole"),
    [
        ("EUR", 10_000, 12_345_678, 12_350_000),
        ("JPY", 1_000_000, 12_345_678, 12_000_000),
        ("KWD", 1_000, 12_345_678, 12_346_000),
        ("EUR", 10_000, 3, 10_000),
    ],
)
def test_amounts_are_rounded_to_what_the_currency_can_hold(
    currency: str, step: int, micros: int, whole: int
) -> None:
    assert (unit_micros(currency), rounded(micros, currency)) == (step, whole)


def test_either_connection_reaches_the_ads_api() -> None:
    real = GoogleDataManagerSettings.load(google_settings("https://x.test"), sandbox=True)
    assert through_ads_api(real, "9998887777").base_url == "https://x.test/sandbox/google-ads"
    live = real.model_copy(update={"base_url": "https://datamanager.googleapis.com"})
    found = through_ads_api(live, "9998887777")
    assert (found.base_url, found.customer_id, found.client_id) == (ADS_URL, "9998887777", real.client_id)
    ads = GoogleAdsSettings.load(google_ads_settings("https://x.test"), sandbox=True)
    assert through_ads_api(ads, "9998887777").customer_id == "9998887777"
