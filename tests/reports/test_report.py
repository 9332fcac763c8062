"""Reports from counted rows: totals, spend, filters, the time before, and questions that make no sense."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from calltrack.conversions.figures import Span, by_source, totals
from calltrack.kernel.errors import BadInput
from calltrack.kernel.origin import NONE, UNKNOWN
from calltrack.reports.asking import PERIODS, read_asked
from calltrack.reports.day_sql import MEASURES, OTHER
from calltrack.reports.days import bounds_of, edges, whole_months
from calltrack.reports.dimensions import DIMENSIONS
from calltrack.reports.figures import Figures
from calltrack.reports.model import ReportMonth
from calltrack.reports.names import names_of
from calltrack.reports.report import Report, make_report
from calltrack.reports.spend_queries import UNMATCHED
from calltrack.wiring import Services
from tests.builders import Company
from tests.reports.world import NOW, ROMA, TODAY, count, told_company


def ask(services: Services, company: Company, dimension: str, most: int = 5_000, **words: str) -> Report:
    with services.db.tenant(company.id) as session:
        return make_report(session, company.id, read_asked(words, dimension, TODAY), most, now=NOW)


@pytest.fixture(scope="module")
def told(services: Services) -> Company:
    return told_company(services)


def test_a_report_adds_up_and_is_the_overview(services: Services, told: Company) -> None:
    for dimension in DIMENSIONS:
        found = ask(services, told, dimension, period="90d")
        now = Figures.sum_of(row.now for row in found.rows)
        assert replace(now, value_squared=0) == replace(found.total, value_squared=0, visits=now.visits)
        assert now.visits == (found.total.visits if found.asked.has_visits else 0)
        assert Figures.sum_of(row.before for row in found.rows).calls == found.total_before.calls
        assert Figures.sum_of(figures for _, figures in found.steps).leads == found.total.leads
        span = Span(bounds_of(found.asked.now.since, "Europe/Rome")[0], bounds_of(TODAY, "Europe/Rome")[0])
        with services.db.tenant(told.id) as session:
            raw = totals(session, told.id, span, "EUR")
        same = ("calls", "ended", "answered", "talk_seconds", "with_source", "leads", "purchases",
                "value_minor", "other_currency")  # fmt: skip
        assert {name: getattr(found.total, name) for name in same} == {
            name: getattr(raw, name) for name in same
        }
        if found.asked.has_visits:
            assert found.total.visits == raw.visits
    with services.db.tenant(told.id) as session:
        sources = by_source(session, told.id, span, "EUR", "campaign")
    rows = {row.key: row.now for row in ask(services, told, "campaign", period="90d").rows}
    for source in sources:
        own = rows[source.source, source.medium, source.campaign]
        assert (own.calls, own.leads, own.value_minor) == (source.calls, source.leads, source.value_minor)


def test_spend_stands_beside_what_it_brought(services: Services, told: Company) -> None:
    found = ask(services, told, "campaign", sort="spend")
    roma, unmatched = found.rows[0], found.rows[1]
    assert (roma.key, roma.now.spend_minor, roma.now.leads) == (ROMA, 30 * 700, 3)
    assert roma.now.cost_per_lead == 7_000
    assert roma.now.cost_per_sale == 30 * 700 / 4  # one of them in dollars: counted, its value is not added
    assert roma.now.roas == (10_000 + 20_000 + 30_000) / 21_000
    assert (roma.before.spend_minor, roma.before.leads) == (30 * 700, 2)
    assert (unmatched.key[0], unmatched.now.spend_minor, unmatched.now.unpriced_days) == (UNMATCHED, 333, 1)
    assert found.total.spend_minor == 30 * 700 + 333
    assert sum(figures.spend_minor for _, figures in found.steps) == found.total.spend_minor
    by_source = ask(services, told, "source", source="google")
    assert [row.now.spend_minor for row in by_source.rows] == [21_000]
    assert "cost_per_lead" not in ask(services, told, "source", number=told.number_ids[0].hex).asked.columns
    assert ask(services, told, "hour", sort="roas").asked.sort == "calls"


def test_filters_combine_and_rows_have_names(services: Services, told: Company) -> None:
    number = told.number_ids[1].hex
    within = ask(services, told, "campaign", number=number, period="90d")
    assert [(row.key, row.now.calls) for row in within.rows] == [(ROMA, 3)]
    numbers = ask(services, told, "number", source="google", medium="cpc", period="90d")
    assert {row.key[0]: row.now.calls for row in numbers.rows if row.now.calls} == {
        number: 3,
        told.number_ids[0].hex: 4,
    }
    unknown = ask(services, told, "number", source=UNKNOWN)
    assert [row.key[0] for row in unknown.rows] == [told.number_ids[2].hex]
    unnamed = ask(services, told, "campaign", campaign=NONE, source="bing")
    assert [row.key for row in unnamed.rows] == [("bing", "cpc", "")]
    pages = ask(services, told, "landing_page", period="90d")
    assert {row.key[0]: row.now.visits for row in pages.rows} == {"www.prova.test": 6, "\x1f?": 0}
    nowhere = ask(services, told, "source", landing_page="(not known)", period="90d")
    assert nowhere.total.calls == 9
    with services.db.tenant(told.id) as session:
        names = names_of(session, told.id)
    assert names.row(DIMENSIONS["source"], ("google", "cpc")) == "Google Ads"
    assert names.row(DIMENSIONS["campaign"], ROMA) == "Google Ads · traslochi-roma"
    assert names.row(DIMENSIONS["number"], (number,)).startswith("+39 06")
    assert names.row(DIMENSIONS["hour"], ("034",)) == "Tue 10:00"
    assert names.row(DIMENSIONS["keyword"], ("",)) == "No keyword known"
    assert names.filters(nowhere.asked) == "landing page Visit not known"


def test_sums_and_figures_have_one_order() -> None:
    assert tuple(Figures.__dataclass_fields__)[: len(MEASURES)] == MEASURES


def test_months_are_only_a_shortcut(services: Services, told: Company) -> None:
    later = NOW + timedelta(days=40)
    count(services, told, later)
    with services.db.tenant(told.id) as session:
        months = set(session.scalars(select(ReportMonth.day)))
        assert months == {date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)}
        asked = read_asked({"since": "2026-08-15", "until": "2026-12-20"}, "campaign", date(2026, 12, 30))
        whole = make_report(session, told.id, asked, now=later)
        assert (whole.total.calls, whole.total.leads, whole.total.visits) == (9, 7, 6)
        cut = make_report(session, told.id, asked, most=1, now=later)
    assert cut.total == replace(whole.total, value_squared=cut.total.value_squared)
    assert {row.key: row.now.calls for row in cut.rows if row.now.calls} == {ROMA: 7, (OTHER, OTHER, ""): 2}


@pytest.mark.parametrize(
    ("words", "dimension", "said"),
    [
        ({}, "colour", "A report is by one of source"),
        ({"period": "9d"}, "source", "period is one of"),
        ({"since": "2026-11-31"}, "source", "is not a day"),
        ({"since": "2026-11-20", "until": "2026-11-01"}, "source", "ends before it begins"),
        ({"since": "2012-01-01"}, "source", "at most 1830 days"),
        ({"sort": "price"}, "source", "sort is one of"),
        ({"compare": "luck"}, "source", "compare is one of"),
        ({"location": "ab", "hour": "001"}, "source", "not counted together"),
        ({"location": "ab"}, "keyword", "Location and keyword are not counted together"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_way_out(
    words: dict[str, str], dimension: str, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        read_asked(words, dimension, TODAY)


def test_periods_are_whole_days_and_compared_with_as_many() -> None:
    def ends(**words: str) -> list[str]:
        asked = read_asked(words, "source", TODAY)
        told = [asked.now] + ([asked.before] if asked.before else [])
        return [f"{one.since:%y%m%d}-{one.until:%y%m%d}" for one in told]

    assert ends(period="7d") == ["261114-261120", "261107-261113"]
    assert ends(period="week") == ["261109-261115", "261102-261108"]
    assert ends(period="month") == ["261001-261031", "260901-260930"]
    assert ends(period="12m") == ["251201-261120", "241201-251120"]
    assert ends(period="30d", compare="year") == ["261022-261120", "251022-251120"]
    assert ends(since="2024-02-01", until="2024-02-29", compare="year") == ["240201-240229", "230201-230228"]
    assert ends(period="today", compare="none") == ["261120-261120"]
    assert read_asked({"period": "today"}, "source", TODAY).is_open
    said = {name: read_asked({"period": name}, "source", TODAY).tells_change for name in PERIODS}
    assert {name for name, is_said in said.items() if not is_said} == {"today", "7d"}
    assert whole_months(date(2026, 1, 2), date(2026, 4, 29)) == [date(2026, 2, 1), date(2026, 3, 1)]
    assert edges(date(2026, 1, 2), date(2026, 1, 9)) == [(date(2026, 1, 2), date(2026, 1, 9))]
    asked = read_asked({"number": "(none)", "source": "x"}, "source", TODAY)
    assert read_asked(dict(p.split("=") for p in asked.address().replace("%28none%29", "(none)").split("&")),
                      "source", TODAY) == asked  # fmt: skip


@pytest.mark.parametrize(("more", "period"), [({}, "days"), ({"shown": "days"}, "7d")])
def test_a_name_chosen_where_days_were_shown_counts_before_them(more: dict[str, str], period: str) -> None:
    words = {"since": "2026-08-15", "until": "2026-08-20", "period": "7d"}
    assert read_asked(words | more, "campaign", date(2026, 12, 30)).period == period
