"""What the carrier remembers: numbers, calls, messages, recordings, kept over a restart of the sandbox."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

Record = dict[str, Any]
MOST_OF_A_KIND = 50_000
AT = "_at"
"""When a record began, in seconds since 1970; names with an underscore are not shown."""


class Records:
    """Records by kind and SID, newest first; every change is one appended line. Thread-safe."""

    def __init__(self, file: Path | None = None) -> None:
        """Read what an earlier run kept in `file` (None: in memory only)."""
        self.lock = threading.RLock()
        self._file = file
        self._kinds: dict[str, dict[str, Record]] = {}
        if file is not None and file.exists():
            self._read(file)

    def put(self, kind: str, sid: str, record: Mapping[str, Any], at: datetime | None = None) -> Record:
        """Add or replace a record and return it; `at` is its beginning, now where not given."""
        with self.lock:
            kept = dict(record)
            kept.setdefault(AT, (at or datetime.now(UTC)).timestamp())
            rows = self._kinds.setdefault(kind, {})
            rows[sid] = kept
            while len(rows) > MOST_OF_A_KIND:
                del rows[next(iter(rows))]
            self._write([kind, sid, kept])
            return kept

    def change(self, kind: str, sid: str, change: Callable[[Record], None]) -> Record | None:
        """Change a record in place; None when there is none."""
        with self.lock:
            record = self.get(kind, sid)
            if record is None:
                return None
            change(record)
            record["date_updated"] = rfc_2822(datetime.now(UTC))
            return self.put(kind, sid, record)

    def get(self, kind: str, sid: str) -> Record | None:
        """Return a copy of a record, or None."""
        with self.lock:
            record = self._kinds.get(kind, {}).get(sid)
            return None if record is None else dict(record)

    def drop(self, kind: str, sid: str) -> bool:
        """Forget a record; False when there was none."""
        with self.lock:
            found = self._kinds.get(kind, {}).pop(sid, None) is not None
            if found:
                self._write([kind, sid, None])
            return found

    def all(self, kind: str) -> list[Record]:
        """Return copies of all records of a kind, newest first."""
        with self.lock:
            rows = [dict(row) for row in self._kinds.get(kind, {}).values()]
        return sorted(rows, key=lambda row: (row[AT], row.get("sid", "")), reverse=True)

    def _read(self, file: Path) -> None:
        for line in file.read_text().splitlines():
            try:
                kind, sid, record = json.loads(line)
            except ValueError:
                continue  # The last line of a run that was killed while it wrote.
            if record is None:
                self._kinds.get(kind, {}).pop(sid, None)
            else:
                self._kinds.setdefault(kind, {})[sid] = record
        draft = file.with_suffix(".new")
        with open(draft, "w", opener=_private) as whole:
            for kind, rows in self._kinds.items():
                whole.writelines(json.dumps([kind, sid, record]) + "\n" for sid, record in rows.items())
        draft.replace(file)

    def _write(self, line: list[Any]) -> None:
        if self._file is not None:
            with open(self._file, "a", opener=_private) as file:
                file.write(json.dumps(line) + "\n")


def _private(path: str, flags: int) -> int:
    """Open for this user only: the records hold people's numbers."""
    return os.open(path, flags, 0o600)


def new_sid(prefix: str) -> str:
    """Return an identifier as the carrier makes them."""
    return prefix + secrets.token_hex(16)


def rfc_2822(moment: datetime) -> str:
    """Return a time as the carrier's older resources write it: Sun, 22 Nov 2026 12:00:00 +0000."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0))


def shown(record: Mapping[str, Any]) -> Record:
    """Return a record without what only the twin knows."""
    return {name: value for name, value in record.items() if not name.startswith("_")}
