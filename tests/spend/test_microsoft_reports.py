"""What a report is ordered with, and which files are no report."""

import io
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
import pytest

from calltrack.destinations.microsoft_settings import MicrosoftSettings
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.sandbox.platforms.accounts import microsoft_settings
from calltrack.spend.platforms.microsoft import MicrosoftSpend
from calltrack.spend.platforms.microsoft_zones import REPORT_ZONES, ZONES
from calltrack.spend.told import Days, Trouble

SETTINGS = MicrosoftSettings.load(microsoft_settings("https://x.test"), sandbox=True)
DAYS = Days(date(2026, 11, 29), date(2026, 11, 30))
HEADER = "TimePeriod,CampaignId,CampaignName,Spend,Clicks,Impressions\n"


class Told:
    """Answers an order at once with a file."""

    def __init__(self, file: bytes) -> None:
        self.asked: list[dict[str, Any]] = []
        self._file = file

    def ask(self, build: Callable[[str | None], HttpRequest]) -> HttpAnswer:
        request = build("token")
        self.asked.append(msgspec.json.decode(request.body))
        made = {"Status": "Success", "ReportDownloadUrl": "https://x.test/r.zip"}
        answer = {"ReportRequestId": "1"} if request.url.endswith("Submit") else {"ReportRequestStatus": made}
        return HttpAnswer(200, {}, msgspec.json.encode(answer))

    def fetch(self, url: str) -> HttpAnswer:
        return HttpAnswer(200, {}, self._file)


def packed(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.csv", "\ufeff" + text)
    return content.getvalue()


def test_today_is_that_of_the_account_wherever_it_is() -> None:
    """Without a zone Microsoft's today is California's: in the morning Rome's day would be refused."""
    line = Told(packed(HEADER + "2026-11-30,512,Bing,1.20,3,40\n"))
    found = MicrosoftSpend().ask_days(line, SETTINGS, "1", DAYS, {}, zone="Europe/Berlin")
    time = line.asked[0]["ReportRequest"]["Time"]
    assert time["ReportTimeZone"] == "AmsterdamBerlinBernRomeStockholmVienna"
    assert [(row.day, row.cost_micros) for row in cast(Any, found).rows] == [(DAYS.last, 1_200_000)]
    MicrosoftSpend().ask_days(line, SETTINGS, "1", DAYS, {}, zone="Europe/Rome")
    assert line.asked[2]["ReportRequest"]["Time"]["ReportTimeZone"] == "AucklandWellington"
    for zone in ZONES.values():
        assert ZoneInfo(zone)
        assert ZONES[REPORT_ZONES[zone]] == zone


@pytest.mark.parametrize(
    "file",
    [
        packed(HEADER + "2026-11-30,512,Bing\n"),
        packed(HEADER + '2026-11-30,512,"' + "x" * 140_000 + '",1,2,3\n'),
        packed("TimePeriod,CampaignId\n"),
        packed(HEADER * 400)[:60] + b"\xff" * 40 + packed(HEADER * 400)[100:],
        b"",
    ],
)
def test_a_file_that_is_no_whole_report_is_asked_for_again(file: bytes) -> None:
    with pytest.raises(Trouble, match="cannot be read") as trouble:
        MicrosoftSpend().ask_days(Told(file), SETTINGS, "1", DAYS, {}, zone="Europe/Berlin")
    assert trouble.value.class_ == "later"
