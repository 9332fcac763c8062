"""The carrier's REST twin on a real socket, and Twilio's own client before it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from werkzeug.serving import make_server

from calltrack.config import SANDBOX_CARRIER_PATH
from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.sandbox.carrier_rest import Behaviour, Twin
from calltrack.telephony.carrier import Carrier
from calltrack.telephony.twilio_client import TwilioCarrier
from calltrack.telephony.twilio_http import TwilioHttp
from tests.sandbox.carrier.hooks import ACCOUNT, TOKEN
from tests.sandbox.platforms.serving import _Quiet

OTHER_ACCOUNT = "AC" + "8" * 32
OTHER_TOKEN = "the-token-of-another-account"


@dataclass
class World:
    """A running twin, the address Twilio's client is sent to, and one account's carrier."""

    twin: Twin
    base: str
    http: TwilioHttp
    carrier: Carrier
    waits: list[float]
    """How long the client waited before it repeated something."""

    def open(self, account: str = ACCOUNT, token: str = TOKEN) -> Carrier:
        """Open an account over the same client."""
        return TwilioCarrier(account, token, self.http)

    def fault(self, target: str, *steps: str) -> None:
        """Let the twin go wrong."""
        self.twin.desk.faults.add(target, list(steps))


def _token(account: str) -> str:
    return {ACCOUNT: TOKEN, OTHER_ACCOUNT: OTHER_TOKEN}[account]


@contextmanager
def carrier_world(
    *,
    directory: list[SimulatedNumber] | None = None,
    file: Path | None = None,
    timeout: tuple[float, float] = (1.0, 5.0),
    speed: float = 0,
) -> Iterator[World]:
    """Serve a twin while the block runs."""
    twin = Twin(_token, lambda: list(directory or ()), file=file, behaviour=Behaviour(speed=speed))
    app = Flask("carrier")
    app.register_blueprint(twin.blueprint)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}{SANDBOX_CARRIER_PATH}"
    waits: list[float] = []
    http = TwilioHttp(base, timeout=timeout, pause=waits.append)
    try:
        yield World(twin, base, http, TwilioCarrier(ACCOUNT, TOKEN, http), waits)
    finally:
        twin.close()
        http.close()
        server.shutdown()
        thread.join(5)
        server.server_close()
