"""The export of a ledger as CSV: rows per second, and what it takes of memory in a process of its own.

EXPORT_ROWS (default 20,000; the long form has 300,000) is how many deliveries the ledger has.
"""

import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from calltrack.config import read_settings
from calltrack.delivery.export import csv_of
from calltrack.delivery.log import DeliveryFilter
from calltrack.destinations import DESTINATIONS
from calltrack.wiring import build
from tests.bench.audience_crowd import analyze, fill
from tests.bench.context import ROOT, Context, Result
from tests.builders import make_company

ROWS = int(os.environ.get("EXPORT_ROWS", "20000"))
PLACE: Final = "00000000-0000-7000-8000-000000000001"
_FILL: Final = (
    """
    INSERT INTO destination (company_id, id, kind, name, settings, secrets, status, status_changed_at,
        created_at)
    VALUES (:company, :place, :kind, 'Google Ads', '{}', '', 'paused', now(), now())
    """,
    """
    INSERT INTO conversion_change (company_id, id, conversion_id, sequence, action, value_minor, currency,
        changed_at, changed_by, reason)
    SELECT company_id, id, id, 0, 'create', value_minor, currency, changed_at, 'bench', ''
    FROM conversion WHERE company_id = :company
    """,
    """
    INSERT INTO delivery (company_id, id, destination_id, conversion_id, change_id, sequence, upload_id,
        payload, payload_hash, state, planned_at, settled_at, explanation, attempts, last_class)
    SELECT company_id, id, :place, id, id, 0, 'conv-' || id, convert_to(repeat('x', 700), 'UTF8'), '',
        'confirmed', occurred_at, occurred_at, 'Google counted it.', 1, 'DONE'
    FROM conversion WHERE company_id = :company
    """,
)


def run(context: Context) -> list[Result]:
    """Fill a ledger and let a fresh process export all of it."""
    company = make_company(context.services)
    owner, kind = context.postgres.owner_url, sorted(DESTINATIONS)[0]
    fill(context.services, owner, company, ROWS, datetime.now(UTC))
    for statement in _FILL:
        with context.services.db.tenant(company.id) as session:
            session.execute(text("SET LOCAL statement_timeout = '30min'"))
            session.execute(text(statement), {"company": company.id, "place": PLACE, "kind": kind})
    analyze(owner)
    command = [sys.executable, "-m", "tests.bench.export", str(company.id)]
    ran = subprocess.run(
        command, env=os.environ | context.environment(), cwd=ROOT, check=True, capture_output=True, text=True
    )
    rows, seconds, before, after = (float(word) for word in ran.stdout.split())
    if rows != ROWS:
        raise SystemExit(f"{ROWS:,} deliveries came out as {rows:,.0f} rows")
    return [
        Result(f"export, {ROWS:,} deliveries", rows / seconds, "rows/s"),
        Result("memory before the export", before, "MB (peak RSS)"),
        Result("memory at its end", after, "MB (peak RSS)"),
    ]


def main(company_id: str) -> None:
    """Export one company's deliveries, count the lines, print count, seconds and peaks of memory."""
    services = build(read_settings())
    lines = 0
    before, began = _peak(), time.perf_counter()
    for part in csv_of(services.db, UUID(company_id), DeliveryFilter(), "Deliveries", services.clock()):
        lines += part.count("\n")
    print(lines - 2, time.perf_counter() - began, before, _peak())


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1])
