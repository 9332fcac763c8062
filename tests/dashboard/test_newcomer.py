"""A newcomer's first ten minutes: from `calltrack new-company` to a tracked call, by pages alone."""

import json
import re
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update
from werkzeug.serving import make_server

from calltrack.app import assemble
from calltrack.commands.companies import new_company
from calltrack.config import Settings
from calltrack.delivery.model import Delivery
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.sandbox.carrier import CallScript, SimulatedNumber, play
from calltrack.wiring import Services, build
from tests.builders import fresh_e164
from tests.conftest import settings_for
from tests.dashboard.forms import Visitor
from tests.journeys.conftest import free_port
from tests.plain import PLAIN
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

SID, TOKEN = "AC" + 32 * "c", 32 * "7"
SITE, EMAIL = "https://www.traslochi-rossi.test", "anna@rossi.test"
SECRET = "whsec_" + 40 * "A"

# The table of routes is small again: a new number is in it at once.
pytestmark = pytest.mark.usefixtures("emptied")


@pytest.fixture
def product(postgres: EmbeddedPostgres, redis_url: str, tmp_path: Path) -> Iterator[Services]:
    """The whole product as one app on a socket, set up for real companies."""
    port = free_port()
    own = settings_for(
        postgres, redis_url, tmp_path, mode="production", port=port,
        public_base_url=f"http://127.0.0.1:{port}",
    )  # fmt: skip
    services = build(own)
    app = assemble(services, "all")
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield services
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["voice.desk"].stop()
    app.extensions["edge.connections"].close()
    services.close()


def first_password(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, read: pytest.CaptureFixture[str]
) -> str:
    """Make the company as the command line does, and return what it prints."""
    for info in Settings.model_fields.values():
        monkeypatch.delenv(str(info.alias), raising=False)
    for name, value in settings.model_dump(by_alias=True).items():
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if plain:
            monkeypatch.setenv(name, str(plain))
    assert new_company("Traslochi Rossi", EMAIL, "IT", "Europe/Rome", "EUR") == 0
    said = re.search(r"First password[^:]*: (\S+)", read.readouterr().out)
    assert said
    return said[1]


def hooks_on(page: str, e164: str) -> SimulatedNumber:
    """Set a number up at the carrier with the addresses the page shows, copied as they stand there."""
    voice, fallback, status = [
        unescape(found) for found in re.findall(r'<pre [^>]*id="hook-\w+"[^>]*>([^<]+)</pre>', page)
    ]
    return SimulatedNumber(
        e164=e164, voice_url=voice, voice_fallback_url=fallback, status_callback=status, account_sid=SID
    )


def test_a_newcomer_gets_from_an_empty_company_to_a_tracked_call(
    product: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    origin, password = product.settings.base_url, first_password(product.settings, monkeypatch, capsys)
    business, tracking, overflow = fresh_e164(), [fresh_e164() for _ in range(3)], fresh_e164()
    anna = Visitor(origin)
    anna.open("/login")
    anna.fill("/login", email=EMAIL, password=password)
    home = anna.path.rstrip("/")
    assert "7 steps to go" in anna.page
    assert "next: Locations" in re.sub(r"\s+", " ", anna.page)

    anna.open(f"{home}/setup")
    assert "0 of 7 steps done" in anna.page
    anna.open(f"{home}/settings/locations")
    anna.fill("/settings/locations", name="Roma", forward_to=business)
    anna.open(f"{home}/settings/carrier")
    anna.fill("/settings/carrier", account_sid=SID, auth_token=TOKEN)
    assert anna.path.endswith("/numbers/setup")
    anna.fill("/numbers/pools", name="Sito")
    anna.fill("/numbers", numbers="\n".join(number[3:] for number in tracking))
    anna.fill("/numbers", numbers=overflow, kind="overflow")
    anna.open(f"{home}/settings/sites")
    anna.fill("/settings/sites", name="Sito", origins=SITE)
    (targets,) = re.findall(r'href="([^"]+/numbers)">Choose', anna.page)
    anna.open(targets)
    anna.fill("/numbers", target=business)
    anna.open(f"{home}/destinations/connect?kind=webhook")
    anna.fill("/destinations/connect", name="CRM", url="https://crm.rossi.test/calltrack", secret=SECRET)
    anna.open(f"{home}/setup")
    assert "4 of 7 steps done" in anna.page

    anna.open(targets)
    tag = unescape(re.findall(r'<pre [^>]*id="tag"[^>]*>(.*?)</pre>', anna.page)[0])
    script, key = re.findall(r'src="([^"]+)" data-site="([^"]+)"', tag)[0]
    assert PLAIN.get(script).status_code == 200
    page = f"{SITE}/?gclid=Cj0-newcomer&utm_source=google&utm_medium=cpc&utm_campaign=roma-primavera"
    shown = PLAIN.post(
        f"{origin}/v1/visit",
        content=json.dumps({"k": key, "u": page, "p": [business[1:]]}),
        headers={"Origin": SITE, "User-Agent": "Mozilla/5.0 Chrome/130.0", "Content-Type": "text/plain"},
    ).json()
    dialled = "+" + shown["n"][0]["n"]
    assert dialled in tracking

    listed = anna.open(f"{home}/numbers/setup")
    number_pages = re.findall(r'href="([^"]+/numbers/[0-9a-f]{32})"', listed)
    setups = {}
    for path in number_pages:
        e164 = number_on(anna.open(path))
        setups[e164] = hooks_on(anna.page, e164)
    assert set(setups) == {*tracking, overflow}
    journal = play(CallScript(from_="+393471234567", to=dialled, timestamps="wall"), setups[dialled], TOKEN)
    assert journal.rang == [business]
    assert [entry.url for entry in journal.requests if not entry.is_ok] == []

    company_id = UUID(home.rsplit("/", 1)[1])
    drain(product, SUBSCRIPTIONS, company_id, threading.Event())
    (call,) = set(re.findall(r'href="(/app/[0-9a-f]+/calls/[0-9a-f]{32})"', anna.open(f"{home}/calls")))
    told = anna.open(call)
    assert "roma-primavera" in told
    assert re.search("(Was|Had been) looking at the number (for .* )?when the call began", told)
    assert "Lead" in told
    assert "CRM" in anna.open(f"{home}/deliveries").split("<tbody>")[1]
    assert "6 of 7 steps done" in anna.open(f"{home}/setup")
    # Nobody serves her address here: its confirmation is what this one row says.
    with product.db.tenant(company_id) as session:
        session.execute(update(Delivery).values(state="confirmed", due_at=None, settled_at=product.clock()))
    assert "All done" in anna.open(f"{home}/setup")
    assert "to go" not in anna.open(home)


def number_on(page: str) -> str:
    """Return the number a page is about."""
    heading = re.findall(r"<h1>(\+[\d ]+)</h1>", page)[0]
    return str(heading).replace(" ", "")
