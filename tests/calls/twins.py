"""The carrier's REST twin on a socket, and calls played against the hooks that it remembers."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import httpx
from flask import Flask, request
from werkzeug.serving import make_server

from calltrack.config import SANDBOX_CARRIER_PATH
from calltrack.sandbox.carrier import CallJournal, CallScript, SimulatedNumber, play
from calltrack.sandbox.carrier.call import new_journal
from calltrack.sandbox.carrier_rest import Behaviour, Twin
from calltrack.telephony.carriers import Carriers
from calltrack.telephony.twilio_http import TwilioHttp
from calltrack.wiring import Services
from tests.builders import Company
from tests.sandbox.platforms.serving import _Quiet

REPORTS = ("/status", "/leg", "/recording", "/transcription")
ELSEWHERE = "https://fallback.example.test/answer"


@dataclass
class CarrierTwin:
    """A running twin, and services whose carrier it is."""

    twin: Twin
    services: Services
    asked: list[str] = field(default_factory=list)
    """Every request of the product, such as `GET /2010-04-01/Accounts/AC../Calls.json`."""

    def fault(self, target: str, *steps: str) -> None:
        self.twin.desk.faults.add(target, list(steps))

    def play(self, http: httpx.Client, number: SimulatedNumber, token: str, **script: Any) -> CallJournal:
        """Play one call, at once, and let the twin remember it."""
        told = CallScript(**({"from_": "+393471234567", "to": number.e164} | script))
        return play(told, number, token, http, journal=new_journal(told, self.twin.board.observer))


@contextmanager
def carrier_twin(services: Services, *companies: Company) -> Iterator[CarrierTwin]:
    """Serve a twin that knows the companies' accounts while the block runs."""
    tokens = {company.account_sid: company.auth_token for company in companies}
    twin = Twin(tokens.__getitem__, behaviour=Behaviour(speed=0))
    app = Flask("carrier")
    app.register_blueprint(twin.blueprint)
    asked: list[str] = []
    app.before_request(lambda: asked.append(f"{request.method} {request.path}"))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}{SANDBOX_CARRIER_PATH}"
    carriers = Carriers(base)
    carriers._http = TwilioHttp(base, timeout=(1.0, 5.0), pause=lambda seconds: None)  # No waits in tests.
    try:
        yield CarrierTwin(twin, replace(services, carriers=carriers), asked)
    finally:
        twin.close()
        carriers.close()
        server.shutdown()
        thread.join(5)
        server.server_close()


class Lossy(httpx.BaseTransport):
    """Loses a share of the requests somebody waits for, with all their retries.

    The fallback address lies elsewhere: a static answer that rings the business, without any hook of ours.
    """

    def __init__(self, inner: httpx.BaseTransport, target: str, share: float, seed: int) -> None:
        self._inner, self._target, self._share = inner, target, share
        self._chance = random.Random(seed)
        self._lost: dict[str, bool] = {}
        self.lost: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        fields = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        if str(request.url).startswith(ELSEWHERE):
            return self._answer_elsewhere(request, fields)
        name = f"{request.url.path} {fields.get('CallSid')}"
        if not request.url.path.endswith(REPORTS):
            if name not in self._lost:
                self._lost[name] = self._chance.random() < self._share
            if self._lost[name]:
                self.lost.append(name)
                raise httpx.ConnectError("lost on the way", request=request)
        return self._inner.handle_request(request)

    def _answer_elsewhere(self, request: httpx.Request, fields: dict[str, str]) -> httpx.Response:
        ring = f"<Response><Dial answerOnBridge='true'>{self._target}</Dial></Response>"
        document = "<Response><Hangup/></Response>" if "DialCallStatus" in fields else ring
        return httpx.Response(200, text=document, headers={"Content-Type": "text/xml"}, request=request)


def number_of(services: Services, company: Company, *, fallback: str | None = None) -> SimulatedNumber:
    """Return the company's first number as the carrier has it."""
    base = f"{services.settings.base_url}/voice/{company.number_ids[0].hex}"
    return SimulatedNumber(
        e164=company.numbers[0],
        voice_url=base,
        voice_fallback_url=fallback or f"{base}/fallback",
        status_callback=f"{base}/status",
        account_sid=company.account_sid,
    )
