"""Keeping the guard's snapshot fresh: from the database every 5 s, from a file when it is away."""

import os
import threading
import time
from pathlib import Path

import msgspec
from psycopg import Error as DatabaseError
from psycopg.rows import tuple_row

from calltrack.calls.guard.policy import BlockedRow, CompanyRow, GuardImage, Policies, UsedRow
from calltrack.infra.bounded import BoundedConnection, connect
from calltrack.infra.log import log

REFRESH_SECONDS = 5.0
LOAD_SECONDS = 10.0
# A look that took long is repeated less often: it may use a twentieth of one connection's time.
REST = 20
COMPANIES = """
    SELECT id, country, timezone, coalesce(settings -> 'protection', '{}'::jsonb) FROM company ORDER BY id
"""
BLOCKED = """
    SELECT company_id, caller_hash, kind, length, expires_at FROM blocked_caller
    WHERE expires_at IS NULL OR expires_at > now() ORDER BY company_id, caller_hash
"""
# Only what rang a line counts: whoever is refused cannot use a number's day up. `LONGEST_CALL` is 4 h.
# Calls we begin count, too; their ids carry their time, so the primary key finds today's. OFFSET 0 keeps the
# look-ups of each company and call apart: joined as the planner likes, all there ever was is read.
USED = """
    WITH days AS (
        SELECT id AS company_id, (now() AT TIME ZONE timezone)::date AS day,
               date_trunc('day', now() AT TIME ZONE timezone) AT TIME ZONE timezone AS since
        FROM company
    ), used AS (
        SELECT d.company_id, d.day, one.number_id, one.seconds FROM days d CROSS JOIN LATERAL (
            SELECT c.number_id, CASE
                       WHEN c.duration_seconds IS NOT NULL THEN c.duration_seconds
                       WHEN c.ended_at IS NOT NULL THEN extract(epoch FROM c.ended_at - c.started_at)
                       ELSE extract(epoch FROM now() - c.started_at) END AS seconds
            FROM call c
            WHERE c.company_id = d.company_id AND c.started_at >= d.since
              AND EXISTS (
                  SELECT 1 FROM leg l WHERE l.company_id = c.company_id AND l.call_id = c.id OFFSET 0)
            OFFSET 0) one
        UNION ALL
        SELECT d.company_id, d.day, one.number_id, one.seconds FROM days d CROSS JOIN LATERAL (
            SELECT b.number_id, CASE
                       WHEN b.state = 'placed' THEN extract(epoch FROM now() - b.created_at)
                       ELSE extract(epoch FROM coalesce(b.ended_at, b.created_at) - b.created_at) END
                       AS seconds
            FROM outbound_call b
            WHERE b.company_id = d.company_id AND b.state IN ('placed', 'over', 'unknown')
              AND b.id >= (lpad(to_hex((extract(epoch FROM d.since) * 1000)::bigint), 12, '0')
                           || '70000000000000000000')::uuid
            OFFSET 0) one
    )
    SELECT company_id, number_id, day, count(*)::int,
           sum(ceil(greatest(1, least(14400, seconds)) / 60.0))::int
    FROM used GROUP BY company_id, number_id, day ORDER BY company_id, number_id
"""
REPORTED = """
    SELECT caller_hash, count(*)::int FROM spam_report
    WHERE reported_at > now() - interval '30 days' GROUP BY caller_hash ORDER BY caller_hash
"""


class GuardSource:
    """Holds the current snapshot; one background thread replaces it."""

    def __init__(self, system_url: str, saved_at: Path) -> None:
        """Take the system login's address and the file to save to; nothing is read yet."""
        self._system_url = system_url
        self._saved_at = saved_at
        self._policies = Policies(GuardImage())
        self._saved = b""
        self._asked = threading.Event()
        self._refreshed = threading.Condition()
        self._rounds = 0
        self._is_looking = False
        self._stopping = False
        self._connection: BoundedConnection | None = None
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)

    @property
    def policies(self) -> Policies:
        """The protection of all companies as last known."""
        return self._policies

    def start(self) -> None:
        """Load the saved snapshot at once and begin refreshing."""
        try:
            self._saved = self._saved_at.read_bytes()
            self._policies = Policies(msgspec.json.decode(self._saved, type=GuardImage))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as problem:  # msgspec's and pydantic's errors are ValueErrors.
            log.error("guard: the saved protection cannot be read (%s)", problem)
        self._thread.start()

    def stop(self) -> None:
        """End the background thread."""
        self._stopping = True
        self._asked.set()
        if self._thread.is_alive():
            self._thread.join(LOAD_SECONDS)

    def refresh(self, wait_seconds: float) -> bool:
        """Ask for a fresh snapshot and wait so long for it; False: it did not come."""
        with self._refreshed:
            # A look that is under way may have read before the change somebody asks for.
            wanted = self._rounds + (2 if self._is_looking else 1)
            self._asked.set()
            return self._refreshed.wait_for(lambda: self._rounds >= wanted, wait_seconds)

    def _run(self) -> None:
        while not self._stopping:
            with self._refreshed:
                self._asked.clear()
                self._is_looking = True
            began = time.monotonic()
            try:
                self._load()
            except DatabaseError as problem:
                log.warning("guard: the database does not answer, what is known stays (%s)", problem)
                self._drop_connection()
            except ValueError as problem:  # A protection that cannot be read must not end this thread.
                log.error("guard: the stored protection cannot be read, what is known stays (%s)", problem)
            took = time.monotonic() - began
            with self._refreshed:
                self._rounds += 1
                self._is_looking = False
                self._refreshed.notify_all()
            self._asked.wait(max(REFRESH_SECONDS, took * REST))
        self._drop_connection()

    def _load(self) -> None:
        if self._connection is None:
            self._connection = connect(self._system_url, LOAD_SECONDS)
        self._connection.deadline = time.monotonic() + LOAD_SECONDS
        cursor = self._connection.cursor(row_factory=tuple_row)
        image = GuardImage(
            [CompanyRow(*row) for row in cursor.execute(COMPANIES)],
            [BlockedRow(*row) for row in cursor.execute(BLOCKED)],
            [UsedRow(*row) for row in cursor.execute(USED)],
            [(row[0], row[1]) for row in cursor.execute(REPORTED)],
        )
        self._policies = Policies(image, self._policies)
        self._save(msgspec.json.encode(image))

    def _save(self, image: bytes) -> None:
        if image == self._saved:
            return
        draft = self._saved_at.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        try:
            self._saved_at.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(image)
            draft.replace(self._saved_at)
            self._saved = image
        except OSError as problem:
            log.error("guard: the protection could not be saved (%s); calls go on", problem)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.abandon()
            self._connection = None
