"""Keeping the route table fresh: from the database every 15 s and when asked, from a file when it is away."""

import os
import threading
import time
from pathlib import Path

import msgspec
from psycopg import Error as DatabaseError
from psycopg.rows import tuple_row

from calltrack.calls.flow_book import FlowRow
from calltrack.calls.route_table import AccountRow, RouteRow, RouteTable, TableImage
from calltrack.calls.sip_book import SipLoginRow
from calltrack.infra.bounded import BoundedConnection, connect
from calltrack.infra.crypto import Vault
from calltrack.infra.log import log

REFRESH_SECONDS = 15.0
TRY_AGAIN_SECONDS = 2.0
AT_MOST_EVERY = 1.0
LOAD_SECONDS = 10.0
# A number just given back still receives the reports of its last calls.
ROUTES = """
    SELECT n.company_id, n.id AS number_id, n.e164, n.kind, n.source, n.medium, n.campaign,
           n.released_at IS NOT NULL AS is_released, l.id AS location_id, l.forward_to, l.ring_seconds,
           l.announcement, l.language, l.whisper, l.voicemail, l.record, a.account_sid, c.timezone,
           f.current_version, c.settings ->> 'transcripts' IS NOT DISTINCT FROM 'carrier' AS is_transcribed
    FROM tracking_number n
    JOIN location l ON l.company_id = n.company_id AND l.id = n.location_id
    JOIN carrier_account a ON a.company_id = n.company_id AND a.id = n.carrier_account_id
    JOIN company c ON c.id = n.company_id
    LEFT JOIN LATERAL (
        SELECT flow.current_version
        FROM flow_assignment s
        JOIN call_flow flow ON flow.company_id = s.company_id AND flow.id = s.flow_id
        WHERE s.company_id = n.company_id AND flow.deleted_at IS NULL
          AND ((s.scope = 'number' AND s.subject_id = n.id) OR (s.scope = 'pool' AND s.subject_id = n.pool_id)
               OR (s.scope = 'location' AND s.subject_id = n.location_id)
               OR (s.scope = 'company' AND s.subject_id = n.company_id))
        ORDER BY array_position(ARRAY['number', 'pool', 'location', 'company'], s.scope) LIMIT 1
    ) f ON true
    WHERE n.released_at IS NULL OR n.released_at > now() - interval '1 day'
    ORDER BY n.company_id, n.id
"""
# A call that began under a version goes on under it; a day is longer than any call.
FLOWS = """
    SELECT v.company_id, v.id AS version, v.definition::text AS definition
    FROM call_flow_version v
    JOIN call_flow f ON f.company_id = v.company_id AND f.id = v.flow_id
    WHERE (v.replaced_at IS NULL OR v.replaced_at > now() - interval '1 day')
      AND (f.deleted_at IS NULL OR f.deleted_at > now() - interval '1 day')
    ORDER BY v.company_id, v.id
"""
ACCOUNTS = """
    SELECT a.company_id, a.account_sid, a.auth_token,
           coalesce(c.settings ->> 'safe_forward_to', '') AS safe_forward_to, c.country
    FROM carrier_account a JOIN company c ON c.id = a.company_id
    ORDER BY a.company_id, a.id
"""
SIP_LOGINS = "SELECT company_id, host, username, password FROM sip_login ORDER BY company_id, host"
VERSION = f"""
    SELECT md5(coalesce((SELECT string_agg(md5(r::text), '') FROM ({ROUTES}) r), '')
            || coalesce((SELECT string_agg(md5(a::text), '') FROM ({ACCOUNTS}) a), '')
            || coalesce((SELECT string_agg(version::text, '') FROM ({FLOWS}) v), '')
            || coalesce((SELECT string_agg(md5(l::text), '') FROM ({SIP_LOGINS}) l), ''))
"""  # noqa: S608 - all parts are constants of this file


