"""Rates by day: the last earlier one counts, both ways and over a third currency; a missing one is told."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.money import Money
from calltrack.spend.currencies import RateBook, RateRow, forget_rate, read_rate, set_rates
from calltrack.spend.entries import add_entry
from calltrack.spend.queries import spend_by_campaign
from calltrack.spend.rules import read_days
from tests.spend.world import World

FRIDAY, SUNDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 22), date(2026, 11, 23)
BOOK = RateBook(
    [
        RateRow("EUR", "USD", FRIDAY, Decimal("1.25")),
        RateRow("EUR", "USD", MONDAY, Decimal("1.6")),
        RateRow("EUR", "GBP", FRIDAY, Decimal("0.8")),
        RateRow("GBP", "EUR", SUNDAY, Decimal("1.3")),
    ]
)


@pytest.mark.parametrize(
    ("from_", "to", "day", "rate"),
    [
        ("EUR", "EUR", date(1999, 1, 1), "1"),
        ("EUR", "USD", FRIDAY, "1.25"),
        ("EUR", "USD", SUNDAY, "1.25"),  # no rates at the weekend: the last earlier one
        ("EUR", "USD", MONDAY, "1.6"),
        ("USD", "EUR", SUNDAY, "0.8"),  # turned round
        ("EUR", "GBP", FRIDAY, "0.8"),
        ("GBP", "EUR", MONDAY, "1.3"),  # the later told of the two ways
        ("USD", "GBP", FRIDAY, "0.64"),  # over the euro
        ("EUR", "USD", date(2026, 11, 19), None),  # none yet
        ("CHF", "EUR", MONDAY, None),
    ],
)
def test_a_rate_of_a_day(from_: str, to: str, day: date, rate: str | None) -> None:
    found = BOOK.rate(from_, to, day)
    assert found == (Decimal(rate) if rate else None)


@pytest.mark.parametrize(
    ("base", "quote", "rate"),
    [("EUR", "EUR", "1"), ("EUR", "XXX", "1"), ("EUR", "USD", "0"), ("EUR", "USD", "x")],
)
def test_what_is_no_rate_is_refused(base: str, quote: str, rate: str) -> None:
    with pytest.raises(BadInput):
        read_rate(base, quote, FRIDAY, rate)


def test_a_rate_that_comes_later_and_another_currency_of_the_company_convert_again(world: World) -> None:
    id_, now = world.company.id, world.now()

    def spent() -> list[tuple[int, int]]:
        with world.services.db.tenant(id_) as session:
            rows = spend_by_campaign(session, id_, FRIDAY, MONDAY)
        return [(row.cost_minor, row.days_without_rate) for row in rows]

    with world.services.db.tenant(id_) as session:
        days = read_days("2026-11-20", "2026-11-23")
        add_entry(session, id_, "Times Square", "", days, Money(40_000, "USD"), "", "test", now)
    assert spent() == [(0, 4)], "told, not guessed"
    with world.services.db.tenant(id_) as session:
        assert set_rates(session, id_, [read_rate("eur", "usd", FRIDAY, "1.25")]) == 4
    assert spent() == [(32_000, 0)]
    with world.services.db.tenant(id_) as session:
        assert set_rates(session, id_, [read_rate("EUR", "USD", MONDAY, "1,6")]) == 1
    # As a worker leaves a day that stored it meanwhile, and knew the old rates only.
    world.run("UPDATE spend_day SET cost_minor = NULL WHERE day = :day", day=SUNDAY)
    world.match()
    assert spent() == [(3 * 8_000 + 6_250, 0)]
    with world.services.db.tenant(id_) as session:
        session.execute(text("UPDATE company SET currency = 'USD' WHERE id = :id"), {"id": id_})
    world.match()
    assert spent() == [(40_000, 0)]
    with world.services.db.tenant(id_) as session:
        session.execute(text("UPDATE company SET currency = 'EUR' WHERE id = :id"), {"id": id_})
    world.match()
    with world.services.db.tenant(id_) as session:
        forget_rate(session, id_, "EUR", "USD", FRIDAY)
        with pytest.raises(NotFound):
            forget_rate(session, id_, "EUR", "USD", FRIDAY)
    assert spent() == [(6_250, 3)]


def test_rates_and_costs_that_are_written_at_once_go_one_after_the_other(world: World) -> None:
    id_, now = world.company.id, world.now()
    day = read_days("2026-11-20", "2026-11-20")

    def store_rate() -> int:
        with world.services.db.tenant(id_) as session:
            return set_rates(session, id_, [read_rate("EUR", "USD", FRIDAY, "1.25")])

    with ThreadPoolExecutor(1) as other, world.services.db.tenant(id_) as session:
        add_entry(session, id_, "Times Square", "", day, Money(40_000, "USD"), "", "test", now)
        rate = other.submit(store_rate)
        until = time.monotonic() + 30
        while not world.rows("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert not rate.done(), "it did not wait"
            assert time.monotonic() < until
            time.sleep(0.05)
        session.commit()
        assert rate.result(30) == 1, "it saw the cost that was stored before it"
    assert world.rows("SELECT cost_minor FROM spend_day") == [(32_000,)]
