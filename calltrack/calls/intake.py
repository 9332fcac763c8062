"""Keeping every event the carrier tells: in the database within a second, else in the spool."""

import base64
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from calltrack.calls import service
from calltrack.calls.breaker import Breaker
from calltrack.calls.outbound.reports import Report, store_report
from calltrack.calls.service import Received, UnknownCaller
from calltrack.calls.spool import Spool, Undeliverable, drain, is_empty
from calltrack.infra.bounded import BoundedConnection, BoundedPool
from calltrack.infra.crypto import Unreadable, Vault
from calltrack.infra.log import log
from calltrack.infra.process import wait_until
from calltrack.infra.queue import Nudges
from calltrack.kernel.clock import Clock
from calltrack.kernel.errors import BadInput
from calltrack.telephony.base import CallEvent

STORE_SECONDS = 0.8
ASK_SECONDS = 0.3
LINE_SECONDS = 5.0
START_SECONDS = 1.0
IDLE_SECONDS = 5.0
SPOOL_PLACE = "call_spool.event"
REFUSALS = (psycopg.IntegrityError, psycopg.DataError)


class NotKept(Exception):
    """Neither the database nor the disk took the event; the carrier should send it again."""


class SpoolLine(msgspec.Struct, frozen=True, tag="event"):
    """An event in the spool; it holds the caller's number, so it is sealed."""

    company_id: UUID
    number_id: UUID
    location_id: UUID
    received_at: datetime
    sealed: str


class UnknownLine(msgspec.Struct, frozen=True, tag="unknown"):
    """A call to an unknown number in the spool; nothing of the caller is in it."""

    id: UUID
    at: datetime
    account_sid: str
    call_sid: str
    to_number: str
    detail: dict[str, Any]


class ReportLine(msgspec.Struct, frozen=True, tag="report"):
    """A report about a message or a call we begin in the spool; it may hold numbers, so it is sealed."""

    company_id: UUID
    sealed: str


class Intake:
    """The accept path of one voice process; its keeper thread mends connections and empties the spool."""

    def __init__(
        self, pool: BoundedPool, spool_folder: Path, name: str, vault: Vault, nudges: Nudges, clock: Clock
    ) -> None:
        """Take the parts; nothing runs before `start`."""
        self.breaker = Breaker()
        self._pool = pool
        self._folder = spool_folder
        self._spool = Spool(spool_folder, name)
        self._vault = vault
        self._nudges = nudges
        self._clock = clock
        self._wake = threading.Event()
        self._stopping = False
        self._keeper = threading.Thread(target=self._keep, name="intake", daemon=True)

    def start(self) -> None:
        """Begin to connect and to empty what an earlier process left; a database that is away costs 1 s."""
        self._keeper.start()
        wait_until(lambda: not self._pool.missing or self.breaker.is_open, START_SECONDS)

    def stop(self) -> None:
        """End the keeper thread and let go of the spool."""
        self._stopping = True
        self._wake.set()
        if self._keeper.is_alive():
            self._keeper.join(IDLE_SECONDS)
        self._spool.seal()
        self._pool.drop_idle()

    def accept(self, received: Received) -> None:
        """Keep an event; when this returns it is in the database or in the spool.

        Raises:
            NotKept: both failed.
        """
        if not self.breaker.is_open:
            try:
                with self._pool.lend(STORE_SECONDS) as connection:
                    service.store(connection, self._vault, received, self._clock())
            except psycopg.Error as problem:
                self._fail(problem)
            else:
                self._nudge(received.company_id)
                return
        self._append(spool_line(self._vault, received))

    def accept_unknown(self, unknown: UnknownCaller) -> None:
        """Keep the note of a call to an unknown number; raises NotKept when nothing took it."""
        if not self.breaker.is_open:
            try:
                with self._pool.lend(STORE_SECONDS) as connection:
                    service.store_unknown(connection, unknown)
            except psycopg.Error as problem:
                self._fail(problem)
            else:
                return
        line = UnknownLine(
            unknown.id, unknown.at, unknown.account_sid, unknown.call_sid, unknown.to_number, unknown.detail
        )
        self._append(msgspec.json.encode(line))

    def accept_report(self, report: Report) -> None:
        """Keep a report that is about no caller's call; raises NotKept when nothing took it."""
        if not self.breaker.is_open:
            try:
                with self._pool.lend(STORE_SECONDS) as connection:
                    store_report(connection, self._vault, report, self._clock())
            except psycopg.Error as problem:
                self._fail(problem)
            else:
                self._nudge(report.company_id)
                return
        self._append(report_line(self._vault, report))

    def origin_of(self, company_id: UUID, number_id: UUID) -> tuple[str, str, str] | None:
        """Return source, medium, campaign of the likeliest visit; None when unknown or not told in time."""
        if self.breaker.is_open:
            return None
        try:
            with self._pool.lend(ASK_SECONDS) as connection:
                return service.latest_origin(connection, company_id, number_id, self._clock())
        except psycopg.Error as problem:
            self._fail(problem)
            return None

    def _append(self, line: bytes) -> None:
        try:
            self._spool.append(line)
        except OSError as problem:
            log.critical("spool: the disk did not take an event (%s)", problem)
            raise NotKept from problem

    def _fail(self, problem: psycopg.Error) -> None:
        """Open the breaker, unless it is this one event the database refuses."""
        if isinstance(problem, REFUSALS):
            log.error("voice: the database refused an event (%s)", type(problem).__name__)
        elif self.breaker.open():
            log.error("voice: the database does not answer, events go to the spool (%s)", problem)
        self._wake.set()

    def _nudge(self, company_id: UUID) -> None:
        self._nudges.wake("handle_facts", str(company_id))
        self._nudges.show(str(company_id))

    def _keep(self) -> None:
        while not self._stopping:
            if self.breaker.is_open:
                time.sleep(self.breaker.next_wait())
            elif is_empty(self._folder) and not self._pool.missing:
                self._wake.wait(IDLE_SECONDS)
            self._wake.clear()
            try:
                self._mend()
            except psycopg.Error as problem:
                self._fail(problem)
            except OSError as problem:
                log.error("spool: it cannot be emptied now (%s)", problem)
                self._wake.wait(IDLE_SECONDS)

    def _mend(self) -> None:
        """Bring connections back, try the database with the oldest spooled line, then empty the spool."""
        if self.breaker.is_open:
            self._pool.drop_idle()
        self._pool.refill()
        if self.breaker.is_open:
            with self._pool.lend(STORE_SECONDS) as connection:
                connection.execute("SELECT 1")
        self._spool.seal()
        drained = drain(self._folder, self._deliver)
        if drained:
            log.info("spool: %d events are in the database now", drained)
        if self.breaker.close():
            log.info("voice: the database answers again")

    def _deliver(self, line: bytes) -> None:
        with self._pool.lend(LINE_SECONDS) as connection:
            company_id = deliver(connection, self._vault, line, self._clock())
        if company_id is not None:
            self._nudge(company_id)
        self.breaker.close()  # A line went in: calls need not go to the spool any more.


