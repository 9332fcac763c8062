"""Audiences by form: made, previewed, changed, connected, paused, deleted; and the form without scripts."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from calltrack.audiences.conditions import READY, read
from calltrack.audiences.model import Audience, Place
from calltrack.dashboard.condition_form import Drawn, Row, condition_of, drawn
from calltrack.kernel.errors import BadInput
from tests.accounts.people import make_user
from tests.audiences.world import World, named
from tests.dashboard.browser import Browser, make_app


@pytest.fixture(scope="module")
def app(services: Any) -> Flask:
    return make_app(services)


@pytest.fixture
def owner(app: Flask, world: World) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(world.services, world.company))
    return browser


def customers(world: World) -> list[Any]:
    people = [world.crowd.person(), world.crowd.person(consent="denied"), world.crowd.person(consent=None)]
    for one in people:
        world.crowd.convert(one, world.crowd.call(one, world.now()), "purchase", world.now(), value=85_000)
    world.crowd.store()
    return people


def test_an_audience_is_previewed_saved_connected_and_deleted_by_form(owner: Browser, world: World) -> None:
    people, google = customers(world), world.google()
    at = f"/app/{world.company.id.hex}/audiences"
    assert "Lead, no purchase within 30 days" in owner.get(at).text
    form = {"name": "Buyers", "join": "all", "rows": "2", "what-0": "bought", "days-0": "90",
            "what-1": "value", "amount-1": "800"}  # fmt: skip
    shown = owner.post(f"{at}/new", do="preview", **form).text
    assert "Would hold 1 person today" in shown
    assert "2 left out: 1 without a known consent, 1 refused." in shown
    assert "People who bought in the last 90 days and bought for 800.00 EUR or more." in shown
    assert owner.post(f"{at}/new", do="save", **form).status_code == 303
    world.keep()
    page = owner.get(at).text
    assert "Buyers" in page
    assert "2 left out" in page
    (audience,) = [row.id for row in world.all(select(Audience))]
    one = f"{at}/{audience.hex}"
    owner.post(f"{one}/lists", destination=google.hex, list_id="777001")
    (place,) = [row.id for row in world.all(select(Place))]
    world.settle(place)
    page = owner.get(one).text
    assert "61 to 70 %" in page
    assert "from 100 matched members" in page
    assert "Consent refused" in page
    assert world.at_twin() == {named(people[0].phone)}
    again = owner.get(f"{one}/edit").text
    assert 'value="90"' in again
    assert 'value="800.00"' in again
    owner.post(f"{one}/status", do="delete")
    assert world.row(audience).status == "active", "without the yes nothing is deleted"
    owner.post(f"{one}/status", do="delete", sure="yes")
    world.settle(place)
    assert world.at_twin() == set()
    assert owner.get(one).status_code == 404


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"what-0": ""}, "Choose what must be true"),
        ({"what-0": "lead", "days-0": "many"}, "whole number"),
        ({"what-0": "lead", "days-0": "0"}, "greater than or equal to 1"),
        ({"what-0": "value", "amount-0": "x"}, "not an amount"),
        ({"what-0": "touch_first"}, "name a source, a medium or a campaign"),
        ({"what-0": "location"}, "Choose the location"),
        ({"what-0": "fax"}, "Choose one of the facts"),
        ({"what-0": "lead", "name": ""}, "A name has"),
        ({"json": "{"}, "not JSON"),
        ({"json": '{"fact": "fax"}'}, "The condition cannot be read"),
    ],
)
def test_a_wrong_form_is_explained_and_stores_nothing(
    owner: Browser, world: World, form: dict[str, str], says: str
) -> None:
    at = f"/app/{world.company.id.hex}/audiences/new"
    answer = owner.post(at, **({"name": "A", "rows": "1", "do": "save"} | form))
    assert answer.status_code == 400
    assert says in answer.text
    assert world.all(select(Audience)) == []


def test_a_row_more_keeps_what_was_typed(owner: Browser, world: World) -> None:
    at = f"/app/{world.company.id.hex}/audiences/new"
    page = owner.post(at, **{"name": "Mine", "rows": "1", "what-0": "lead", "days-0": "7", "do": "more"}).text
    assert 'value="Mine"' in page
    assert 'value="7"' in page
    assert 'name="what-2"' in page


@pytest.mark.parametrize(
    "condition",
    [
        *(given for _, given in READY.values()),
        {
            "any": [
                {"not": {"fact": "lead", "within_days": 7}},
                {"fact": "touch", "which": "last", "source": "bing"},
            ]
        },
        {"all": [{"fact": "value", "at_least_minor": 85_050, "currency": "EUR"}]},
        {"any": [{"all": [{"fact": "lead"}, {"fact": "bought"}]}, {"fact": "bought"}]},
        {"not": {"any": [{"fact": "lead"}]}},
    ],
)
def test_what_the_form_draws_it_reads_again(condition: dict[str, Any]) -> None:
    assert read(condition_of(drawn(condition), "EUR")) == read(condition)


def test_the_form_without_any_row_says_what_is_missing() -> None:
    with pytest.raises(BadInput, match="Choose what must be true"):
        condition_of(Drawn("all", (Row(),)), "EUR")
