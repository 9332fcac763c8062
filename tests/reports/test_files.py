"""Files for spreadsheets: the filters stand in them, no cell is run, money is exact."""

import csv
import io

import openpyxl
import pytest

from calltrack.reports.asking import read_asked
from calltrack.reports.files import csv_of, xlsx_of
from calltrack.reports.names import names_of
from calltrack.reports.report import make_report
from calltrack.reports.table import Table, table_of
from calltrack.wiring import Services
from tests.builders import Company
from tests.reports.world import NOW, TODAY, brought, count, spend

EVIL = ("=cmd|' /C calc'!A0", "+39", "@SUM(1)\x1f")


@pytest.fixture
def table(services: Services, company: Company) -> Table:
    brought(services, company, NOW.replace(day=18), EVIL, "lead", "purchase", value=123_456)
    brought(services, company, NOW.replace(day=17), ("google", "cpc", "a"), "lead")
    spend(services, company, "\x1f".join(("google", "cpc", "a")), {NOW.replace(day=17).date(): 999})
    count(services, company)
    with services.db.tenant(company.id) as session:
        asked = read_asked({"sort": "value", "medium": "+39"}, "campaign", TODAY)
        found, names = make_report(session, company.id, asked, now=NOW), names_of(session, company.id)
        return table_of(found, names, "Prova", "Europe/Rome", "EUR", NOW)


def test_a_csv_states_its_filters_and_runs_nothing(table: Table) -> None:
    rows = list(csv.reader(io.StringIO("".join(csv_of(table)))))
    told = dict(row for row in rows[: rows.index([])])
    assert told["Filters"] == "medium +39"
    assert told["Period"] == "2026-10-22 to 2026-11-20 (30 days)"
    assert told["Made"] == "2026-11-20 12:00 Europe/Rome"
    head, total, row = rows[rows.index([]) + 1 :]
    assert head[:4] == ["Campaign", "Source", "Medium", "Campaign"]
    assert row[head.index("Value (EUR)")] == total[head.index("Value (EUR)")] == "1234.56"
    assert row[1:3] == ["'" + EVIL[0], "'+39"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in rows for cell in line)


def test_a_workbook_holds_text_and_numbers_on_two_sheets(table: Table) -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx_of(table)))
    sheet, told = book["Report"], dict(book["Filters"].iter_rows(values_only=True))
    assert told["Filters"] == "medium +39"
    cells = [list(row) for row in sheet.iter_rows()]
    assert {cell.data_type for row in cells for cell in row} <= {"s", "n"}
    head = [cell.value for cell in cells[0]]
    assert cells[2][1].value == EVIL[0]
    assert float(cells[2][head.index("Value (EUR)")].value) == 1234.56
    assert cells[2][head.index("Leads")].value == 1
