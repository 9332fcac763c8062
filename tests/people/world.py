"""A company whose hooks answer on a socket, and a carrier's twin that calls and writes to them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select, text
from werkzeug.serving import make_server

from calltrack.accounts.follow_up import change_follow_up
from calltrack.automations.doing import do_due
from calltrack.automations.model import Automation
from calltrack.calls.desk import open_desk
from calltrack.calls.model import Call
from calltrack.calls.outbound.model import OutboundCall, OwnPhone
from calltrack.calls.outbound.own_phone import PLACE
from calltrack.config import SANDBOX_CARRIER_PATH, Settings
from calltrack.infra.outbox import Fact
from calltrack.kernel.ids import new_id
from calltrack.messages.model import Message
from calltrack.messages.sending import send_due
from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.sandbox.carrier_rest import Behaviour, Twin
from calltrack.telephony.carriers import Carriers
from calltrack.telephony.twilio_http import TwilioHttp
from calltrack.voice import create_voice
from calltrack.wiring import Services
from tests.accounts.people import Person
from tests.builders import Company, make_call
from tests.sandbox.platforms.serving import _Quiet
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

CALLER, AGENT = "+393471234567", "+393470000009"


@dataclass
class World:
    """The parts; `services` has the twin as its carrier."""

    services: Services
    company: Company
    twin: Twin
    voice: Flask

    @property
    def behaviour(self) -> Behaviour:
        return self.twin.desk.behaviour

    def fault(self, *steps: str, target: str = "messages") -> None:
        self.twin.desk.faults.add(target, list(steps))

    def work(self) -> None:
        """Let the workers handle all facts, steps and messages that are due now."""
        for _ in range(20):
            handled = drain(self.services, SUBSCRIPTIONS, self.company.id, threading.Event())
            handled += do_due(self.services, self.company.id) + send_due(self.services, self.company.id)
            if not handled:
                return
        raise AssertionError("the work never ends")

    def until(self, found: Callable[[], Any], seconds: float = 15) -> Any:
        """Work until something is found: the twin carries calls and messages beside us."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.work()
            if result := found():
                return result
            time.sleep(0.03)
        raise AssertionError("it did not happen in time")

    def at(self, moment: datetime) -> World:
        """The same world at another time."""
        return replace(self, services=replace(self.services, clock=lambda: moment))

    def set(self, **wanted: Any) -> None:
        with self.services.db.tenant(self.company.id) as session:
            change_follow_up(session, self.company.id, wanted)

    def ended(self, **more: Any) -> Call:
        """A call that just ended, known to the workers."""
        services = self.services
        length = 28 + more.get("talk_seconds", 180)
        at = more.pop("at", services.clock() - timedelta(seconds=length))
        call = make_call(services, self.company, at=at, **more)
        with services.db.tenant(self.company.id) as session:
            now = services.clock()
            session.add(
                Fact(
                    company_id=self.company.id, id=new_id(now), kind="call.ended", subject_id=call.id,
                    recorded_at=now, due_at=now, failures=0,
                )
            )  # fmt: skip
        return call

    def missed(self, **more: Any) -> Call:
        return self.ended(outcome="missed", talk_seconds=0, **more)

    def rows(self, model: Any) -> list[Any]:
        with self.services.db.tenant(self.company.id) as session:
            order = model.created_at if model is Automation else model.id
            return list(
                session.scalars(select(model).where(model.company_id == self.company.id).order_by(order))
            )

    def messages(self) -> list[Message]:
        return self.rows(Message)

    def calls_out(self) -> list[OutboundCall]:
        return self.rows(OutboundCall)

    def steps(self) -> dict[str, tuple[str, str]]:
        return {row.kind: (row.state, row.words) for row in self.rows(Automation)}

    def words(self, message: Message) -> str:
        return self.services.vault.open(self.company.id, "message.body", message.body)

    def sql(self, statement: str, **values: Any) -> Any:
        with self.services.db.tenant(self.company.id) as session:
            return session.execute(text(statement), values)

    def confirmed(self, person: Person, phone: str = AGENT) -> None:
        """Let a member have a confirmed phone."""
        now = self.services.clock()
        with self.services.db.tenant(self.company.id) as session:
            session.add(
                OwnPhone(
                    company_id=self.company.id, user_id=person.id, asked_at=now, first_asked_at=now,
                    phone=self.services.vault.seal(self.company.id, PLACE, phone), confirmed_at=now,
                )
            )  # fmt: skip


@contextmanager
def people_world(services: Services, company: Company, folder: Path) -> Iterator[World]:
    """Serve the company's hooks and a twin while the block runs."""
    settings = Settings.model_validate(services.settings.model_dump(by_alias=True) | {"DATA_DIR": folder})
    desk = open_desk(replace(services, settings=settings))
    voice = create_voice(services, desk)
    base = services.settings.base_url
    with _served(voice) as origin:
        numbers = [
            SimulatedNumber(
                e164=e164,
                voice_url=f"{base}/voice/{id_.hex}",
                voice_fallback_url=f"{base}/voice/{id_.hex}/fallback",
                status_callback=f"{base}/voice/{id_.hex}/status",
                sms_url=f"{base}/voice/{id_.hex}/sms",
                account_sid=company.account_sid,
            )
            for e164, id_ in _numbers(company)
        ]
        tokens = {company.account_sid: company.auth_token}
        twin = Twin(tokens.__getitem__, lambda: numbers, via={base: origin}, behaviour=Behaviour(speed=0))
        app = Flask("carrier")
        app.register_blueprint(twin.blueprint)
        with _served(app) as place:
            carriers = Carriers(f"{place}{SANDBOX_CARRIER_PATH}")
            carriers._http = TwilioHttp(
                f"{place}{SANDBOX_CARRIER_PATH}", timeout=(1.0, 1.5), pause=lambda seconds: None
            )
            twin.ringing()  # Takes in the numbers the account has.
            yield World(replace(services, carriers=carriers), company, twin, voice)
            twin.close()
            carriers.close()
    desk.stop()


def _numbers(company: Company) -> list[tuple[str, UUID]]:
    return [*zip(company.numbers, company.number_ids, strict=True), (company.overflow, company.overflow_id)]


@contextmanager
def _served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
