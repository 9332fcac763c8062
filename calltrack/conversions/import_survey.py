"""What a whole file of outcomes says of each order (or call): read once for a run, not once a turn."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.conversions import imports, inbox, intake
from calltrack.conversions.import_rules import plan_from, read_line
from calltrack.conversions.sources_model import Import
from calltrack.conversions.told import Told
from calltrack.infra.crypto import Vault


@dataclass(frozen=True, slots=True)
class About:
    """What a whole file says of one order (or call): the hash of its lines, the first and the last."""

    told: bytes
    first: int
    last: int


Survey = Mapping[bytes, About]


class Surveys:
    """The surveys of the files a process works on, each kept until its run is over.

    A file of 200,000 lines takes longer to read than a turn lasts. At most `most` are kept, the newest.
    """

    def __init__(self, most: int = 2) -> None:
        self._most, self._lock = most, threading.Lock()
        self._kept: dict[tuple[UUID, UUID], tuple[dict[str, Any], Survey]] = {}

    def of(self, session: Session, vault: Vault, row: Import) -> Survey:
        """Return the survey of this run of the file; it is read if it is not kept."""
        key, run = (row.company_id, row.id), dict(row.plan)
        with self._lock:
            kept = self._kept.get(key)
        if kept and kept[0] == run:
            return kept[1]
        survey = read_survey(session, vault, row)
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (run, survey)
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
        return survey

    def forget(self, row: Import) -> None:
        """Let go of a file whose run is over."""
        with self._lock:
            self._kept.pop((row.company_id, row.id), None)


SURVEYS = Surveys()


def read_survey(session: Session, vault: Vault, row: Import) -> Survey:
    """Read the whole file: what all its lines together say of each order (or call)."""
    plan, ways = plan_from(row.plan), intake.ways_of(session, row.company_id)
    began = run_at(row)
    found: dict[bytes, About] = {}
    for number in range(imports.parts_of(row.rows)):
        for line, cells in imports.lines_of(session, vault, row.company_id, row.id, number):
            told = read_line(line, cells, plan, len(row.header), ways, began)
            if isinstance(told, Told):
                subject = inbox.subject_of(vault, row.company_id, told)
                before = found.get(subject, About(b"", line, line))
                told_so_far = hashlib.sha256(before.told + told.fingerprint).digest()
                found[subject] = About(told_so_far, before.first, line)
    return found


def run_at(row: Import) -> datetime:
    """Return when this run began; the same for every part, whoever works on it."""
    begun = row.plan.get("run_at")
    return datetime.fromisoformat(begun) if begun else row.created_at
