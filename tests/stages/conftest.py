"""A town of people for each test, and a crowd of them with a past."""

import random
from datetime import datetime, timedelta

import pytest

from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import Company, fresh_e164, make_company
from tests.stages.people import Town

FALL_BACK = datetime.fromisoformat("2026-10-25T00:30+00:00")  # the night of 25 hours in Rome
SOURCES = (
    ("google", "cpc"),
    ("google", "organic"),
    ("bing", "cpc"),
    ("direct", "none"),
    ("meta", "cpc"),
    ("x", "y"),
)


@pytest.fixture
def town(services: Services, company: Company) -> Town:
    return Town(services, company)


@pytest.fixture(scope="module")
def crowd(services: Services) -> Town:
    """A company with sixty random people around a daylight-saving night, journeys made."""
    dice, town = random.Random(6), Town(services, make_company(services))
    for _ in range(60):
        at = FALL_BACK + timedelta(hours=dice.randrange(600) - 100)
        source, medium = dice.choice(SOURCES)
        browser = new_id(at)
        for _ in range(dice.randrange(1, 3)):
            town.visit(at, browser, pages=dice.randrange(1, 5), page=f"/p{dice.randrange(6)}", source=source,
                       medium=medium, campaign=dice.choice(("", "moves", "boxes")))  # fmt: skip
            at += timedelta(hours=dice.randrange(1, 90))
        if dice.random() < 0.4:
            continue
        phone = fresh_e164()
        town.person(phone, browser, at)
        for _ in range(dice.randrange(1, 4)):
            call = town.call(phone, at, talk=dice.choice((0, 20, 50, 200)))
            if dice.random() < 0.5:
                town.conversion(call, "lead", at)
            if dice.random() < 0.3:
                town.conversion(
                    call, "purchase", at + timedelta(days=dice.randrange(9)), dice.randrange(10_000)
                )
            at += timedelta(days=dice.randrange(1, 40))
    town.keep()
    town.again()
    return town
