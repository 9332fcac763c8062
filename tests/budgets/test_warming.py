"""The google-ads client is loaded before somebody waits for it, and only where it is used."""

import subprocess
import sys
from threading import Event, Lock

import pytest

from calltrack.budgets import warming
from calltrack.destinations.sending import Courier
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.budgets.spending import usual
from tests.budgets.world import running
from tests.builders import make_company
from tests.dashboard.browser import Browser, make_app

# What a check needs; loaded later, a person would wait for it.
SCRIPT = """
import sys
from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpDoor
courier = Courier(HttpDoor())
assert not any(name.startswith("google.ads") for name in sys.modules)
courier.warm_google_ads()
from calltrack.destinations import google_ads_client as client
before = set(sys.modules)
for name in ("/googleAds:searchStream", "/campaignBudgets:mutate"):
    call = client._CALLS[name]
    client._message(call, "1", b"{}")
    client.LoopbackClient(
        client.AnonymousCredentials(), endpoint="127.0.0.1:9", version=client.VERSION, use_proto_plus=False
    ).get_service(call.service)
print(len([name for name in set(sys.modules) - before if name.startswith("google.ads")]))
"""


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Set once a courier is warmed; nothing is loaded, and nothing was begun before."""
    event = Event()
    monkeypatch.setattr(Courier, "warm_google_ads", lambda _: event.set())
    monkeypatch.setattr(warming, "_BEGUN", Lock())
    return event


def test_after_warming_a_check_loads_nothing_more() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("0", 0), done.stderr


def test_the_page_with_the_button_and_a_start_warm_it_for_who_can_press_it(
    services: Services, begun: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(services) as world:
        at = f"/app/{world.company.id.hex}/budget"
        for role in ("viewer", "manager"):
            browser = Browser(make_app(world.services))
            browser.enter(make_user(world.services, world.company, role))
            assert "Apply it" in browser.get(at).text
            assert begun.wait(20 if role == "manager" else 0.3) is (role == "manager")
        begun.clear()
        monkeypatch.setattr(warming, "_BEGUN", Lock())
        warming.warm_where_used(world.services)
        assert begun.wait(20)


def test_without_a_connection_to_google_nothing_is_loaded(services: Services, begun: Event) -> None:
    company = make_company(services)
    usual(company).write(services)
    assert not warming._can_apply(services, company.id)
