"""The rig of the call storm: a voice process, servers of its own, the carrier's twin, files elsewhere."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import httpx
from flask import Flask
from sqlalchemy import text, update
from werkzeug.serving import make_server

from calltrack.accounts.model import CarrierAccount
from calltrack.callflows import service as flow_service
from calltrack.calls import polling
from calltrack.calls.keeping_model import CarrierPoll
from calltrack.calls.spool import is_empty
from calltrack.calls.static_answers import files_of, static_rows, write_static
from calltrack.config import SANDBOX_CARRIER_PATH, Settings
from calltrack.infra.embedded import EmbeddedPostgres, EmbeddedRedis
from calltrack.migrations.migrate import migrate
from calltrack.numbers.wanted import wanted_numbers
from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.sandbox.carrier_rest import Behaviour, Twin
from calltrack.telephony.carriers import Carriers
from calltrack.telephony.twilio import for_lookups, for_reports
from calltrack.telephony.twilio_http import TwilioHttp
from calltrack.wiring import Services, build
from tests.builders import Company, make_company
from tests.chaos.call_world import FLOWS, SETTINGS
from tests.chaos.file_server import serving
from tests.chaos.small_disk import small_disk
from tests.chaos.voice_rig import VoiceProcess, free_port, wait_until
from tests.conftest import settings_for
from tests.sandbox.platforms.serving import _Quiet

SPOOL_MB = 24
PATIENCE = 120.0
"""Seconds for something that takes a second where nobody else is busy."""
MOST = 1_000_000
UNBOUNDED = dict.fromkeys(
    ("calls_per_number", "minutes_per_number", "calls_per_company", "minutes_per_company"), MOST
)


@dataclass
class Rig:
    """Everything a storm needs; `numbers` names the number that each flow answers."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    services: Services
    voice: VoiceProcess
    company: Company
    stranger: Company
    numbers: dict[str, int]
    twin: Twin
    front: str
    """A reverse proxy before the voice process, whose files answer while it is away."""
    elsewhere: str
    """Another machine with the files only."""

    @property
    def settings(self) -> Settings:
        return self.services.settings

    @property
    def origin(self) -> str:
        return self.voice.base_url

    def number(self, flow: str, *, elsewhere: bool = False) -> SimulatedNumber:
        """Return the number of a flow as the carrier has it; its fallback is ours, or files elsewhere."""
        place = self.numbers[flow]
        path = f"/voice/{self.company.number_ids[place].hex}"
        base = f"{self.origin}{path}"
        fallback = f"{self.elsewhere if elsewhere else self.origin}{path}/fallback"
        return SimulatedNumber(
            e164=self.company.numbers[place],
            voice_url=for_lookups(base),
            voice_fallback_url=for_lookups(fallback),
            status_callback=for_reports(f"{base}/status"),
            account_sid=self.company.account_sid,
            label=flow,
        )

    def start_voice(self) -> None:
        """Start the voice process and wait until it listens, whatever it knows."""
        self.voice.start(asks=False)

        def listens() -> bool:
            with suppress(httpx.TransportError):
                return httpx.get(f"{self.origin}/nothing", timeout=5).status_code > 0
            return False

        wait_until(listens, PATIENCE)

    def wait_for_database(self) -> None:
        """Wait until the database answers this process."""

        def answers() -> bool:
            try:
                with self.services.db.engine.connect() as connection:
                    return connection.execute(text("SELECT 1")).scalar() == 1
            except Exception:  # noqa: BLE001 - whatever it is: it does not answer yet
                return False

        wait_until(answers, PATIENCE)

    def settle(self) -> None:
        """Wait until nothing waits in the spool any more."""
        self.wait_for_database()
        wait_until(lambda: is_empty(self.settings.data_dir / "spool"), PATIENCE)

    def poll(self) -> int:
        """Read the carrier's list as if its turn had come; returns how many events were news."""
        with self.services.db.tenant(self.company.id) as session:
            session.execute(update(CarrierPoll).values(due_at=self.services.clock()))
        return polling.poll(self.services, self.company.id, self._account())

    def _account(self) -> UUID:
        with self.services.db.tenant(self.company.id) as session:
            return session.query(CarrierAccount).one().id

    def forget(self) -> None:
        """Let the carrier forget the calls so far: their rows are judged."""
        for kind in ("call", "recording"):
            for record in self.twin.desk.records.all(kind):
                self.twin.desk.records.drop(kind, record["sid"])


