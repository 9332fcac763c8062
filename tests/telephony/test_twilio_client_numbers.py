"""Numbers through Twilio's own client, over sockets, against the carrier's twin."""

from __future__ import annotations

from decimal import Decimal

import pytest

from calltrack.telephony.carrier import (
    ApplicationHooks,
    NotFound,
    NumberChange,
    NumberOrder,
    NumberSearch,
    Refused,
    Retry,
)
from tests.sandbox.carrier.hooks import Hooks
from tests.sandbox.carrier_rest.serving import OTHER_ACCOUNT, OTHER_TOKEN, World, carrier_world

US = NumberSearch(country="US", area_code="415")
HOOKS = ApplicationHooks(
    voice_url="https://calls.example.com/voice/7",
    voice_fallback_url="https://other.example.com/voice/7",
    status_callback="https://calls.example.com/voice/7/status",
    sms_url="https://calls.example.com/sms/7",
)


def a_number(world: World, **more: str) -> NumberOrder:
    found = world.carrier.search_numbers(US)[0]
    return NumberOrder(e164=found.e164, name="calltrack 7", **more)


def test_a_number_is_found_bought_changed_and_given_back(world: World) -> None:
    carrier = world.carrier
    application = carrier.ensure_application("calltrack company 7", HOOKS)
    found = carrier.search_numbers(US)
    assert len(found) == 20
    assert all(one.e164.startswith("+1415") and one.country == "US" and one.sms for one in found)
    bought = carrier.buy_number(
        NumberOrder(e164=found[3].e164, name="calltrack 7", application_sid=application.sid)
    )
    assert (bought.e164, bought.name, bought.application_sid) == (
        found[3].e164,
        "calltrack 7",
        application.sid,
    )
    assert bought.voice_url is None
    assert bought.type == "local"
    assert bought.bought_at is not None
    assert carrier.number_by_e164(bought.e164) == bought
    assert carrier.number_by_e164(bought.e164[:-1]) is None, "a part of a number is another number"
    assert found[3].e164 not in {one.e164 for one in carrier.search_numbers(US)}

    url = "https://calls.example.com/voice/own"
    changed = carrier.update_number(bought.sid, NumberChange(name="Billboard", voice_url=url))
    assert (changed.name, changed.voice_url, changed.application_sid) == ("Billboard", url, None)
    assert carrier.update_number(bought.sid, NumberChange(voice_url="")).voice_url is None

    carrier.release_number(bought.sid)
    assert carrier.number_by_e164(bought.e164) is None
    with pytest.raises(NotFound) as again:
        carrier.release_number(bought.sid)
    assert again.value.code == 20404


def test_a_number_is_sold_once(world: World) -> None:
    order = a_number(world)
    world.carrier.buy_number(order)
    with pytest.raises(Refused, match="choose another one") as refused:
        world.open(OTHER_ACCOUNT, OTHER_TOKEN).buy_number(order)
    assert refused.value.code == 21422
    with pytest.raises(Refused) as invented:
        world.carrier.buy_number(NumberOrder(e164="12", name="x"))
    assert invented.value.code == 21421


def test_a_lost_answer_is_recovered_by_asking_for_the_number() -> None:
    with carrier_world(timeout=(1.0, 0.5)) as world:
        order = a_number(world)
        world.fault("numbers", "timeout-after-processing:2")
        with pytest.raises(Retry) as lost:
            world.carrier.buy_number(order)
        assert lost.value.maybe_done
        mine = world.carrier.number_by_e164(order.e164)
        assert mine is not None
        assert mine.name == "calltrack 7"
        assert len(list(world.carrier.list_numbers())) == 1


@pytest.mark.parametrize("step", ["drop-after-processing", "503", "garbage"])
def test_whatever_hides_the_answer_it_may_have_been_done(world: World, step: str) -> None:
    order = a_number(world)
    world.fault("numbers", step)
    with pytest.raises(Retry) as lost:
        world.carrier.buy_number(order)
    assert lost.value.maybe_done
    assert "before anything is repeated" in lost.value.words
    bought = world.carrier.number_by_e164(order.e164) is not None
    assert bought == (step == "drop-after-processing")


