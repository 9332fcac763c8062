"""A segment as a filter of the reports page, its files, the call log, and the API beside them."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

from calltrack.api.registration import new_app, register
from calltrack.app import _explain_errors
from calltrack.stages.segments import segments
from calltrack.wiring import Services
from tests.api.conftest import program_of
from tests.builders import Company
from tests.dashboard.test_reports_page import browser_of, text_of
from tests.reports.world import NOW
from tests.stages.people import Town

ANNA, BEN = "+393471234567", "+393489876543"


def test_a_report_of_a_segment_leads_to_its_calls(services: Services, company: Company) -> None:
    then, town = replace(services, clock=lambda: NOW), Town(services, company)
    for phone, times in ((ANNA, 3), (BEN, 1)):
        town.person(phone)
        for back in range(times):
            call = town.call(phone, NOW - timedelta(days=2 + back))
            town.credit(call, "google", "cpc")
            if phone == ANNA and back == 0:
                town.conversion(call, "purchase", call.started_at, 85_000)
    town.keep()
    town.again()
    with services.db.tenant(company.id) as session:
        customer = next(one.id for one in segments(session, company.id) if one.name == "Customer")
    at, viewer = f"/app/{company.id.hex}", browser_of(then, company)
    page = viewer.get(f"{at}/reports/source?segment={customer}").text
    assert "Spend cannot be split by person" in text_of(page)
    (link,) = re.findall(r'<tr><th scope="row"><a href="([^"]+)">Google Ads', page)
    calls = viewer.get(unescape(link)).text
    assert len(set(re.findall(rf'href="{at}/calls/([0-9a-f]{{32}})"', calls))) == 3
    assert re.search(rf'<option value="{customer.hex}" selected>Customer', calls)
    file = viewer.get(f"{at}/reports/source/file.csv?segment={customer.hex}").text
    assert "Filters,persons in the segment “Customer”" in file
    gone = viewer.get(f"{at}/reports/source?segment={'ab' * 16}")
    assert (gone.status_code, "There is no such segment" in gone.text) == (400, True)
    assert viewer.get(f"{at}/calls?segment={'ab' * 16}").status_code == 400

    app = new_app("api")
    _explain_errors(app)
    register(app, then)
    program = program_of(then, app.test_client(), company, "viewer")
    told = program.get(f"/api/v1/reports/source?segment={customer}").json
    total = told["total"]
    assert (total["calls"], total["value_minor"], total["spend_minor"]) == (3, 85_000, None)
    assert len(program.get(f"/api/v1/calls?segment={customer}").json["calls"]) == 3
    assert len(program.get("/api/v1/calls").json["calls"]) == 4
    for path in ("reports/source", "calls"):
        assert program.get(f"/api/v1/{path}?segment={'ab' * 16}").status_code == 404
