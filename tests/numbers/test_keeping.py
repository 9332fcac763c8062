"""Our record against the carrier's: found, told, kept from visitors, repaired, shown again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update

from calltrack.kernel.errors import Conflict
from calltrack.numbers.application import application_hooks
from calltrack.numbers.keeping import check_numbers, companies_with_numbers, repair_number
from calltrack.numbers.model import Slot, TrackingNumber
from calltrack.numbers.order_model import NumberCheck, NumberOrphan
from calltrack.numbers.service import release_number
from calltrack.numbers.surveying import survey
from calltrack.telephony.carrier import ApplicationHooks, NumberChange, NumberOrder, Refused
from tests.numbers.provider import Provider

LEASE = text(
    """
    SELECT o_number, o_shared FROM edge_number(
        :company, :visit, :visit, false, :pool, :lease, 'calls', '', '', false, NULL)
    """
)


def slots(provider: Provider) -> set[str]:
    with provider.services.db.tenant(provider.company.id) as session:
        rows = session.execute(
            select(TrackingNumber.e164).join(
                Slot, (Slot.company_id == TrackingNumber.company_id) & (Slot.number_id == TrackingNumber.id)
            )
        )
        return {row.e164 for row in rows}


def shown_next(provider: Provider) -> tuple[str | None, bool]:
    """Lease a number as the snippet does, and take it back."""
    with provider.services.db.tenant(provider.company.id) as session:
        row = session.execute(
            LEASE,
            {
                "company": provider.company.id,
                "visit": uuid4(),
                "pool": provider.company.pool_id,
                "lease": uuid4(),
            },
        ).one()
        session.rollback()
    return row.o_number, row.o_shared


def change(provider: Provider, e164: str, **changes: str) -> None:
    owned = provider.at_carrier(e164)
    assert owned is not None
    provider.world.carrier.update_number(owned.sid, NumberChange(**changes))


def test_numbers_that_are_as_they_should_be_stay_untouched(provider: Provider) -> None:
    before = slots(provider)
    assert provider.check() == 0
    number = provider.number(provider.company.numbers[0])
    assert (number.health, number.findings, number.checked_at) == ("well", [], provider.now)
    assert number.carrier_number_id.startswith("PN")
    assert slots(provider) == before
    assert provider.notices() == []
    with provider.services.db.system() as system:
        assert provider.company.id in companies_with_numbers(system)


WRONGS: dict[str, dict[str, str]] = {
    "voice": {"voice_url": "https://demo.twilio.com/welcome/voice/"},
    "trunk": {"trunk_sid": "TK" + "1" * 32},
}


@pytest.mark.parametrize("code", WRONGS)
def test_a_number_led_elsewhere_is_kept_from_visitors_told_and_repaired(
    provider: Provider, code: str
) -> None:
    e164 = provider.company.numbers[1]
    change(provider, e164, **WRONGS[code])
    assert provider.check() == 1
    number = provider.number(e164)
    assert (number.health, [one["code"] for one in number.findings]) == ("unfit", [code])
    assert e164 not in slots(provider)
    assert number.released_at is None, "it is still answered if it rings"
    ((kind, words),) = provider.notices()
    assert kind == "number.unfit"
    assert number.findings[0]["words"] in words
    provider.check()
    assert len(provider.notices()) == 1

    left = repair_number(provider.services, provider.company.id, number.id, by="anna@example.test")
    provider.tell()
    assert left == ()
    assert provider.number(e164).health == "well"
    assert e164 in slots(provider)
    assert provider.notices() == []
    assert provider.check() == 0


def test_a_number_that_is_only_flawed_is_shown_all_the_same(provider: Provider) -> None:
    e164 = provider.company.numbers[0]
    change(provider, e164, status_callback="")
    provider.check()
    assert provider.number(e164).health == "flawed"
    assert e164 in slots(provider)
    assert [kind for kind, _ in provider.notices()] == ["number.flawed"]
    repair_number(provider.services, provider.company.id, provider.number(e164).id, by="anna")
    assert provider.number(e164).health == "well"


def test_a_lost_number_is_told_and_cannot_be_repaired_from_here(provider: Provider) -> None:
    e164 = provider.company.numbers[2]
    owned = provider.at_carrier(e164)
    assert owned is not None
    provider.world.carrier.release_number(owned.sid)
    provider.check()
    number = provider.number(e164)
    assert [one["code"] for one in number.findings] == ["missing"]
    assert e164 not in slots(provider)
    assert [kind for kind, _ in provider.notices()] == ["number.unfit"]
    with pytest.raises(Conflict, match="does not have this number"):
        repair_number(provider.services, provider.company.id, number.id, by="anna")


def test_the_overflow_number_is_kept_from_visitors_too(provider: Provider) -> None:
    with provider.services.db.tenant(provider.company.id) as session:
        session.execute(update(Slot).values(busy_until=provider.now + timedelta(hours=1)))
    assert shown_next(provider) == (provider.company.overflow, True)
    change(provider, provider.company.overflow, voice_url="https://elsewhere.example.com/")
    provider.check()
    assert shown_next(provider) == (None, False)


def test_a_suspended_account_is_one_notice_and_nobody_is_shown_a_dead_number(provider: Provider) -> None:
    provider.world.fault("rules", "reason:20005")
    assert provider.check() == 4
    assert slots(provider) == set()
    notices = provider.notices()
    assert {kind for kind, _ in notices} == {"number.unfit"}
    assert all("not active" in words for _, words in notices)
    assert provider.check() == 0
    assert len(slots(provider)) == 3
    assert provider.notices() == []


def test_a_silent_carrier_takes_no_number_away(provider: Provider) -> None:
    before = slots(provider)
    for fault in ("503", "drop-connection", "garbage", "401"):
        provider.world.fault("numbers", fault)
        assert provider.check() == 0
        assert slots(provider) == before
        with provider.services.db.tenant(provider.company.id) as session:
            row = session.get_one(NumberCheck, provider.company.id)
        assert row.problem
        assert row.is_refused is (fault == "401")
    assert [kind for kind, _ in provider.notices()] == ["number.account"]
    provider.check()
    assert provider.notices() == []


def test_the_application_is_corrected_without_anybody_asking(provider: Provider) -> None:
    e164 = provider.offers()[0]
    provider.buy(e164)
    carrier = provider.world.carrier
    name = f"calltrack {provider.company.id.hex}"
    wrong = carrier.ensure_application(name, ApplicationHooks(voice_url="https://old.example.com/voice"))
    assert provider.check() == 0
    base = provider.services.settings.base_url
    again = provider.at_carrier(e164)
    assert again is not None
    assert again.application_sid == wrong.sid
    found = carrier.ensure_application(name, application_hooks(base))
    assert (found.sid, found.hooks.voice_url) == (wrong.sid, f"{base}/voice/incoming")


def test_somebody_elses_application_is_seen(provider: Provider) -> None:
    e164 = provider.offers()[0]
    number = provider.buy(e164)
    other = provider.world.carrier.ensure_application(
        "other", ApplicationHooks(voice_url="https://o.example.com/")
    )
    change(provider, e164, application_sid=other.sid)
    provider.check()
    assert provider.number(e164).health == "unfit"
    assert repair_number(provider.services, provider.company.id, number.id, by="anna") == ()
    assert provider.number(e164).health == "well"


def test_a_repair_the_carrier_refuses_leaves_everything_and_says_why(provider: Provider) -> None:
    e164 = provider.company.numbers[0]
    change(provider, e164, voice_url="https://elsewhere.example.com/")
    provider.check()
    provider.world.fault("numbers", "ok", "reason:21402")
    with pytest.raises(Refused, match="PUBLIC_BASE_URL"):
        repair_number(provider.services, provider.company.id, provider.number(e164).id, by="anna")
    assert provider.number(e164).health == "unfit"


def orphans(provider: Provider) -> dict[str, str]:
    with provider.services.db.tenant(provider.company.id) as session:
        return {row.e164: row.reason for row in session.scalars(select(NumberOrphan))}


def test_orphans_are_found_told_and_forgotten(provider: Provider) -> None:
    mine, other, gone = provider.offers()[:3]
    base = provider.services.settings.base_url
    carrier = provider.world.carrier
    carrier.buy_number(NumberOrder(e164=mine, name="x", voice_url=f"{base}/voice/{uuid4().hex}"))
    carrier.buy_number(NumberOrder(e164=other, name="shop", voice_url="https://shop.example.com/voice"))
    number = provider.buy(gone)
    with provider.services.db.tenant(provider.company.id) as session:
        release_number(session, provider.company.id, number.id, provider.now)
    assert survey(provider.services, provider.company.id) == 2
    assert orphans(provider) == {mine: "ours", gone: "released"}
    provider.tell()
    assert [kind for kind, _ in provider.notices()] == ["number.orphan"] * 2
    for e164 in (mine, gone):
        owned = provider.at_carrier(e164)
        assert owned is not None
        carrier.release_number(owned.sid)
    assert survey(provider.services, provider.company.id) == 0
    provider.tell()
    assert (orphans(provider), provider.notices()) == ({}, [])


def test_the_survey_learns_what_numbers_cost(provider: Provider) -> None:
    survey(provider.services, provider.company.id)
    number = provider.number(provider.company.numbers[0])
    assert (number.type, number.rent_minor, number.rent_currency) == ("local", 225, "USD")


def test_a_silent_survey_changes_nothing(provider: Provider) -> None:
    mine = provider.offers()[0]
    base = provider.services.settings.base_url
    provider.world.carrier.buy_number(
        NumberOrder(e164=mine, name="x", voice_url=f"{base}/voice/{uuid4().hex}")
    )
    survey(provider.services, provider.company.id)
    provider.world.fault("numbers", "503")
    assert survey(provider.services, provider.company.id) == 0
    assert orphans(provider) == {mine: "ours"}


def test_checks_at_once_do_each_other_no_harm(provider: Provider) -> None:
    change(provider, provider.company.numbers[0], voice_url="https://elsewhere.example.com/")

    def look(_: int) -> int:
        return check_numbers(provider.services, provider.company.id)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(look, range(8))) == [1] * 8
    assert provider.number(provider.company.numbers[0]).health == "unfit"
    assert len(slots(provider)) == 2
