"""Which server is asked, and what happens when it is not there."""

from __future__ import annotations

import logging
import socket

import pytest

from calltrack.telephony.carrier import NotFound, Retry
from calltrack.telephony.twilio_client import TwilioCarrier
from calltrack.telephony.twilio_http import TwilioHttp
from tests.plain import PLAIN
from tests.sandbox.carrier.hooks import ACCOUNT, TOKEN
from tests.sandbox.carrier_rest.serving import World


def test_nobody_reached_means_nothing_done() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    http = TwilioHttp(f"http://127.0.0.1:{port}")
    with pytest.raises(Retry, match="Nothing was sent") as unsent:
        TwilioCarrier(ACCOUNT, TOKEN, http).release_number("PN1")
    assert not unsent.value.maybe_done
    with pytest.raises(Retry):
        TwilioCarrier(ACCOUNT, TOKEN, http).open_recording("RE1")
    http.close()


def test_each_product_keeps_its_own_host(world: World) -> None:
    """The twin answers 404 to a path that the host it was meant for does not have."""

    with pytest.raises(NotFound):
        world.http.request(
            "GET", f"https://lookups.twilio.com/2010-04-01/Accounts/{ACCOUNT}.json", auth=(ACCOUNT, TOKEN)
        )
    path = f"{world.base}/2010-04-01/Accounts/{ACCOUNT}.json"
    for host, status in (("api.twilio.com", 200), ("lookups.twilio.com", 404)):
        answer = PLAIN.get(path, auth=(ACCOUNT, TOKEN), headers={"X-Twilio-Original-Host": host})
        assert answer.status_code == status


def test_proxies_of_the_machine_do_not_hear_of_a_base_here(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert world.carrier.check()


def test_credentials_of_the_environment_are_not_ours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "0" * 32)
    assert world.open().check(), "a region would ask another host, which the twin refuses"


def test_nothing_of_a_request_is_logged_or_kept(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        world.carrier.look_up("+393331234567")
    assert "twilio" not in {record.name.split(".")[0] for record in caplog.records}
    assert world.http._test_only_last_request is None
