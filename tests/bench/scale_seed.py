"""Seeds the large company by COPY, two portions at a time, then lets the database know its tables."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import create_engine, text

from calltrack.kernel.ids import new_id
from tests.bench.context import Context
from tests.bench.scale_rows import DETAILS_BACK, EACH, FACTS_BACK, ID, RAW, SPEND, Drawn, draw
from tests.builders import Company

SEEDERS = 2


@dataclass(frozen=True)
class Size:
    """How many visits over how many days; a tenth of them call."""

    visits: int
    days: int


def seed(context: Context, company: Company, size: Size, now: datetime) -> float:
    """Store the company's past until `now`; returns the seconds it took."""
    begun = time.perf_counter()
    values = _values(context, company, size, now)
    owner = create_engine(context.postgres.owner_url, pool_size=SEEDERS)
    with owner.begin() as connection:
        connection.execute(text("SELECT make_partitions(:since, :until)"), values)
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in (_DESTINATION, *SPEND):
            connection.execute(text(statement), values)
    drawn = draw(size.visits, size.days, now)
    say(f"{size.visits:,} visits are drawn", begun)
    chunks, taking, done = iter(drawn.chunks()), threading.Lock(), [0]

    def work(_: int) -> None:
        while True:
            with taking:
                chunk = next(chunks, None)
            if chunk is None:
                return
            _store(owner, drawn, chunk, values)
            done[0] += chunk[1] - chunk[0]
            say(f"{done[0]:,} visits with all that followed are stored", begun)

    with ThreadPoolExecutor(SEEDERS) as pool:
        list(pool.map(work, range(SEEDERS)))
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    owner.dispose()
    say("vacuumed", begun)
    return time.perf_counter() - begun


def say(words: str, begun: float) -> None:
    """Tell on standard error how far it is."""
    print(f"  {words}, {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)


_DESTINATION = """
    INSERT INTO destination (company_id, id, kind, name, settings, secrets, status, status_changed_at,
        created_at)
    VALUES (:company, :destination, 'webhook', 'CRM', '{"url": "https://crm.example.test/hook"}', :secrets,
            'active', :since, :since)
"""


def _values(context: Context, company: Company, size: Size, now: datetime) -> dict[str, Any]:
    vault, numbers = context.services.vault, [id_.hex for id_ in company.number_ids]
    phone = "+390694000001"
    return {
        "company": company.id, "site": company.site_id, "location": company.location_id, "numbers": numbers,
        "number_count": len(numbers), "destination": new_id(now), "account": new_id(now),
        "phone": vault.seal(company.id, "call.caller", phone),
        "phone_of_person": vault.seal(company.id, "person_caller.phone", phone),
        "secrets": vault.seal(company.id, "destination.secrets", "{}"), "until": now,
        "since": now - timedelta(days=size.days), "details_since": now - DETAILS_BACK,
        "facts_since": now - FACTS_BACK,
    }  # fmt: skip


def _store(owner: Any, drawn: Drawn, chunk: tuple[int, int], values: dict[str, Any]) -> None:
    with owner.begin() as connection:
        for statement in (
            "SET LOCAL session_replication_role = replica",
            "SET LOCAL work_mem = '256MB'",
            RAW,
            ID,
        ):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("TRUNCATE raw")
        with connection.connection.driver_connection.cursor().copy("COPY raw FROM STDIN") as copy:
            copy.write(drawn.lines(*chunk))
        for statement in EACH:
            connection.execute(text(statement.replace(":ad", r"\:ad")), values)
