"""A report as a file: the same question, the same figures, the filters written into it."""

from flask import Response, abort, request
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.reports.asking import read_asked
from calltrack.reports.days import day_of
from calltrack.reports.dimensions import DIMENSIONS
from calltrack.reports.names import names_of
from calltrack.reports.report import make_report
from calltrack.reports.table import table_of
from calltrack.wiring import Services


@page("/reports/<dimension>/file.<kind>", "viewer")
def report_file(services: Services, here: Here, dimension: str, kind: str) -> ResponseReturnValue:
    """Send a report as CSV or as an Excel workbook."""
    if dimension not in DIMENSIONS or kind not in ("csv", "xlsx"):
        abort(404)
    # Spreadsheets: only whoever makes one needs their library in memory.
    from calltrack.reports.files import XLSX, csv_of, xlsx_of

    company = here.company
    asked = read_asked(request.args, dimension, day_of(here.now, company.timezone))
    with services.db.tenant(company.id) as session:
        found = make_report(session, company.id, asked, now=here.now)
        names = names_of(session, company.id, found)
    table = table_of(found, names, company.name, company.timezone, company.currency, here.now)
    name = f"{dimension}-{asked.now.since}-{asked.now.until}.{kind}"
    answer = Response(xlsx_of(table), mimetype=XLSX) if kind == "xlsx" else Response(
        "\ufeff" + "".join(csv_of(table)), content_type="text/csv; charset=utf-8"
    )  # fmt: skip
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
