"""The sandbox's parts together."""

from typing import Any

from sqlalchemy.exc import OperationalError

from calltrack.accounts.carrier import carrier_for
from calltrack.kernel.phone import pretty
from calltrack.numbers.hooks import setups
from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.sandbox.demo_company import find_demo_company
from calltrack.sandbox.wiring import _remembered
from calltrack.telephony.carrier import NumberOrder, NumberSearch
from calltrack.wiring import Services
from tests.plain import PLAIN
from tests.sandbox.carrier.hooks import ACCOUNT, TRACKING, eventually

NUMBER = SimulatedNumber(
    e164=TRACKING,
    voice_url="http://calls.test/voice",
    voice_fallback_url="",
    status_callback="",
    account_sid=ACCOUNT,
)


def test_the_phone_dials_while_the_database_is_away() -> None:
    answers: list[list[SimulatedNumber]] = [[NUMBER]]

    def read() -> list[SimulatedNumber]:
        if not answers:
            raise OperationalError("SELECT", {}, Exception("gone"))
        return answers.pop()

    directory = _remembered(read)
    assert directory() == [NUMBER]
    assert directory() == [NUMBER]


def test_the_demos_numbers_lie_at_its_carrier_and_bought_ones_ring(demo: Services) -> None:
    company_id = find_demo_company(demo)
    assert company_id is not None
    with demo.db.tenant(company_id) as session:
        carrier = carrier_for(session, demo.vault, demo.carriers, company_id)
        ours = {row.e164: row.voice_url for row in setups(session, demo.settings.base_url)}
    assert {one.e164: one.voice_url for one in carrier.list_numbers()} == ours

    found = carrier.search_numbers(NumberSearch(country="US"))[0]
    some_hook = next(iter(ours.values()))
    carrier.buy_number(NumberOrder(e164=found.e164, name="calltrack 1", voice_url=some_hook))
    origin = f"{demo.settings.base_url}/sandbox"
    assert pretty(found.e164) in PLAIN.get(f"{origin}/phone").text
    asked = [entry["url"] for entry in dial(origin, found.e164)["entries"] if entry.get("purpose") == "voice"]
    assert asked == [some_hook], "the carrier asks what its number says; the hook knows it is another's"

    journal = dial(origin, next(iter(ours)))
    assert journal["connected"]
    assert carrier.fetch_call(journal["id"]).status == "completed"
    assert [leg.to for leg in carrier.legs_of(journal["id"])] == journal["rang"]


def dial(origin: str, to: str) -> dict[str, Any]:
    """Call a number on the phone page's own addresses; return the journal once the call is over."""
    call = PLAIN.post(f"{origin}/calls", json={"from": "+393331234567", "to": to, "speed": 0}).json()

    def journal() -> dict[str, Any]:
        told: dict[str, Any] = PLAIN.get(f"{origin}/calls/{call['id']}").json()
        return told

    eventually(lambda: journal()["state"] == "ended", seconds=20)
    return journal()
