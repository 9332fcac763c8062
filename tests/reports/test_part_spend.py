"""Costs by keyword and ad group: all of them together are what the campaigns cost, to the minor unit."""

import threading
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from calltrack.infra.outbox import Fact
from calltrack.kernel.origin import campaign_key
from calltrack.reports.asking import read_asked
from calltrack.reports.figures import Figures
from calltrack.reports.names import names_of
from calltrack.reports.report import Report, make_report
from calltrack.reports.spend_queries import NO_PART
from calltrack.spend.clicks import click_behind, days_to_ask, keep_clicks
from calltrack.spend.currencies import RateRow, set_rates
from calltrack.spend.detail_model import SpendPartDay, SpendPartMonth
from calltrack.spend.model import SpendDay
from calltrack.spend.told import ClickTold, Days
from calltrack.wiring import Services
from tests.builders import Company, make_company, make_visit
from tests.reports.ad_world import ad_company, cost, cost_parts, spend_account, spend_campaign
from tests.reports.histories import NIGHTS, set_zone
from tests.reports.world import NOW, ROMA, TODAY, brought, count
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

KEYS = (campaign_key("google", "cpc", "roma"), campaign_key("google", "cpc", "roma"), "",
        campaign_key("bing", "cpc", "milano"))  # fmt: skip
DAYS = [date(2026, 9, 29) + timedelta(days=at) for at in range(35)]
WORDS = ("traslochi", "Traslochi ", "prezzi")
GROUPS = ("Annunci", "Prova")
MICROS = st.one_of(st.just(0), st.integers(1, 90_000), st.integers(0, 40_000_000))


@dataclass
class Told:
    """What a platform tells of one campaign, and in which order we hear of it."""

    key: str
    days: dict[date, int]
    parts: dict[tuple[str, str, date], int]
    parts_first: bool


TOLD = st.builds(
    Told,
    st.sampled_from(KEYS),
    st.dictionaries(st.sampled_from(DAYS), MICROS, max_size=8),
    st.dictionaries(
        st.tuples(st.sampled_from(GROUPS), st.sampled_from(("", *WORDS)), st.sampled_from(DAYS)),
        MICROS, max_size=14,
    ),
    st.booleans(),
)  # fmt: skip


def ask(services: Services, company: Company, dimension: str, **words: str) -> Report:
    words = {"since": str(DAYS[0]), "until": str(DAYS[-1]), "compare": "none"} | words
    with services.db.tenant(company.id) as session:
        return make_report(session, company.id, read_asked(words, dimension, TODAY), now=NOW)


def write(services: Services, company: Company, told: list[Told], currency: str) -> None:
    account = spend_account(services, company, currency)
    names = [f"{place} {one.key[-4:]}" for place, one in enumerate(told)]
    for name, one in zip(names, told, strict=True):
        spend_campaign(services, company, name, one.key, account)
    days = [
        (name, day, cost) for name, one in zip(names, told, strict=True) for day, cost in one.days.items()
    ]
    parts = [
        (name, group, word, day, micros)
        for name, one in zip(names, told, strict=True)
        for (group, word, day), micros in one.parts.items()
    ]
    if any(one.parts_first for one in told):
        cost_parts(services, company, account, parts, Days(DAYS[0], DAYS[-1]))
        cost(services, company, account, days)
    else:
        cost(services, company, account, days)
        cost_parts(services, company, account, parts, Days(DAYS[0], DAYS[-1]))


