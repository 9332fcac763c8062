"""A worker is killed in the middle of a handler: its fact comes back, its effects stay single (fault F11)."""

from pathlib import Path
from time import monotonic

from sqlalchemy import func, select

from calltrack.attribution.model import Attribution
from calltrack.config import Settings
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.journeys.model import Person
from calltrack.wiring import Services
from tests.builders import Company
from tests.workers.process import CLOCK, WORKER, end_call, open_facts, running, until

# Handles the call for real, then hangs before the fact is settled: the worst moment to die.
HANGING_WORKER = """
import sys, time, pathlib
from calltrack.config import read_settings
from calltrack.wiring import build
from workers.main import serve
from workers.subscriptions import SUBSCRIPTIONS

def hang(services, company_id, call_id):
    pathlib.Path(sys.argv[1]).touch()
    time.sleep(600)

ended = (*SUBSCRIPTIONS["call.ended"], hang)
serve(build(read_settings()), subscriptions={**SUBSCRIPTIONS, "call.ended": ended})
"""


def test_a_killed_workers_fact_is_handled_again_within_a_minute_and_counts_once(
    services: Services, settings: Settings, company: Company, tmp_path: Path
) -> None:
    hangs = tmp_path / "hangs"
    with running(settings, "-c", HANGING_WORKER, str(hangs)) as worker:
        end_call(services, company)
        services.nudges.wake("handle_facts", str(company.id))
        assert until(hangs.exists, 90)
        worker.kill()
        worker.wait()
        died = monotonic()
    assert open_facts(services, company) > 0
    with running(settings, *WORKER), running(settings, *CLOCK):
        assert until(lambda: open_facts(services, company) == 0, 60)
    assert monotonic() - died < 60
    with services.db.tenant(company.id) as session:
        counts = {
            table.__tablename__: session.scalar(select(func.count()).select_from(table))
            for table in (Attribution, Person, Conversion, ConversionChange)
        }
    assert counts == {"attribution": 1, "person": 1, "conversion": 1, "conversion_change": 1}
