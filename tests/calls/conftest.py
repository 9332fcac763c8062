"""A voice desk over real parts, a Flask client on its hooks, and a carrier that signs."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from calltrack.calls.desk import Desk, open_desk
from calltrack.calls.spool import is_empty
from calltrack.config import Settings
from calltrack.kernel.ids import new_id
from calltrack.sandbox.carrier.signing import sign
from calltrack.voice import create_voice
from calltrack.wiring import Services
from tests.builders import Company

CALLER = "+393471234567"


@pytest.fixture
def desk(services: Services, company: Company, tmp_path: Path) -> Iterator[Desk]:
    """A desk with a data folder of its own, opened after the company was made."""
    settings = Settings.model_validate(services.settings.model_dump(by_alias=True) | {"DATA_DIR": tmp_path})
    opened = open_desk(replace(services, settings=settings))
    yield opened
    opened.stop()


@pytest.fixture
def voice(services: Services, desk: Desk) -> FlaskClient:
    """A client on the hooks."""
    return create_voice(services, desk).test_client()


def settle(voice: FlaskClient, seconds: float = 60) -> None:
    """Wait until what a busy machine's database did not take within a second is stored from the spool."""
    desk: Desk = voice.application.extensions["voice.desk"]
    ends = time.monotonic() + seconds
    while desk.intake.breaker.is_open or not is_empty(desk.intake._folder):
        assert time.monotonic() < ends, "the spool is never emptied"
        time.sleep(0.05)


@dataclass(frozen=True)
class Carrier:
    """Sends signed forms to the hooks of one company's first number."""

    client: FlaskClient
    base_url: str
    company: Company

    def post(
        self,
        hook: str,
        fields: dict[str, str],
        *,
        number_id: UUID | None = None,
        token: str | None = None,
        signature: str | None = None,
    ) -> TestResponse:
        """Post a form to `/voice/{number}{hook}` as the carrier would."""
        path = f"/voice/{(number_id or self.company.number_ids[0]).hex}{hook}"
        return self.post_to(path, fields, token=token, signature=signature)

    def post_to(
        self, path: str, fields: dict[str, str], *, token: str | None = None, signature: str | None = None
    ) -> TestResponse:
        made = sign(self.base_url + path, fields, token or self.company.auth_token)
        headers = {} if signature == "" else {"X-Twilio-Signature": signature or made}
        return self.client.post(path, data=fields, headers=headers)

    def call_fields(self, sid: str | None = None, **more: str) -> dict[str, str]:
        """Return the fields of a request about the caller's own leg."""
        return {
            "CallSid": sid or new_call_sid(),
            "AccountSid": self.company.account_sid,
            "ApiVersion": "2010-04-01",
            "From": CALLER,
            "To": self.company.numbers[0],
            "CallStatus": "ringing",
            "Direction": "inbound",
            "FromCity": "",
            "FromCountry": "IT",
        } | more

    def leg_fields(self, sid: str, leg_sid: str, status: str, sequence: int, **more: str) -> dict[str, str]:
        """Return the fields of a report about the leg to the business."""
        return {
            "CallSid": leg_sid,
            "ParentCallSid": sid,
            "AccountSid": self.company.account_sid,
            "From": CALLER,
            "To": self.company.target,
            "CallStatus": status,
            "Direction": "outbound-dial",
            "SequenceNumber": str(sequence),
        } | more


@pytest.fixture
def carrier(voice: FlaskClient, services: Services, company: Company) -> Carrier:
    """The carrier of this test's company."""
    return Carrier(voice, services.settings.base_url, company)


def new_call_sid() -> str:
    """Return a call identifier nobody had before."""
    return "CA" + new_id().hex