def check(services: Services, company: Company) -> None:
    """Compare reports with each other, with the stored rows, and months with their days."""
    with services.db.tenant(company.id) as session:
        days = session.scalars(select(SpendDay)).all()
        parts = session.scalars(select(SpendPartDay)).all()
        months = session.scalars(select(SpendPartMonth)).all()
        kinds = {row.id: row.criterion_id for row in session.execute(text("SELECT * FROM spend_part"))}
    of_months: defaultdict[tuple[object, date], int] = defaultdict(int)
    for part in parts:
        of_months[part.part_id, part.day.replace(day=1)] += part.share_minor
    assert {key: n for key, n in of_months.items() if n} == {
        (row.part_id, row.month): row.share_minor for row in months
    }
    raw = sum(row.cost_minor or 0 for row in days)
    whole = ask(services, company, "campaign")
    assert whole.total.spend_minor == raw
    for dimension in ("keyword", "ad_group"):
        found = ask(services, company, dimension)
        assert found.total.spend_minor == raw
        assert found.total.unpriced_days == whole.total.unpriced_days
        assert Figures.sum_of(row.now for row in found.rows).spend_minor == raw
        assert sum(one.spend_minor for _, one in found.steps) == raw
        shares = sum(p.share_minor for p in parts if bool(kinds[p.part_id]) is (dimension == "keyword"))
        rest = sum(row.now.spend_minor for row in found.rows if row.key == (NO_PART,))
        assert rest == raw - shares >= 0
        for row in found.rows:
            if row.key == (NO_PART,):
                continue
            one = {dimension: row.key[0]}
            for by in ("source", "campaign", dimension):
                within = ask(services, company, by, **one)
                assert within.total.spend_minor == row.now.spend_minor, (by, row.key)
                assert sum(step.spend_minor for _, step in within.steps) == row.now.spend_minor
        # By source, too: what is not matched belongs to none.
        for source in ("google", "bing"):
            of_source = ask(services, company, dimension, source=source).total.spend_minor
            assert of_source == ask(services, company, "campaign", source=source).total.spend_minor


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(
    told=st.lists(TOLD, min_size=1, max_size=4), zone=st.sampled_from(sorted(NIGHTS)),
    currency=st.sampled_from(("EUR", "USD", "JPY")), data=st.data(),
)  # fmt: skip
def test_costs_of_parts_and_of_what_is_left_are_what_campaigns_cost(
    services: Services, told: list[Told], zone: str, currency: str, data: st.DataObject
) -> None:
    company = make_company(services)
    set_zone(services, company, zone)
    write(services, company, told, currency)
    check(services, company)
    rates = data.draw(
        st.lists(
            st.tuples(st.sampled_from(DAYS), st.decimals("0.001", "2", places=4)), min_size=1, max_size=3
        )
    )
    with services.db.tenant(company.id) as session:
        set_rates(session, company.id, [RateRow("USD", "EUR", *rate) for rate in rates])
    check(services, company)


def test_a_share_is_the_keywords_own_cost_and_rounding_loses_nothing(
    services: Services, company: Company
) -> None:
    """Three keywords of a third of a cent each, and a campaign that cost one cent."""
    account = spend_account(services, company)
    spend_campaign(services, company, "Roma", KEYS[0], account)
    day = DAYS[0]
    cost(services, company, account, [("Roma", day, 10_000)])
    words = [("Roma", "Annunci", word, day, 3_333) for word in ("a", "b", "c")]
    cost_parts(services, company, account, words, Days(day, day))
    rows = {row.key[0]: row.now.spend_minor for row in ask(services, company, "keyword").rows}
    assert sum(rows.values()) == 1
    assert NO_PART not in rows
    # Restated: the campaign alone is read again, its keywords at night.
    cost(services, company, account, [("Roma", day, 5_000_000)])
    rows = {row.key[0]: row.now.spend_minor for row in ask(services, company, "keyword").rows}
    assert sum(rows.values()) == 500
    exact = Decimal(3_333 * 3) / 10_000
    assert 500 - rows[NO_PART] == int(exact.to_integral_value(ROUND_HALF_UP))


@pytest.fixture(scope="module")
def ads(services: Services) -> Company:
    return ad_company(services)


def test_a_keyword_stands_beside_its_cost_in_all_its_ad_groups(services: Services, ads: Company) -> None:
    found = ask(services, ads, "keyword", since=str(TODAY - timedelta(days=9)), until=str(TODAY))
    rows = {row.key[0]: row.now for row in found.rows}
    assert {word: (one.spend_minor, one.visits, one.leads) for word, one in rows.items()} == {
        "traslochi roma": (8_000, 3, 3), "traslochi aurelia": (3_000, 0, 0), "": (0, 3, 3),
        NO_PART: (10_00 + 12_00, 0, 0),
    }  # fmt: skip
    assert rows["traslochi roma"].cost_per_lead == pytest.approx(8_000 / 3)
    assert rows["traslochi roma"].roas == pytest.approx(30_000 / 8_000)
    assert found.total.spend_minor == 13_200
    assert {"spend", "cost_per_lead", "cost_per_sale", "roas"} <= set(found.columns)
    with services.db.tenant(ads.id) as session:
        names = names_of(session, ads.id, found)
    assert names.match_types["traslochi roma"] == "exact"
    assert names.row(found.asked.dimension, (NO_PART,)) == "No keyword told by the platform"
    by_campaign = ask(
        services, ads, "campaign", since=str(TODAY - timedelta(days=9)), until=str(TODAY),
        keyword="Traslochi ROMA",
    )  # fmt: skip
    assert {row.key[2]: (row.now.spend_minor, row.now.calls) for row in by_campaign.rows} == {
        "traslochi-roma": (6_000, 2), "lazio": (2_000, 1),
    }  # fmt: skip


