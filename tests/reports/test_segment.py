"""Reports of a segment: exactly what its persons did, each row with exactly its calls, and no spend."""

import random
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from calltrack.conversions.call_log import CallFilter, find_calls
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import NONE, UNKNOWN, campaign_key
from calltrack.reports import segment_rows
from calltrack.reports.asking import read_asked
from calltrack.reports.days import bounds_of
from calltrack.reports.dimensions import DIMENSIONS
from calltrack.reports.figures import Figures
from calltrack.reports.names import names_of
from calltrack.reports.report import Report, make_report
from calltrack.reports.table import told_of
from calltrack.spend.told import Days
from calltrack.stages.cells import Within
from calltrack.stages.segment_calls import calls_within
from calltrack.stages.segment_rules import read_segment
from calltrack.stages.segments import Given, make_segment
from calltrack.wiring import Services
from tests.builders import Company, fresh_e164, make_company
from tests.reports.ad_world import cost_parts, spend_account, spend_campaign
from tests.reports.world import NOW, TODAY, count, spend
from tests.stages.people import Town

PERIOD = {"since": "2026-10-20", "until": "2026-11-19"}
SINCE = bounds_of(date(2026, 10, 20), "Europe/Rome")[0]
UNTIL = bounds_of(date(2026, 11, 19), "Europe/Rome")[1]
CONDITIONS: dict[str, dict[str, Any]] = {
    "buyers": {"fact": "purchases", "at_least": 1},
    "others": {"not": {"fact": "purchases", "at_least": 1}},
    "recent": {"all": [{"fact": "last_at", "within_days": 9}, {"fact": "calls", "at_least": 1}]},
}
COUNTED = ("visits", "calls", "ended", "answered", "talk_seconds", "leads", "purchases", "value_minor",
           "other_currency")  # fmt: skip


class Crowd(Town):
    """People around a night of 25 hours, their segments, and calls and visits of nobody known."""

    def __init__(self, services: Services) -> None:
        super().__init__(services, make_company(services, numbers=2))
        self.segments: dict[str, str] = {}
        dice = random.Random(11)
        for _ in range(40):
            at = NOW - timedelta(hours=dice.randrange(1, 1200))
            browser, phone = new_id(at), fresh_e164() if dice.random() < 0.8 else None
            source, campaign = dice.choice(("google", "bing")), dice.choice(("", "a", "b"))
            visit = self.visit(at, browser, source=source, medium="cpc", campaign=campaign)
            if dice.random() < 0.2:
                continue
            self.person(phone or "", browser, at)
            for _ in range(dice.randrange(1, 4)):
                self._call(dice, phone, at, visit)
                at += timedelta(hours=dice.randrange(1, 300))
        with services.db.tenant(self.company.id) as session:
            for name, condition in CONDITIONS.items():
                id_ = make_segment(session, self.company.id, Given(name, "blue", condition), NOW, by="Ada")
                self.segments[name] = id_.hex
        self.run("UPDATE visit SET term = 'move' WHERE company_id = :c AND started_at > :at", at=SINCE)
        self.keep()
        self.again()
        count(services, self.company)

    def _call(self, dice: random.Random, phone: str | None, at: Any, visit: Any) -> None:
        call = self.call(phone, at, talk=dice.choice((0, 90)), number_id=dice.choice(self.company.number_ids))
        if phone and dice.random() < 0.15:
            # Turned away: part of no journey, and a call of the person all the same.
            self.run("UPDATE call SET outcome = 'blocked' WHERE company_id = :c AND id = :id", id=call.id)
        self.credit(call, visit.source, visit.medium, visit if dice.random() < 0.6 or not phone else None)
        if dice.random() < 0.5:
            self.conversion(call, "lead", at)
        if dice.random() < 0.4:
            self.conversion(
                call, "purchase", at + timedelta(days=dice.randrange(20)), dice.randrange(1, 9000)
            )

    def report(self, dimension: str, **words: str) -> Report:
        with self.services.db.tenant(self.company.id) as session:
            return make_report(
                session, self.company.id, read_asked(PERIOD | words, dimension, TODAY), now=NOW
            )


@pytest.fixture(scope="module")
def crowd(services: Services) -> Crowd:
    return Crowd(services)


def figures(of: Figures) -> dict[str, int]:
    return {name: getattr(of, name) for name in COUNTED}