@contextmanager
def storm_rig() -> Iterator[Rig]:
    """Start everything; all of it is gone after the block."""
    with ExitStack() as stack:
        # The database's own user must reach its folder.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="calls-")))
        folder.chmod(0o755)
        postgres, redis = EmbeddedPostgres(folder / "pg"), EmbeddedRedis(folder / "redis")
        postgres.start()
        stack.callback(postgres.erase)
        redis.start()
        stack.callback(redis.erase)
        migrate(postgres.owner_url)
        data = stack.enter_context(small_disk(folder / "voice", SPOOL_MB))
        port = free_port()
        origin = f"http://127.0.0.1:{port}"
        settings = settings_for(postgres, redis.url, data, port=port, public_base_url=origin)
        services = build(settings)
        stack.callback(services.db.close)
        company = make_company(services, numbers=len(FLOWS), settings={"protection": UNBOUNDED})
        stranger = make_company(services, numbers=1)
        numbers = _answer_by_flows(services, company)
        with services.db.tenant(company.id) as session:
            kept = wanted_numbers(session, settings, company.id)
        directory = [
            SimulatedNumber(
                e164=one.wanted.e164,
                voice_url=for_lookups(one.wanted.voice_url),
                voice_fallback_url=for_lookups(one.wanted.voice_fallback_url),
                status_callback=for_reports(one.wanted.status_callback),
                sms_url=one.wanted.sms_url,
                account_sid=company.account_sid,
            )
            for one in kept
        ]
        twin, base = stack.enter_context(_twin(directory, company, stranger))
        carriers = Carriers(base)
        carriers._http = TwilioHttp(base, timeout=(2.0, 20.0), pause=lambda seconds: None)
        stack.callback(carriers.close)
        answers = folder / "answers"
        with services.db.system() as system:
            write_static(answers, files_of(static_rows(system), answers))
        voice = VoiceProcess(settings, port)
        stack.callback(voice.kill)
        front = stack.enter_context(serving(answers, upstream=origin))
        elsewhere = stack.enter_context(serving(answers))
        services = replace(services, carriers=carriers)
        rig = Rig(postgres, redis, services, voice, company, stranger, numbers, twin, front, elsewhere)
        rig.start_voice()
        yield rig


def _answer_by_flows(services: Services, company: Company) -> dict[str, int]:
    """Give every flow a number of its own; the first number is answered by the location's settings."""
    for place, (name, plain) in enumerate(FLOWS.items()):
        if plain is SETTINGS:
            continue
        with services.db.tenant(company.id) as session:
            flow_id = flow_service.create(session, company.id, name, plain, "anna", services.clock())
            number_id = company.number_ids[place]
            flow_service.assign(session, company.id, flow_id, "number", number_id, "anna", services.clock())
    return {name: place for place, name in enumerate(FLOWS)}


@contextmanager
def _twin(directory: list[SimulatedNumber], *companies: Company) -> Iterator[tuple[Twin, str]]:
    """Serve a carrier that knows the companies' accounts and remembers what is played."""
    tokens = {company.account_sid: company.auth_token for company in companies}
    twin = Twin(tokens.__getitem__, lambda: directory, behaviour=Behaviour(speed=0))
    app = Flask("carrier")
    app.register_blueprint(twin.blueprint)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield twin, f"http://127.0.0.1:{server.server_port}{SANDBOX_CARRIER_PATH}"
    finally:
        twin.close()
        server.shutdown()
        thread.join(5)
        server.server_close()