class RouteSource:
    """Holds the current table; one background thread replaces it when the database has a newer one."""

    def __init__(self, system_url: str, vault: Vault, base_url: str, saved_at: Path) -> None:
        """Take the system login's address and the file to save to; nothing is read yet."""
        self._system_url = system_url
        self._vault = vault
        self._base_url = base_url
        self._saved_at = saved_at
        self._table: RouteTable | None = None
        self._asked = threading.Event()
        self._refreshed = threading.Condition()
        self._rounds = 0
        self._waiters = threading.BoundedSemaphore(2)
        self._last_round = 0.0
        self._stopping = False
        self._connection: BoundedConnection | None = None
        self._thread = threading.Thread(target=self._run, name="routes", daemon=True)

    @property
    def table(self) -> RouteTable | None:
        """The routes as last known; None: nothing is known yet, let the carrier use its fallback."""
        return self._table

    def start(self, wait_seconds: float = 3.0) -> None:
        """Load the saved table at once and begin refreshing; without a saved one, wait for the first load."""
        self._load_file()
        self._thread.start()
        if self._table is None:
            with self._refreshed:
                self._refreshed.wait_for(lambda: self._rounds > 0, wait_seconds)

    def stop(self) -> None:
        """End the background thread."""
        self._stopping = True
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join(LOAD_SECONDS)

    def refresh(self, wait_seconds: float, gap: float = AT_MOST_EVERY) -> None:
        """Ask for a fresh table and wait so long for it; nothing is asked within `gap` of the last one.

        At most two requests wait at once: strangers who ask for numbers that do not exist must not keep
        the threads that callers need.
        """
        if not self._waiters.acquire(blocking=False):
            return
        try:
            with self._refreshed:
                rounds = self._rounds
                if time.monotonic() - self._last_round >= gap:
                    self._asked.set()
                    self._refreshed.wait_for(lambda: self._rounds > rounds, wait_seconds)
        finally:
            self._waiters.release()

    def _run(self) -> None:
        while not self._stopping:
            self._asked.clear()
            wait = REFRESH_SECONDS
            try:
                self._load_with_fresh_eyes()
            except DatabaseError as problem:
                log.warning("routes: the database does not answer, the last known table stays (%s)", problem)
                self._drop_connection()
                wait = TRY_AGAIN_SECONDS
            with self._refreshed:
                self._rounds += 1
                self._last_round = time.monotonic()
                self._refreshed.notify_all()
            self._asked.wait(wait)
        self._drop_connection()

    def _load_with_fresh_eyes(self) -> None:
        """Load; a connection kept since the last time may have died meanwhile, so it gets a second chance."""
        was_connected = self._connection is not None
        try:
            self._load_database()
        except DatabaseError:
            self._drop_connection()
            if not was_connected:
                raise
            self._load_database()

    def _load_database(self) -> None:
        if self._connection is None:
            self._connection = connect(self._system_url, LOAD_SECONDS)
        self._connection.deadline = time.monotonic() + LOAD_SECONDS
        cursor = self._connection.cursor(row_factory=tuple_row)
        version = str(cursor.execute(VERSION).fetchall()[0][0])
        if self._table is not None and version == self._table.version:
            return
        routes = [RouteRow(*row) for row in cursor.execute(ROUTES)]
        accounts = [AccountRow(*row) for row in cursor.execute(ACCOUNTS)]
        flows = [FlowRow(*row) for row in cursor.execute(FLOWS)]
        logins = [SipLoginRow(*row) for row in cursor.execute(SIP_LOGINS)]
        image = TableImage(version, routes, accounts, flows, logins)
        self._table = RouteTable(image, self._vault, self._base_url)
        self._save_file(image)

    def _save_file(self, image: TableImage) -> None:
        draft = self._saved_at.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        try:
            self._saved_at.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(image))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._saved_at)
        except OSError as problem:
            log.error("routes: the table could not be saved (%s); calls go on", problem)

    def _load_file(self) -> None:
        try:
            image = msgspec.json.decode(self._saved_at.read_bytes(), type=TableImage)
        except FileNotFoundError:
            return
        except (OSError, msgspec.MsgspecError) as problem:
            log.error("routes: the saved table cannot be read (%s)", problem)
            return
        self._table = RouteTable(image, self._vault, self._base_url)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.abandon()
            self._connection = None
