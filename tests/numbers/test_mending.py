"""All numbers set right in one act, each counted; the application or addresses of its own."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from calltrack.accounts.model import AuditEntry
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.numbers.application import application_hooks, application_name
from calltrack.numbers.mending import change_hooks, repair_all
from calltrack.telephony.carrier import ApplicationHooks, NumberChange, Retry
from tests.numbers.provider import Provider

ELSEWHERE = "https://elsewhere.example.com/"


def lead_away(provider: Provider, *numbers: str) -> None:
    for e164 in numbers:
        owned = provider.at_carrier(e164)
        assert owned is not None
        provider.world.carrier.update_number(owned.sid, NumberChange(voice_url=ELSEWHERE))


def give_back(provider: Provider, e164: str) -> None:
    owned = provider.at_carrier(e164)
    assert owned is not None
    provider.world.carrier.release_number(owned.sid)


def audited(provider: Provider, action: str) -> list[str]:
    with provider.services.db.tenant(provider.company.id) as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id))
        return [row.subject for row in rows]


def mend(provider: Provider, **more: float) -> object:
    return repair_all(provider.services, provider.company.id, by="anna", **more)  # type: ignore[arg-type]  # seconds


def test_all_are_repaired_in_one_act_and_counted(provider: Provider) -> None:
    first, second, third = provider.company.numbers
    lead_away(provider, first, second)
    give_back(provider, third)
    provider.check()
    assert {provider.number(one).health for one in provider.company.numbers} == {"unfit"}
    done = repair_all(provider.services, provider.company.id, by="anna")
    assert set(done.repaired) == {first, second}
    assert [one.e164 for one in done.not_repaired] == [third]
    assert done.left == 0
    assert "2 numbers set right" in done.words
    assert "given back, or moved" in done.words
    assert {provider.number(one).health for one in (first, second)} == {"well"}
    assert provider.number(third).health == "unfit"
    assert sorted(audited(provider, "number.repair")) == sorted(done.repaired)
    again = repair_all(provider.services, provider.company.id, by="anna")
    assert (again.repaired, len(again.not_repaired)) == ((), 1)


def test_what_is_right_is_not_touched(provider: Provider) -> None:
    done = repair_all(provider.services, provider.company.id, by="anna")
    assert (done.repaired, done.not_repaired, done.left) == ((), (), 0)
    assert done.words == "Every number is as it should be at the carrier."


def test_a_number_the_carrier_refuses_stops_no_other(provider: Provider) -> None:
    lead_away(provider, *provider.company.numbers)
    # The list is read once; the first change is refused.
    provider.world.fault("numbers", "ok", "reason:21402")
    done = repair_all(provider.services, provider.company.id, by="anna")
    assert (len(done.repaired), len(done.not_repaired), done.left) == (2, 1, 0)
    refused = done.not_repaired[0].e164
    assert provider.number(refused).health == "unfit"


def test_a_carrier_that_falls_silent_leaves_the_rest_and_the_same_act_goes_on(provider: Provider) -> None:
    lead_away(provider, *provider.company.numbers)
    provider.world.fault("numbers", "ok", "ok", "503")
    done = repair_all(provider.services, provider.company.id, by="anna")
    assert (len(done.repaired), len(done.not_repaired), done.left) == (1, 0, 2)
    assert "2 left" in done.words
    assert provider.number(done.repaired[0]).health == "well", "what was done is on record"
    done = repair_all(provider.services, provider.company.id, by="anna")
    assert (len(done.repaired), done.left) == (2, 0)
    provider.world.fault("numbers", "503")
    with pytest.raises(Retry):
        repair_all(provider.services, provider.company.id, by="anna")


def test_it_ends_in_time_and_says_what_is_left(provider: Provider) -> None:
    lead_away(provider, *provider.company.numbers)
    times = iter(range(0, 1000, 10))
    done = repair_all(provider.services, provider.company.id, by="anna", clock=lambda: float(next(times)))
    assert (len(done.repaired), done.left) == (1, 2)
    assert "do the same again" in done.words


def test_numbers_follow_the_application_and_come_back(provider: Provider) -> None:
    carrier, company = provider.world.carrier, provider.company
    done = change_hooks(provider.services, company.id, "application", by="anna")
    assert set(done.repaired) == {*company.numbers, company.overflow}
    sids = {one.application_sid for one in carrier.list_numbers()}
    (sid,) = sids
    assert sid
    assert provider.check() == 0
    one = company.number_ids[0]
    change_hooks(provider.services, company.id, "own", one, by="anna")
    owned = provider.at_carrier(company.numbers[0])
    assert owned is not None
    assert owned.voice_url == f"{provider.services.settings.base_url}/voice/{one.hex}"
    assert not owned.application_sid
    assert provider.check() == 0
    with pytest.raises(Conflict, match="Nothing to change"):
        change_hooks(provider.services, company.id, "own", one, by="anna")
    with pytest.raises(NotFound):
        change_hooks(provider.services, company.id, "own", new_id(), by="anna")


def test_a_carrier_away_leaves_a_number_flawed_and_repairable(provider: Provider) -> None:
    company = provider.company
    provider.check()
    provider.world.fault("numbers", "ok", "503")
    done = change_hooks(provider.services, company.id, "application", company.number_ids[0], by="anna")
    assert done.left == 1
    number = provider.number(company.numbers[0])
    assert (number.hooks, number.health) == ("application", "flawed"), "its calls arrive all the same"
    assert repair_all(provider.services, company.id, by="anna").repaired == (company.numbers[0],)


def test_an_application_that_somebody_changed_is_set_right_and_written_down(provider: Provider) -> None:
    company = provider.company
    change_hooks(provider.services, company.id, "application", by="anna")
    name = application_name(company.id)
    provider.world.carrier.ensure_application(name, ApplicationHooks(voice_url=ELSEWHERE))
    assert audited(provider, "application.corrected") == []
    assert provider.check() == 0
    assert audited(provider, "application.corrected") == [name]
    mine = provider.world.carrier.ensure_application(
        name, application_hooks(provider.services.settings.base_url)
    )
    assert mine.was is None, "it was right already"
    provider.check()
    assert audited(provider, "application.corrected") == [name]
