"""The pages of numbers, by form: what is typed wrong, what is refused, what an unwell carrier says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest

from calltrack.kernel.phone import pretty
from calltrack.numbers.buying import buy_due
from calltrack.numbers.surveying import survey
from calltrack.telephony.carrier import NumberChange, NumberOrder
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.dashboard.browser import Browser, make_app
from tests.dashboard.company_without import newcomer
from tests.numbers.provider import Provider, provided


@pytest.fixture
def provider(services: Services) -> Iterator[Provider]:
    with provided(services) as one:
        yield one


@pytest.fixture
def manager(provider: Provider) -> Browser:
    browser = Browser(make_app(provider.services))
    browser.enter(make_user(provider.services, provider.company, "manager"))
    return browser


def at(provider: Provider, rest: str = "") -> str:
    return f"/app/{provider.company.id.hex}/numbers{rest}"


def pool(provider: Provider) -> str:
    return f"pool:{provider.company.pool_id.hex}"


def test_a_search_tells_price_and_law(provider: Provider, manager: Browser) -> None:
    page = manager.get(at(provider, "/find?country=DE&type=local&locality=Berlin")).text
    assert "1.15" in page
    assert "Proof of business" in page
    assert "not approved yet" in page
    assert "Nothing for sale" in manager.get(at(provider, "/find?country=US&type=mobile")).text
    assert "is not a country" in manager.get(at(provider, "/find?country=QQ")).text
    provider.world.fault("search", "503")
    assert "Before you buy" not in manager.get(at(provider, "/find?country=US")).text


def test_a_search_for_a_pool_begins_with_what_it_prefers(provider: Provider, manager: Browser) -> None:
    mine = provider.offers()[7]
    change = {
        "name": "Sito",
        "lease_seconds": "75",
        "cooldown_seconds": "0",
        "near": f"+1 212, +39 02, {mine}",
    }
    assert manager.post(at(provider, f"/pools/{provider.company.pool_id.hex}"), **change).status_code == 303
    page = manager.get(at(provider, f"/find?use={pool(provider)}")).text
    assert 'name="country" value="US"' in page
    assert 'name="area_code" value="212"' in page
    assert "Before you buy" not in page, "nothing is searched before somebody asks"
    links = [unescape(one) for one in re.findall(r'href="([^"]*/find\?[^"]*)"', page)]
    assert ["area_code=212" in links[0], "contains=3902" in links[1]] == [True, True]
    assert "+39 02 87" in manager.get(links[1]).text
    found = manager.get(at(provider, f"/find?country=US&use={pool(provider)}")).text
    told = re.findall(r'name="e164" value="([+0-9]+)".*?(?:accent)?">(near|far)</span>', found)
    assert told[0] == (mine, "near")
    assert [side for _, side in told[1:]] == ["far"] * 19
    assert ">near<" not in manager.get(at(provider, "/find?country=US")).text


def test_an_order_keeps_what_was_typed_and_says_what_is_wrong(provider: Provider, manager: Browser) -> None:
    e164 = provider.offers()[0]
    form = {"country": "US", "type": "local", "e164": e164, "use": pool(provider), "area_code": "415"}
    path = at(provider, "/find")
    assert "Choose what the number is for" in manager.post(path, **(form | {"use": ""})).text
    assert (
        "Choose between one and 10"
        in manager.post(path, **{k: v for k, v in form.items() if k != "e164"}).text
    )
    assert "is not for sale" in manager.post(path, **(form | {"e164": "+14155550000"})).text
    provider.limit(most_numbers=1)
    refused = manager.post(path, **form)
    assert refused.status_code == 400
    assert "its limit is 1" in refused.text
    assert 'value="415"' in refused.text
    provider.limit()
    provider.world.fault("search", "503")
    away = manager.post(path, **form)
    assert away.status_code == 503
    assert "Nothing was ordered" in away.text
    assert f'value="{e164}" checked' in away.text, "what was chosen stays chosen"
    assert manager.post(path, **form).location == at(provider, "/orders")
    waiting = manager.get(at(provider, "/orders")).text
    assert "being bought" in waiting
    assert 'http-equiv="refresh"' in waiting
    assert "1 order under way" in manager.get(at(provider)).text
    buy_due(provider.services, provider.company.id)
    done = manager.get(at(provider, "/orders")).text
    assert "in service" in done
    assert 'http-equiv="refresh"' not in done
    assert "$ 1.15" in manager.get(at(provider)).text.replace("\u00a0", " ").replace("\u202f", " ")


def test_several_numbers_are_ordered_together_or_not_at_all(provider: Provider, manager: Browser) -> None:
    first, second = provider.offers()[:2]
    form = {"country": "US", "type": "local", "use": pool(provider)}
    provider.limit(most_numbers=5)
    path = at(provider, "/find")
    both: dict[str, object] = {**form, "e164": [first, second]}
    assert manager.post(path, **both).status_code == 400  # type: ignore[arg-type]  # a list is sent as two fields
    assert "No order yet" in manager.get(at(provider, "/orders")).text
    provider.limit()
    assert manager.post(path, **both).status_code == 303  # type: ignore[arg-type]  # the same
    assert buy_due(provider.services, provider.company.id) == 2
    assert {provider.number(first).kind, provider.number(second).kind} == {"pool"}


def test_numbers_of_the_account_are_taken_in(provider: Provider, manager: Browser) -> None:
    e164 = provider.offers()[0]
    path = at(provider, "/import")
    assert "Nothing to take in" in manager.get(path).text
    provider.world.carrier.buy_number(
        NumberOrder(e164=e164, name="<b>shop</b>", voice_url="https://old.example.com/voice")
    )
    page = manager.get(path).text
    assert pretty(e164) in page
    assert "calls go to https://old.example.com/voice" in page
    assert "<b>shop" not in page
    assert "at least one" in manager.post(path, use=pool(provider)).text
    provider.world.fault("numbers", "503")
    assert manager.post(path, use=pool(provider), e164=e164).location == path
    assert manager.post(path, use=pool(provider), e164=e164).location == at(provider)
    assert provider.number(e164).health == "well"
    provider.world.fault("numbers", "503")
    assert "Look again" in manager.get(path).text


def test_a_number_is_moved_mended_and_given_back(provider: Provider, manager: Browser) -> None:
    e164 = provider.offers()[0]
    number = provider.buy(e164, provider.static_use("flyer"))
    path = at(provider, f"/{number.id.hex}")
    assert (
        "Name the source"
        in manager.post(f"{path}/move", use=f"static:{provider.company.location_id.hex}", source=" ").text
    )
    provider.now += timedelta(hours=1)
    assert manager.post(f"{path}/move", use=pool(provider)).location == path
    moved = manager.get(path).text
    assert "Rests until" in moved
    assert "Flyer" in moved.split("What it was for before")[1]
    assert "resting" in manager.get(at(provider)).text
    owned = provider.at_carrier(e164)
    assert owned is not None
    provider.world.carrier.update_number(owned.sid, NumberChange(voice_url="https://x.example.com/"))
    provider.check()
    ill = manager.get(path).text
    assert "Visitors are not shown it until it is right" in ill
    assert ">Repair<" in ill
    provider.world.fault("numbers", "503")
    assert manager.post(f"{path}/repair").location == path
    assert "Nothing was changed" in manager.get(path).text
    assert manager.post(f"{path}/repair").location == path
    assert "is as it should be" in manager.get(path).text
    assert "Type the number itself" in manager.post(f"{path}/leave", days="1", confirm="yes").text
    assert manager.post(f"{path}/leave", days="x", confirm=e164).status_code == 400
    assert manager.post(f"{path}/leave", days="7", confirm=e164).location == at(provider)
    assert "given back soon" in manager.get(at(provider)).text
    assert manager.post(f"{path}/keep").location == path
    assert "Kept" in manager.get(path).text
    assert manager.post(f"{path}/keep").location == path
    assert "not about to be given back" in manager.get(path).text


def test_all_numbers_are_set_right_by_one_button(provider: Provider, manager: Browser) -> None:
    for e164 in provider.company.numbers[:2]:
        owned = provider.at_carrier(e164)
        assert owned is not None
        provider.world.carrier.update_number(owned.sid, NumberChange(voice_url="https://x.example.com/"))
    assert "Repair" not in manager.get(at(provider)).text
    provider.check()
    assert "Repair all 2" in manager.get(at(provider)).text
    provider.world.fault("numbers", "503")
    assert manager.post(at(provider, "/repair")).location == at(provider)
    assert "Nothing was changed at the carrier" in manager.get(at(provider)).text
    manager.post(at(provider, "/repair"))
    page = manager.get(at(provider)).text
    assert "2 numbers set right" in page
    assert "Repair all" not in page


def test_a_number_and_then_all_change_how_the_carrier_finds_us(provider: Provider, manager: Browser) -> None:
    path = at(provider, f"/{provider.company.number_ids[0].hex}")
    assert "addresses of its own" in manager.get(path).text
    assert manager.post(f"{path}/hooks", hooks="application").location == path
    assert "Give it addresses of its own" in manager.get(path).text
    assert "1 of 4 numbers follow" in manager.get(at(provider, "/setup")).text
    manager.post(at(provider, "/hooks"), hooks="application")
    assert "4 of 4 numbers follow" in manager.get(at(provider, "/setup")).text
    manager.post(at(provider, "/hooks"), hooks="application")
    assert "Nothing to change" in manager.get(at(provider, "/setup")).text
    assert manager.post(at(provider, "/hooks"), hooks="trunk").status_code == 400


def test_orphans_and_a_carrier_that_says_no_are_on_the_list(provider: Provider, manager: Browser) -> None:
    e164 = provider.offers()[0]
    base = provider.services.settings.base_url
    provider.world.carrier.buy_number(NumberOrder(e164=e164, name="x", voice_url=f"{base}/voice/{'0' * 32}"))
    survey(provider.services, provider.company.id)
    provider.world.fault("numbers", "401")
    provider.check()
    page = manager.get(at(provider)).text
    assert "answered by nobody" in page
    assert pretty(e164) in page
    assert "could not be looked at" in page
    assert "so nobody knows whether they ring" in page
    provider.now += timedelta(minutes=4)
    provider.check()
    assert "could not be looked at" not in manager.get(at(provider)).text


def test_a_newcomer_is_led_to_what_comes_first(services: Services, provider: Provider) -> None:
    owner = newcomer(services, make_app(services))
    for page in ("/numbers/find", "/numbers/import"):
        assert "A location first" in owner.browser.get(owner.path(page)).text
    form = {"name": "Roma", "forward_to": "06 6994 0001", "ring_seconds": "18"}
    assert owner.browser.post(owner.path("/settings/locations"), **form).status_code == 303
    for page in ("/numbers/find", "/numbers/import"):
        assert "The carrier first" in owner.browser.get(owner.path(page)).text
    assert "No order yet" in owner.browser.get(owner.path("/numbers/orders")).text
