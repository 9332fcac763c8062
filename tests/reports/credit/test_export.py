"""Credit as a file: no cell of somebody else's words is a formula."""

import csv
import io

from calltrack.kernel.origin import campaign_key
from calltrack.reports.credit.counting import rows_of, store
from calltrack.reports.credit.day_paths import DayPaths
from calltrack.reports.credit.export import csv_of
from calltrack.reports.credit.model import CreditDay
from calltrack.reports.credit.queries import Asked, credit_report
from calltrack.reports.credit.told import Ended
from calltrack.wiring import Services
from tests.builders import Company
from tests.reports.credit.rows import GOOGLE
from tests.reports.credit.test_stored import DAY, NOON


def test_words_of_others_are_no_formulas_and_our_numbers_stay_numbers(
    services: Services, company: Company
) -> None:
    found, hostile = DayPaths(), campaign_key("=HYPERLINK(1)", "+cpc", "@sum")
    found.add([Ended("lead", NOON, 1_000, (), {hostile: 0.5, GOOGLE: 0.5})], {})
    with services.db.tenant(company.id) as session:
        session.add(CreditDay(company_id=company.id, day=DAY, counted_at=NOON))
        session.flush()
        store(session, company.id, DAY, rows_of(company.id, DAY, found))
        text = csv_of(credit_report(session, company.id, Asked(DAY, DAY, "campaign")), "EUR", "=Credit")
    lines = list(csv.reader(io.StringIO(text)))
    assert lines[0][0].startswith("'=Credit; 2026-11-20 to 2026-11-20; leads per campaign")
    rows = {(row[0], row[1]): row for row in lines[2:]}
    assert rows["last", "'=HYPERLINK(1)"][2:7] == ["'+cpc", "'@sum", "0.5", "5.00", "EUR"]
    assert rows["last", "google"][4:8] == ["0.5", "5.00", "EUR", "0.0"]
    assert rows["last", "(nobody)"][4:6] == ["0.0", "0.00"]
    assert "199 more are needed" in rows["markov1", ""][9]