def test_a_read_that_fails_has_done_nothing(world: World) -> None:
    world.fault("numbers", "503", "garbage", "drop-connection")
    for _ in range(3):
        with pytest.raises(Retry) as unwell:
            list(world.carrier.list_numbers())
        assert not unwell.value.maybe_done


def test_too_many_requests_are_repeated_because_none_was_processed(world: World) -> None:
    order = a_number(world)
    world.fault("numbers", "429", "429:Retry-After=1", "429")
    assert world.carrier.buy_number(order).e164 == order.e164
    assert len(world.waits) == 3
    assert 0.09 <= world.waits[0] <= 0.11
    assert world.waits[1] >= 1
    assert 0.36 <= world.waits[2] <= 0.44
    assert len(list(world.carrier.list_numbers())) == 1


def test_it_gives_up_politely_after_five_tries_or_a_long_wait(world: World) -> None:
    world.fault("numbers", *["429"] * 5)
    with pytest.raises(Retry) as busy:
        list(world.carrier.list_numbers())
    assert (len(world.waits), busy.value.code, busy.value.maybe_done) == (4, 20429, False)
    world.fault("numbers", "429:Retry-After=60")
    with pytest.raises(Retry) as asked:
        list(world.carrier.list_numbers())
    assert asked.value.after_seconds == 60
    assert len(world.waits) == 4


def test_many_numbers_come_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calltrack.telephony.twilio_numbers.PAGE", 3)
    bought = [
        world.carrier.buy_number(NumberOrder(e164=one.e164, name=f"number {index}")).e164
        for index, one in enumerate(world.carrier.search_numbers(US)[:8])
    ]
    listed = [one.e164 for one in world.carrier.list_numbers()]
    assert sorted(listed) == sorted(bought)
    pages = world.carrier.list_numbers()
    first = next(pages)
    world.carrier.release_number(first.sid)
    rest = [one.e164 for one in pages]
    assert len(rest) == len(set(rest)) == 7, "what goes meanwhile neither hides nor repeats a number"


def test_the_law_is_told_in_words(world: World) -> None:
    carrier = world.carrier
    rome = carrier.search_numbers(NumberSearch(country="IT", locality="Roma"))[0]
    assert rome.address_needed == "local"
    milan = carrier.search_numbers(NumberSearch(country="IT", locality="Milano"))[0]
    address = next(carrier.addresses())
    approved = next(one for one in carrier.bundles("IT", "local") if one.is_approved)
    waiting = next(carrier.bundles("DE"))
    assert not waiting.is_approved

    def refused(
        e164: str, address_sid: str | None = None, bundle_sid: str | None = None
    ) -> tuple[int | None, str]:
        with pytest.raises(Refused) as no:
            carrier.buy_number(
                NumberOrder(e164=e164, name="x", address_sid=address_sid, bundle_sid=bundle_sid)
            )
        return no.value.code, no.value.words

    code, words = refused(rome.e164)
    assert code == 21631
    assert "Addresses" in words
    code, words = refused(rome.e164, address.sid)
    assert code == 21649
    assert "Bundles" in words
    assert "approved" in words
    code, words = refused(rome.e164, address.sid, waiting.sid)
    assert code == 21650
    assert "does not satisfy" in words
    code, words = refused(milan.e164, address.sid, approved.sid)
    assert code == 21651
    assert "area" in words
    bought = carrier.buy_number(
        NumberOrder(e164=rome.e164, name="x", address_sid=address.sid, bundle_sid=approved.sid)
    )
    assert (bought.address_sid, bought.bundle_sid) == (address.sid, approved.sid)


def test_what_the_law_asks_can_be_read_before_buying(world: World) -> None:
    rules = world.carrier.regulations("DE", "local")
    assert {one.end_user for one in rules} == {"business", "individual"}
    assert any("Address in the area of the prefix: Utility bill" in one.needs for one in rules)
    assert world.carrier.regulations("US", "local") == []
    assert world.carrier.prices("US")[0].monthly == Decimal("1.15")
    assert {one.type: one.monthly for one in world.carrier.prices("IT")} == {
        "local": Decimal("2.25"),
        "mobile": Decimal("4.50"),
        "toll_free": Decimal("25.00"),
    }
    with pytest.raises(NotFound):
        world.carrier.prices("ZZ")