def spool_line(vault: Vault, received: Received) -> bytes:
    """Return the line under which an event waits in the spool."""
    plain = msgspec.json.encode(received.event.to_json()).decode()
    sealed = base64.b64encode(vault.seal(received.company_id, SPOOL_PLACE, plain)).decode()
    return msgspec.json.encode(
        SpoolLine(received.company_id, received.number_id, received.location_id, received.received_at, sealed)
    )


def report_line(vault: Vault, report: Report) -> bytes:
    """Return the line under which a report waits in the spool."""
    plain = msgspec.json.encode(vars(report)).decode()
    sealed = base64.b64encode(vault.seal(report.company_id, SPOOL_PLACE, plain)).decode()
    return msgspec.json.encode(ReportLine(report.company_id, sealed))


def deliver(connection: BoundedConnection, vault: Vault, line: bytes, now: datetime) -> UUID | None:
    """Store one spooled line; return the company it belongs to, None for an unknown number.

    Raises:
        Undeliverable: the line cannot be read, or the database will never take it (its number is gone).
    """
    try:
        read = msgspec.json.decode(line, type=SpoolLine | UnknownLine | ReportLine)
        if isinstance(read, UnknownLine):
            service.store_unknown(connection, UnknownCaller(**msgspec.structs.asdict(read)))
            return None
        plain = vault.open(read.company_id, SPOOL_PLACE, base64.b64decode(read.sealed))
        if isinstance(read, ReportLine):
            store_report(connection, vault, msgspec.json.decode(plain, type=Report), now)
            return read.company_id
        event = CallEvent.from_json(msgspec.json.decode(plain))
        received = Received(
            read.company_id, read.number_id, read.location_id, event, read.received_at, was_spooled=True
        )
        service.store(connection, vault, received, now)
    except (msgspec.MsgspecError, Unreadable, BadInput, ValueError) as problem:
        raise Undeliverable(f"unreadable ({problem})") from None
    except REFUSALS as problem:
        raise Undeliverable(f"refused by the database ({type(problem).__name__})") from None
    return read.company_id


def drain_leftovers(url: str, folder: Path, vault: Vault, clock: Clock) -> int:
    """Empty the segments of dead voice processes from any other process (the clock); return how many lines.

    Raises:
        psycopg.OperationalError: the database does not answer; nothing is lost, call it again later.
    """
    if is_empty(folder):
        return 0
    pool = BoundedPool(url, 1)
    try:
        pool.refill()

        def hand_over(line: bytes) -> None:
            with pool.lend(LINE_SECONDS) as connection:
                deliver(connection, vault, line, clock())

        return drain(folder, hand_over)
    finally:
        pool.drop_idle()