def test_ad_groups_of_one_name_are_kept_apart_and_addresses_find_theirs(
    services: Services, ads: Company
) -> None:
    over = {"since": str(TODAY - timedelta(days=9)), "until": str(TODAY)}
    found = ask(services, ads, "ad_group", **over)
    with services.db.tenant(ads.id) as session:
        names = names_of(session, ads.id, found)
    rows = {names.row(found.asked.dimension, row.key): row.now for row in found.rows}
    assert {name: (one.spend_minor, one.visits, one.calls) for name, one in rows.items()} == {
        "Ricerca Roma > Annunci": (6_000, 2, 2),  # one click told, one by utm_content
        "Ricerca Roma > Marchio": (3_000, 1, 1),  # by its number in utm_content
        "Ricerca Lazio > Annunci": (3_000, 1, 1),
        "altro > annunci": (0, 1, 1),
        "No ad group known": (0, 1, 1),
        "No ad group told by the platform": (1_200, 0, 0),
    }
    both = next(row.key[0] for row in found.rows if row.now.visits == 2)
    within = ask(services, ads, "source", ad_group=both, **over)
    assert (within.total.spend_minor, within.total.calls) == (6_000, 2)
    # A second ad group of that name in the matched campaign: nobody guesses which of them is meant.
    account = spend_account(services, ads)
    spend_campaign(services, ads, "Ricerca Roma 2", campaign_key(*ROMA), account)
    day = TODAY - timedelta(days=400)
    cost_parts(
        services, ads, account, [("Ricerca Roma 2", "annunci", "", day, 0)], Days(day, day)
    )  # fmt: skip
    apart = ask(services, ads, "ad_group", **over)
    assert sorted(row.now.visits for row in apart.rows if row.now.visits) == [1] * 6
    assert replace(apart.total, value_squared=0) == replace(found.total, value_squared=0)


def test_a_click_that_is_told_later_counts_its_days_anew(services: Services, company: Company) -> None:
    """Google tells a click a day later: the visit, its call and what that brought are counted so."""
    account = spend_account(services, company)
    spend_campaign(services, company, "Roma", campaign_key(*ROMA), account)
    at = NOW - timedelta(days=3)
    visit = make_visit(services, company, at=at, term="parola", click_ids={"gclid": "Cj-later"})
    again = make_visit(
        services, company, at=at + timedelta(days=1), visitor_id=visit.visitor_id,
        click_ids={"gclid": "Cj-later"},
    )  # fmt: skip
    brought(services, company, at + timedelta(days=1), ROMA, "lead", level="visit", visit_id=visit.id)
    count(services, company)

    def words() -> dict[str, tuple[int, int]]:
        over = {"since": str(TODAY - timedelta(days=9)), "until": str(TODAY)}
        rows = ask(services, company, "keyword", **over).rows
        return {row.key[0]: (row.now.visits, row.now.leads) for row in rows if row.now.visits}

    assert words() == {"parola": (1, 1), "": (1, 0)}
    told = ClickTold("Cj-later", "Roma", "7", "Annunci", "Traslochi Roma", "phrase")
    with services.db.tenant(company.id) as session:
        assert keep_clicks(session, account, at.date(), [told], NOW) == 2
    drain(services, SUBSCRIPTIONS, company.id, threading.Event())
    count(services, company, services.clock() + timedelta(minutes=1))
    assert words() == {"traslochi roma": (2, 1)}
    assert again.id != visit.id


def test_who_remembers_a_click_is_named_and_counted_too(services: Services, company: Company) -> None:
    account = spend_account(services, company)
    spend_campaign(services, company, "Roma", campaign_key(*ROMA), account)
    at = datetime.now(UTC) - timedelta(days=3)
    first = make_visit(services, company, at=at, click_ids={"gclid": "Cj-mine"})
    told = ClickTold("Cj-mine", "Roma", "7", "Annunci", "traslochi", "exact")
    with services.db.tenant(company.id) as session:
        assert keep_clicks(session, account, at.date(), [told], NOW) == 1
    later = make_visit(
        services, company, at=at + timedelta(days=2), visitor_id=first.visitor_id,
        click_ids={"gclid": "Cj-mine"},
    )  # fmt: skip
    with services.db.tenant(company.id) as session:
        days_to_ask(session, account, 30, datetime.now(UTC))
        assert click_behind(session, company.id, later.id) is not None
        facts = set(session.scalars(select(Fact.subject_id).where(Fact.kind == "visit.named")))
    assert facts == {first.id, later.id}