@pytest.mark.parametrize(
    ("search", "fits"),
    [
        (NumberSearch(country="US", type="toll_free"), lambda e164: e164.startswith("+1833")),
        (NumberSearch(country="US", region="NY"), lambda e164: e164.startswith("+1212")),
        (NumberSearch(country="IT", type="mobile", sms=True), lambda e164: e164.startswith("+39350")),
        (NumberSearch(country="US", contains="23*", most=5), lambda e164: "23" in e164),
        (NumberSearch(country="IT", type="local", sms=True), lambda e164: False),
    ],
)
def test_searches_filter(world: World, search: NumberSearch, fits: object) -> None:
    found = world.carrier.search_numbers(search)
    assert len(found) <= search.most
    assert all(fits(one.e164) for one in found)  # type: ignore[operator]  # a function of the table
    assert bool(found) == (search.sms is False or search.type != "local")


def test_a_country_without_such_numbers_is_not_there(world: World) -> None:
    with pytest.raises(NotFound):
        world.carrier.search_numbers(NumberSearch(country="US", type="mobile"))
    with pytest.raises(Refused, match="AreaCode"):
        world.carrier.search_numbers(NumberSearch(country="IT", area_code="06"))


def test_one_application_serves_a_company_and_is_corrected(world: World) -> None:
    carrier = world.carrier
    first = carrier.ensure_application("calltrack 7", HOOKS)
    assert first.hooks == HOOKS
    assert carrier.ensure_application("calltrack 7", HOOKS) == first
    moved = ApplicationHooks(voice_url="https://new.example.com/voice/7")
    second = carrier.ensure_application("calltrack 7", moved)
    assert (second.sid, second.hooks) == (first.sid, moved)
    assert carrier.ensure_application("calltrack 8", HOOKS).sid != first.sid


def test_numbers_the_account_already_had_are_imported(answering: Hooks) -> None:
    with carrier_world(directory=[answering.number(label="Roma")]) as world:
        [mine] = list(world.carrier.list_numbers())
        assert (mine.e164, mine.voice_url) == (answering.number().e164, answering.number().voice_url)
        assert list(world.open(OTHER_ACCOUNT, OTHER_TOKEN).list_numbers()) == []
        with pytest.raises(NotFound):
            world.open(OTHER_ACCOUNT, OTHER_TOKEN).release_number(mine.sid)
        world.carrier.release_number(mine.sid)
        assert list(world.carrier.list_numbers()) == [], "what was given back does not come again"


def test_wrong_credentials_say_where_to_mend_them(world: World) -> None:
    with pytest.raises(Refused, match="page Carrier") as refused:
        world.open(token="the-wrong-token-entirely").check()
    assert refused.value.code == 20003
    with pytest.raises(Refused):
        list(world.open(token="the-wrong-token-entirely").list_numbers())
    assert world.carrier.check() == "Sandbox carrier (active)"


def test_hooks_nobody_can_ask_are_refused(world: World) -> None:
    bought = world.carrier.buy_number(a_number(world))
    with pytest.raises(Refused, match="PUBLIC_BASE_URL") as refused:
        world.carrier.update_number(bought.sid, NumberChange(voice_url="calls.example.com/voice"))
    assert refused.value.code == 21402
    with pytest.raises(Refused, match="fallback address") as lone:
        world.carrier.update_number(
            bought.sid, NumberChange(voice_fallback_url="https://calls.example.com/f")
        )
    assert lone.value.code == 21405


def test_records_outlive_the_sandbox(tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "carrier.jsonl"
    with carrier_world(file=file) as world:
        bought = world.carrier.buy_number(a_number(world))
    with file.open("a") as broken:
        broken.write('["number", "PN')
    with carrier_world(file=file) as world:
        assert world.carrier.number_by_e164(bought.e164) == bought
