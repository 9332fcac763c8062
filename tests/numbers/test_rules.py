"""The pure rules of provisioning: health, caps, papers, orphans, rest, signs of print, rents."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import Money
from calltrack.numbers.caps import Caps, Holding, refusal
from calltrack.numbers.health import Wanted, findings, health_of, repair
from calltrack.numbers.market import search_of
from calltrack.numbers.orphans import orphans
from calltrack.numbers.papers import Papers, missing
from calltrack.numbers.print_hints import LONG_AFTER, Rang, evidence
from calltrack.numbers.rents import minor_of, rent_of
from calltrack.numbers.resting import Past, needs_rest, rests_until
from calltrack.numbers.use import Use, use_of
from calltrack.telephony.carrier import (
    Bundle,
    CarrierAddress,
    NumberChange,
    NumberPrice,
    OwnedNumber,
    Regulation,
)
from tests.builders import NOON

VOICE = "https://calls.example.com/voice/7"
ACCOUNT, APP = "AC1", "AP1"
OWN = Wanted(
    e164="+14152360001",
    account_sid=ACCOUNT,
    hooks="own",
    voice_url=VOICE,
    voice_fallback_url=f"{VOICE}/fallback",
    status_callback=f"{VOICE}/status",
    sms_url=f"{VOICE}/sms",
)
APPLIED = replace(OWN, hooks="application", application_sid=APP)
AS_OWN: dict[str, Any] = {
    "sid": "PN1",
    "e164": OWN.e164,
    "voice_url": OWN.voice_url,
    "voice_fallback_url": OWN.voice_fallback_url,
    "status_callback": OWN.status_callback,
}
AS_APPLIED: dict[str, Any] = {"sid": "PN1", "e164": OWN.e164, "application_sid": APP}


@pytest.mark.parametrize(
    ("changes", "codes", "health"),
    [
        ({}, [], "well"),
        ({"voice_url": f"{VOICE}#rc=2&rp=ct,5xx"}, [], "well"),
        ({"voice_url": None}, ["voice"], "unfit"),
        ({"voice_url": "https://demo.twilio.com/welcome/voice/"}, ["voice"], "unfit"),
        ({"voice_url": f"{VOICE}8"}, ["voice"], "unfit"),
        ({"voice_fallback_url": None}, ["fallback"], "flawed"),
        ({"voice_fallback_url": "https://calls.example.com/voice/8/fallback"}, ["fallback"], "flawed"),
        ({"voice_fallback_url": "https://handler.twilio.com/twiml/EH1"}, [], "well"),
        ({"status_callback": None}, ["status"], "flawed"),
        ({"status_callback": "https://other.example.com/s"}, ["status"], "flawed"),
        ({"application_sid": "AP9", "voice_url": None}, ["application"], "unfit"),
        ({"trunk_sid": "TK1"}, ["trunk"], "unfit"),
        ({"voice": False}, ["capability"], "unfit"),
        ({"sms": True}, ["sms"], "flawed"),
        ({"sms": True, "sms_url": "https://demo.twilio.com/welcome/sms/reply/"}, ["sms"], "flawed"),
        ({"sms": True, "sms_url": "https://desk.example.com/texts"}, [], "well"),
        ({"sms": True, "sms_application_sid": "AP9"}, [], "well"),
        ({"sms": True, "sms_url": f"{VOICE}/sms"}, [], "well"),
        (
            {"trunk_sid": "TK1", "voice": False, "status_callback": None},
            ["capability", "trunk", "status"],
            "unfit",
        ),
        ({"sid": "PN2", "name": "renamed", "sms_url": "https://x.example.com"}, [], "well"),
    ],
)
def test_a_number_with_its_own_addresses(changes: dict[str, Any], codes: list[str], health: str) -> None:
    found = findings(OWN, OwnedNumber(**(AS_OWN | changes)), account_sid=ACCOUNT)
    assert [one.code for one in found] == codes
    assert health_of(found) == health
    assert all(one.words.endswith(".") for one in found)


@pytest.mark.parametrize(
    ("owned", "codes", "health"),
    [
        (AS_APPLIED, [], "well"),
        (AS_APPLIED | {"application_sid": "AP9"}, ["application"], "unfit"),
        (AS_APPLIED | {"application_sid": None}, ["application"], "unfit"),
        (AS_OWN, ["application"], "flawed"),
        (AS_OWN | {"voice_url": "https://elsewhere.example.com/"}, ["application"], "unfit"),
        (AS_APPLIED | {"trunk_sid": "TK1"}, ["trunk"], "unfit"),
    ],
)
def test_a_number_that_follows_the_application(owned: dict[str, Any], codes: list[str], health: str) -> None:
    found = findings(APPLIED, OwnedNumber(**owned), account_sid=ACCOUNT)
    assert ([one.code for one in found], health_of(found)) == (codes, health)


def test_a_number_that_is_gone_and_one_of_another_account() -> None:
    (gone,) = findings(OWN, None, account_sid=ACCOUNT)
    (moved,) = findings(OWN, None, account_sid="AC2")
    assert (gone.code, gone.repairable, moved.code) == ("missing", False, "account")
    assert "AC2" in moved.words
    assert repair(OWN, (gone,)) is None


texts = st.one_of(st.none(), st.sampled_from([VOICE, "https://x.example.com/a", f"{VOICE}/fallback"]))


@given(
    wanted=st.sampled_from([OWN, APPLIED]),
    application=st.sampled_from([None, APP, "AP9"]),
    voice=texts,
    fallback=texts,
    status=texts,
    trunk=st.sampled_from([None, "TK1"]),
    texts_to=st.sampled_from([None, "https://demo.twilio.com/x", "https://desk.example.com/"]),
)
def test_what_can_be_repaired_is_well_after_the_repair(
    wanted: Wanted,
    application: str | None,
    voice: str | None,
    fallback: str | None,
    status: str | None,
    trunk: str | None,
    texts_to: str | None,
) -> None:
    owned = OwnedNumber(
        sid="PN1",
        e164=OWN.e164,
        application_sid=application,
        voice_url=None if application else voice,
        voice_fallback_url=fallback,
        status_callback=status,
        trunk_sid=trunk,
        sms=True,
        sms_url=texts_to,
    )
    change = repair(wanted, findings(wanted, owned, account_sid=ACCOUNT))
    assert (change is None) == (findings(wanted, owned, account_sid=ACCOUNT) == ())
    if change is not None:
        owned = carried_out(owned, change)
    assert findings(wanted, owned, account_sid=ACCOUNT) == ()


def carried_out(owned: OwnedNumber, change: NumberChange) -> OwnedNumber:
    """Do what the carrier does with a change: one of application and own address clears the other."""
    if change.application_sid:
        owned = replace(owned, application_sid=change.application_sid, voice_url=None)
    if change.voice_url:
        owned = replace(owned, voice_url=change.voice_url, application_sid=None)
    if change.sms_application_sid:
        owned = replace(owned, sms_application_sid=change.sms_application_sid, sms_url=None)
    if change.sms_url:
        owned = replace(owned, sms_url=change.sms_url, sms_application_sid=None)
    if change.voice_fallback_url is not None:
        owned = replace(owned, voice_fallback_url=change.voice_fallback_url or None)
    if change.status_callback is not None:
        owned = replace(owned, status_callback=change.status_callback or None)
    return owned if change.trunk_sid is None else replace(owned, trunk_sid=change.trunk_sid or None)


USD = Money(115, "USD")


@pytest.mark.parametrize(
    ("held", "more", "said"),
    [
        ([USD] * 3, [USD], None),
        ([USD] * 4, [USD], None),
        ([USD] * 5, [USD], "6 numbers; its limit is 5"),
        ([USD] * 3, [USD] * 3, "6 numbers; its limit is 5"),
        ([Money(900, "USD")], [Money(100, "USD")], None),
        ([Money(900, "USD")], [Money(101, "USD")], "10.01 USD a month; the limit is 10 USD"),
        ([None, None], [Money(333, "USD")], None),
        ([None, None], [Money(334, "USD")], "10.02 USD"),
        ([Money(5000, "USD")], [], None),
    ],
)
def test_the_caps(held: list[Money | None], more: list[Money], said: str | None) -> None:
    words = refusal(Caps(5, 10), Holding(tuple(held)), more)
    assert (words is None) if said is None else (words is not None and said in words)


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 5000)), max_size=8),
    st.lists(st.integers(0, 5000), min_size=1, max_size=4),
)
def test_what_the_caps_let_pass_stays_below_them(held: list[int | None], more: list[int]) -> None:
    holding = Holding(tuple(None if one is None else Money(one, "USD") for one in held))
    if refusal(Caps(6, 50), holding, [Money(one, "USD") for one in more]) is None:
        assert len(held) + len(more) <= 6
        assert sum(one or 0 for one in held) + sum(more) <= 5000


REGULATION = Regulation(
    sid="RN1", name="IT: local - business", country="IT", type="local", end_user="business",
    needs=("Excerpt from the register", "Address in the area"),
)  # fmt: skip
ROME = CarrierAddress(sid="AD1", name="Office", street="Via 1", city="Roma", postal_code="1", country="IT")
BERLIN = replace(ROME, sid="AD2", city="Berlin", country="DE")
GOOD = Bundle(sid="BU1", name="IT local", status="twilio-approved")
DRAFT = Bundle(sid="BU2", name="IT draft", status="draft")


def papers(
    regulations: tuple[Regulation, ...] = (),
    addresses: tuple[CarrierAddress, ...] = (),
    bundles: tuple[Bundle, ...] = (),
) -> Papers:
    return Papers("IT", "local", regulations, addresses, bundles)


@pytest.mark.parametrize(
    ("given_", "needed", "address", "bundle", "said"),
    [
        (papers(), "none", None, None, []),
        (papers((REGULATION,)), "none", None, None, ["Excerpt from the register; Address in the area"]),
        (papers((REGULATION,), bundles=(DRAFT,)), "none", None, None, ["IT draft is draft"]),
        (papers((REGULATION,), bundles=(GOOD,)), "none", None, None, ["choose an approved bundle"]),
        (papers((REGULATION,), bundles=(GOOD,)), "none", None, "BU1", []),
        (papers((REGULATION,), bundles=(GOOD, DRAFT)), "none", None, "BU2", ["only an approved one"]),
        (papers((REGULATION,), bundles=(GOOD,)), "none", None, "BU9", ["no bundle BU9"]),
        (papers(), "none", None, "BU9", ["leave it out"]),
        (papers(), "any", None, None, ["add one first"]),
        (papers(addresses=(BERLIN,)), "any", "AD2", None, []),
        (papers(addresses=(BERLIN,)), "local", None, None, ["none that fits"]),
        (papers(addresses=(BERLIN,)), "local", "AD2", None, ["does not fit"]),
        (papers(addresses=(ROME, BERLIN)), "local", "AD1", None, []),
        (papers(addresses=(ROME,)), "foreign", "AD1", None, ["does not fit"]),
        (papers(addresses=(ROME,)), "none", "AD9", None, ["no address AD9"]),
        (papers((REGULATION,)), "local", None, None, ["has none. Hand one in", "none that fits"]),
    ],
)
def test_which_papers_are_missing(
    given_: Papers, needed: Any, address: str | None, bundle: str | None, said: list[str]
) -> None:
    found = missing(given_, needed, address, bundle)
    assert len(found) == len(said)
    for sentence, part in zip(found, said, strict=True):
        assert part in sentence


def test_orphans_are_ours_or_were_ours_and_nobody_elses() -> None:
    base = "https://calls.example.com"

    def owned(end: int, **more: Any) -> OwnedNumber:
        return OwnedNumber(sid=f"PN{end}", e164=f"+1415236000{end}", **more)

    account = [
        owned(1, voice_url=f"{base}/voice/1"),
        owned(2, voice_url=f"{base}/voice/2"),
        owned(3, application_sid=APP),
        owned(4),
        owned(5, voice_url="https://calls.example.com.evil.example/voice/1"),
        owned(6, application_sid="AP9"),
        owned(7, voice_url="https://elsewhere.example.com"),
    ]
    in_use, released = {"+14152360001"}, {"+14152360004", "+14152360009"}
    found = orphans(account, in_use, released, base_url=base, application_sid=APP)
    assert [(one.sid, one.reason) for one in found] == [("PN2", "ours"), ("PN3", "ours"), ("PN4", "released")]
    assert all(one.words for one in found)
    assert orphans(account[5:6], set(), set(), base_url=base, application_sid=None) == []


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        (Past(), None),
        (Past(last_shown_at=NOON), NOON + 30 * DAY),
        (Past(last_shown_at=NOON - DAY, last_call_at=NOON), NOON + 30 * DAY),
        (Past(last_call_at=NOON - 40 * DAY), NOON - 10 * DAY),
        (Past(last_shown_at=NOON - 9 * DAY, left_print_at=NOON), NOON + 30 * DAY),
    ],
)
def test_how_long_a_number_rests(past: Past, expected: datetime | None) -> None:
    assert rests_until(past, 30) == expected


@pytest.mark.parametrize(
    ("static", "away", "same", "expected"),
    [
        (False, False, True, False),
        (True, False, True, True),
        (False, True, True, True),
        (False, False, False, True),
    ],
)
def test_which_changes_need_a_rest(static: bool, away: bool, same: bool, expected: bool) -> None:
    assert needs_rest(was_static=static, was_away=away, same_location=same) is expected


def rang(caller: bytes | None, days_after: float | None) -> Rang:
    return Rang(NOON, caller, None if days_after is None else NOON - days_after * DAY)


@pytest.mark.parametrize(
    ("calls", "strength", "count"),
    [
        ([], "none", 0),
        ([rang(b"a", 0.1), rang(b"b", 6.9)], "none", 0),
        ([rang(b"a", 7.1)], "hint", 1),
        ([rang(b"a", 8), rang(b"a", 20)], "hint", 2),
        ([rang(b"a", 8), rang(b"b", 20)], "likely", 2),
        ([rang(b"a", None), rang(None, None)], "likely", 2),
        ([rang(None, None), rang(None, 9)], "hint", 2),
        ([rang(b"a", 0.2), rang(b"b", 9)], "hint", 1),
    ],
)
def test_signs_that_a_number_is_printed(calls: list[Rang], strength: str, count: int) -> None:
    found = evidence(calls)
    assert (found.strength, len(found.calls)) == (strength, count)
    assert found.words.endswith(".")


@given(
    st.lists(st.tuples(st.sampled_from([None, b"a", b"b", b"c"]), st.one_of(st.none(), st.floats(-1, 60))))
)
def test_only_late_calls_are_evidence_and_one_more_never_weakens_it(
    calls: list[tuple[bytes | None, float | None]],
) -> None:
    order = ["none", "hint", "likely"]
    all_ = [rang(*one) for one in calls]
    found = evidence(all_)
    assert all(one.shown_until is None or one.at - one.shown_until > LONG_AFTER for one in found.calls)
    for cut in range(len(all_)):
        assert order.index(evidence(all_[:cut]).strength) <= order.index(found.strength)


def test_rents_are_rounded_up_in_minor_units() -> None:
    prices = [NumberPrice(country="US", type="local", monthly=Decimal("1.151"), currency="USD")]
    assert rent_of(prices, "local") == Money(116, "USD")
    assert rent_of(prices, "mobile") is None
    assert minor_of(Decimal("100.1"), "JPY") == Money(101, "JPY")


@pytest.mark.parametrize(
    ("country", "type_", "more"),
    [
        ("XX", "local", {}),
        ("IT", "fax", {}),
        ("IT", "local", {"contains": "1"}),
        ("IT", "local", {"contains": "1*2"}),
        ("IT", "local", {"area_code": "415"}),
        ("US", "local", {"area_code": "41"}),
    ],
)
def test_a_search_no_carrier_understands(country: str, type_: str, more: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        search_of(country, type_, **more)


def test_a_search_is_read_as_people_type_it() -> None:
    search = search_of(" us ", "local", contains="55-12*", locality="  San   Francisco ", area_code="415")
    assert (search.country, search.contains, search.locality, search.area_code) == (
        "US", "5512*", "San Francisco", "415",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["pool", "overflow", "static", "x"])
def test_a_use_needs_what_its_kind_needs(kind: str) -> None:
    with pytest.raises(BadInput):
        use_of(kind, None, None, "billboard", "", "")


def test_a_use_survives_its_storage() -> None:
    use = use_of("static", None, UUID(int=7), " a  b ", "m", "")
    assert (use.source, use.pool_id) == ("a b", None)
    assert Use.from_json(use.as_json()) == use
