"""A small call-tracking app on a real socket, for the simulator to play against."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask, Response, make_response, request
from werkzeug.serving import make_server

from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.telephony import twilio

TOKEN = "a-token-of-the-sandbox"
ACCOUNT = "AC" + "7" * 32
TRACKING, OFFICE, MOBILE = "+390687650001", "+390669940001", "+393470000002"


@dataclass
class Hooks:
    """What the app answers (by the last part of the path), and what it was asked."""

    base: str = ""
    answers: dict[str, Callable[[], Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)

    def number(self, **changes: Any) -> SimulatedNumber:
        """Return a tracking number whose hooks are this app."""
        number = SimulatedNumber(
            e164=TRACKING,
            voice_url=f"{self.base}/v/voice",
            voice_fallback_url=f"{self.base}/v/fallback",
            status_callback=f"{self.base}/v/status",
            account_sid=ACCOUNT,
        )
        return replace(number, **changes)

    def of(self, name: str) -> list[dict[str, str]]:
        """Return the fields of every request to this hook, in order of arrival."""
        return [fields for asked, _, fields in self.asked if asked == name]

    def says(self, name: str, xml: str, status: int = 200, content_type: str = "text/xml") -> None:
        """Let a hook answer this."""
        self.answers[name] = lambda: Response(xml, status, content_type=content_type)


def dial(inside: str = "", *numbers: str, base: str = "") -> str:
    """Return a screened Dial of the given numbers."""
    hooks = f'url="{base}/v/whisper" statusCallback="{base}/v/leg"'
    events = 'statusCallbackEvent="initiated ringing answered completed"'
    legs = "".join(f"<Number {hooks} {events}>{number}</Number>" for number in numbers or (OFFICE,))
    attributes = f'answerOnBridge="true" timeout="18" action="/v/dialed" {inside}'
    return f"<Response><Dial {attributes}>{legs}</Dial></Response>"


VOICEMAIL = (
    "<Response><Say>Leave a message</Say>"
    '<Record action="/v/voicemail" recordingStatusCallback="/v/recording"/><Hangup/></Response>'
)
SCREEN = '<Response><Gather numDigits="1" action="/v/accept"><Say>Press 1</Say></Gather><Hangup/></Response>'


@contextmanager
def running() -> Iterator[Hooks]:
    """Serve the app while the block runs."""
    hooks = Hooks()
    app = Flask(__name__)

    @app.route("/v/<name>", methods=["GET", "POST"])
    def hook(name: str) -> Response:
        body = request.get_data()
        if not twilio.is_signed(request.environ, request.form, body, hooks.base, [TOKEN]):
            hooks.unsigned.append(request.url)
        hooks.asked.append((name, request.method, (request.form if request.form else request.args).to_dict()))
        hooks.headers.append(dict(request.headers))
        answer = hooks.answers.get(name)
        return make_response(answer() if answer else Response("<Response/>", content_type="text/xml"))

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    hooks.base = f"http://127.0.0.1:{server.server_port}"
    hooks.says("voice", dial(base=hooks.base))
    hooks.says("whisper", "<Response><Say>Call from Google Ads</Say></Response>")
    hooks.answers["dialed"] = lambda: Response(
        "<Response><Hangup/></Response>" if request.form["DialBridged"] == "true" else VOICEMAIL,
        content_type="text/xml",
    )
    try:
        yield hooks
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def eventually(claim: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until the claim holds, or fail."""
    until = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.01)
