"""The condition in SQL and the condition in plain code say the same of everybody."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from calltrack.accounts.model import Location
from calltrack.audiences.conditions import READY, Tree, read, sentence, written
from calltrack.audiences.rules import matches
from calltrack.audiences.selection import EVERYBODY, SOME, select
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.audiences.people import Crowd, Somebody
from tests.builders import NOON, Company, make_company
from tests.examples import examples

# Events lie on whole days around the limits that the conditions ask about, so that "exactly" is met often.
DAYS = (0, 1, 2, 7, 29, 30, 31, 90)
SOURCES = ("google", "bing", "Ärger", "zeta")
CAMPAIGNS = ("roma", "milano", "Z", "é", "")


class Town:
    """A company full of people with random pasts."""

    def __init__(self, services: Services) -> None:
        self.services, self.company = services, make_company(services)
        self.second = new_id()
        with services.db.tenant(self.company.id) as session:
            session.add(
                Location(
                    company_id=self.company.id, id=self.second, name="Ostia", city="", created_at=NOON,
                    forward_to="+390669940001",
                )
            )  # fmt: skip
        self.crowd, self.chance = Crowd(services, self.company), random.Random(7)
        self.people = [self._somebody() for _ in range(150)]
        self.crowd.store()

    def _somebody(self) -> Somebody:
        one = self.crowd.person(consent="no visit")
        pick, crowd = self.chance.choice, self.crowd
        for _ in range(pick((0, 0, 1, 2))):
            crowd.visit(one, self._when(), source=pick(SOURCES), medium="cpc", campaign=pick(CAMPAIGNS))
        for _ in range(pick((0, 1, 1, 2, 3))):
            at = self._when()
            call = crowd.call(
                one, at, talked=pick((True, False)), ended=pick((True, True, False)),
                location_id=pick((self.company.location_id, self.second)),
                source=pick(("", "", *SOURCES)), campaign=pick(CAMPAIGNS),
            )  # fmt: skip
            for kind in pick(((), ("lead",), ("lead", "purchase"), ("purchase",))):
                crowd.convert(
                    one, call, kind, self._when() if kind == "purchase" else at,
                    value=pick((None, 0, 10_000, 85_000)), currency=pick(("EUR", "EUR", "USD")),
                    status=pick(("counted", "counted", "retracted")), via=pick(("rule", "call_back")),
                )  # fmt: skip
        return one

    def _when(self) -> datetime:
        return NOON - timedelta(days=self.chance.choice(DAYS), hours=self.chance.choice((0, 0, 12)))

    def hits(self, tree: Tree, now: datetime, ids: list[UUID] | None = None) -> set[UUID]:
        selection = select(tree)
        statement = text(f"WITH {selection.lists(EVERYBODY if ids is None else SOME)} SELECT * FROM hit")
        values = {"company_id": self.company.id, "now": now, "ids": ids, **selection.values}
        with self.services.db.tenant(self.company.id) as session:
            return set(session.scalars(statement, values))


@pytest.fixture(scope="module")
def town(services: Services) -> Town:
    return Town(services)


def leaves(location_ids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    days = st.sampled_from((None, 1, 7, 30, 90))
    touch = st.fixed_dictionaries(
        {"fact": st.just("touch"), "which": st.sampled_from(("first", "last")),
         "source": st.sampled_from(SOURCES), "campaign": st.sampled_from(CAMPAIGNS)}
    )  # fmt: skip
    value = st.fixed_dictionaries(
        {"fact": st.just("value"), "currency": st.sampled_from(("EUR", "USD")),
         "at_least_minor": st.sampled_from((1, 10_000, 85_000, 95_000, 170_000))}
    )  # fmt: skip
    place = st.lists(st.sampled_from(location_ids), min_size=1, max_size=2, unique=True)
    timed = st.sampled_from(("bought", "bought_since_lead", "missed_call"))
    return st.one_of(
        st.fixed_dictionaries({"fact": st.just("lead"), "within_days": days, "older_than_days": days}),
        st.fixed_dictionaries({"fact": timed, "within_days": days}),
        touch, value,
        st.fixed_dictionaries({"fact": st.just("location"), "location_ids": place}),
    )  # fmt: skip


def trees(location_ids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        leaves(location_ids),
        lambda inner: st.one_of(
            st.fixed_dictionaries({"not": inner}),
            st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
            st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        ),
        max_leaves=4,
    )


def test_sql_and_plain_code_agree_about_any_condition(town: Town) -> None:
    ids = [str(town.company.location_id), str(town.second)]
    met: set[int] = set()

    @settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
    @given(given_=trees(ids), hours=st.sampled_from((0, 12, 24, 720)))
    def agree(given_: dict[str, Any], hours: int) -> None:
        tree, now = read(given_), NOON + timedelta(hours=hours)
        wanted = {one.id for one in town.people if matches(tree, one.facts(), now)}
        met.add(len(wanted))
        assert town.hits(tree, now) == wanted
        assert read(written(tree)) == tree
        assert sentence(tree).startswith("People who ")
        some = [one.id for one in town.people[:20]]
        assert town.hits(tree, now, some) == wanted & set(some)

    agree()
    assert len(met) > 20, "the conditions hardly tell people apart"


@pytest.mark.parametrize("name", READY)
def test_the_ready_made_ones_hold_for_some_and_not_for_others(town: Town, name: str) -> None:
    tree = read(READY[name][1])
    found = town.hits(tree, NOON + timedelta(hours=1))
    assert found == {one.id for one in town.people if matches(tree, one.facts(), NOON + timedelta(hours=1))}
    assert 0 < len(found) < len(town.people)


def test_a_conversion_of_a_withheld_number_counts_for_the_person_it_names(
    services: Services, company: Company
) -> None:
    crowd = Crowd(services, company)
    one = crowd.person()
    call = crowd.call(one, NOON)
    crowd.rows[next(table for table in crowd.rows if table.__name__ == "Call")][0] |= {
        "caller": None, "caller_hash": None,
    }  # fmt: skip
    crowd.convert(one, call, "purchase", NOON)
    crowd.store()
    selection = select(read({"fact": "bought"}))
    with services.db.tenant(company.id) as session:
        found = session.scalars(
            text(f"WITH {selection.lists(EVERYBODY)} SELECT * FROM hit"),
            {"company_id": company.id, "now": NOON, **selection.values},
        ).all()
    assert found == [one.id]


def test_a_source_is_the_one_of_visits_whatever_its_case() -> None:
    touch = read({"fact": "touch", "which": "first", "source": "Google", "medium": "CPC", "campaign": "Roma"})
    assert touch.model_dump(exclude={"fact", "which"}) == {
        "source": "google", "medium": "cpc", "campaign": "Roma",
    }  # fmt: skip