def test_two_halves_of_the_persons_and_nobody_are_the_whole(crowd: Crowd) -> None:
    for dimension in DIMENSIONS:
        whole = crowd.report(dimension)
        halves = [crowd.report(dimension, segment=crowd.segments[name]) for name in ("buyers", "others")]
        for found in halves:
            assert figures(Figures.sum_of(row.now for row in found.rows)) == figures(found.total)
            assert figures(Figures.sum_of(of for _, of in found.steps)) == figures(found.total)
            assert found.total.calls == found.total.on_visit + found.total.on_source + found.total.on_nothing
            assert found.days_due == 0
            assert not {"spend", "roas", "cost_per_lead"} & set(found.asked.columns)
        both = figures(halves[0].total + halves[1].total)
        everything = figures(whole.total)
        # Every call here is a person's; a fifth of the browsers is nobody's.
        nobodys = everything.pop("visits") - both.pop("visits")
        assert both == everything
        assert nobodys == (0 if dimension in ("location", "number") else crowd_visits_of_nobody(crowd))
        rows = {row.key: row.now for row in whole.rows}
        for found in halves:
            for row in found.rows:
                assert row.now.calls <= rows[row.key].calls
                assert row.now.purchases <= rows[row.key].purchases


def crowd_visits_of_nobody(crowd: Crowd) -> int:
    counted = crowd.run(
        """
        SELECT count(*) FROM visit v
        WHERE company_id = :c AND started_at >= :since AND started_at < :until AND NOT EXISTS (
            SELECT FROM person_visitor p WHERE p.company_id = :c AND p.visitor_id = v.visitor_id)
        """,
        since=SINCE,
        until=UNTIL,
    )
    return int(counted.scalar_one())


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_row_has_exactly_its_calls(crowd: Crowd, name: str) -> None:
    among = calls_within(Within(read_segment(CONDITIONS[name]), NOW))
    wanted = CallFilter(since=SINCE, until=UNTIL, among=among)
    found = crowd.report("campaign", segment=crowd.segments[name])
    assert found.total.calls > 5
    with crowd.services.db.tenant(crowd.company.id) as session:

        def calls(of: CallFilter) -> int:
            return len(find_calls(session, crowd.services.vault, crowd.company.id, of, most=200).rows)

        assert calls(wanted) == found.total.calls
        for row in found.rows:
            source, medium, campaign = row.key
            words = replace(
                wanted, source=source or UNKNOWN, medium=medium or NONE, campaign=campaign or NONE
            )
            assert calls(words) == row.now.calls
    numbers = crowd.report("number", segment=crowd.segments[name], source="google")
    assert sum(row.now.calls for row in numbers.rows) == numbers.total.calls
    assert numbers.total.calls == sum(row.now.calls for row in found.rows if row.key[0] == "google")


def test_a_segment_is_named_kept_in_addresses_and_costs_nothing(crowd: Crowd) -> None:
    spend(crowd.services, crowd.company, "", {TODAY - timedelta(days=2): 333})
    found = crowd.report("source", segment=crowd.segments["buyers"], compare="before")
    assert found.total.spend_minor == 0
    assert crowd.report("source").total.spend_minor == 333
    assert f"segment={crowd.segments['buyers']}" in found.asked.address()
    with crowd.services.db.tenant(crowd.company.id) as session:
        names = names_of(session, crowd.company.id)
    told = told_of(found, names, "Prova", "Europe/Rome", "EUR", NOW)
    assert ("Filters", "persons in the segment “buyers”") in told
    assert any("spend cannot be split by person" in words for _, words in told)


def test_a_segment_that_is_gone_or_too_large_is_refused(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match="no such segment"):
        crowd.report("source", segment="ab" * 16)
    with pytest.raises(BadInput, match="id"):
        crowd.report("source", segment="odd")
    monkeypatch.setattr(segment_rows, "MOST_PERSONS", 2)
    with pytest.raises(BadInput, match="Choose a shorter period"):
        crowd.report("source", segment=crowd.segments["others"])


def test_an_empty_segment_is_an_empty_report(services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session:
        given = Given("Nobody", "blue", {"fact": "calls", "at_least": 9})
        id_ = make_segment(session, company.id, given, NOW, by="Ada")
        asked = read_asked(PERIOD | {"segment": str(id_)}, "keyword", TODAY)
        found = make_report(session, company.id, asked, now=NOW)
    assert (found.rows, found.total) == ((), Figures())


def test_an_ad_group_that_addresses_name_is_the_one_google_named(crowd: Crowd) -> None:
    account = spend_account(crowd.services, crowd.company)
    spend_campaign(crowd.services, crowd.company, "A", campaign_key("google", "cpc", "a"), account)
    told = [("A", "Boxes", "", TODAY, 0)]
    cost_parts(crowd.services, crowd.company, account, told, Days(TODAY, TODAY))
    crowd.run(
        "UPDATE visit SET content = 'boxes' WHERE company_id = :c AND source = 'google' AND campaign = 'a'"
    )
    found = crowd.report("ad_group", segment=crowd.segments["others"])
    written = [row.key[0] for row in found.rows if row.key[0].endswith("boxes")]
    named = [row.now.visits for row in found.rows if re.match("[0-9a-f]{32}/", row.key[0])]
    assert written == []
    assert len(named) == 1
    assert named[0] > 0
