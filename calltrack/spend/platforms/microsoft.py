"""Microsoft Advertising: cost by campaign and day from a report (Reporting API, REST v13).

A report is ordered, made, and fetched as a zipped CSV; while it is being made its number is kept, so that
nobody orders it twice.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import msgspec

from calltrack.destinations.microsoft_answers import read_applied
from calltrack.destinations.microsoft_settings import BASE_URL, MicrosoftSettings
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.infra.http import HttpAnswer, HttpRequest
from calltrack.kernel.errors import BadInput
from calltrack.spend.platforms.base import Line, Source, Waiting, too_much, trouble_of, unreadable
from calltrack.spend.platforms.microsoft_zones import REPORT_ZONES, ZONES
from calltrack.spend.rules import micros_of_text
from calltrack.spend.told import AccountTold, CampaignTold, Days, DayTold, Spent, Trouble

LABEL: Final = "Microsoft Advertising"
REPORTING: Final = "https://reporting.api.bingads.microsoft.com"
CUSTOMERS: Final = "https://clientcenter.api.bingads.microsoft.com"
COLUMNS: Final = ("TimePeriod", "CampaignId", "CampaignName", "Spend", "Clicks", "Impressions")
MOST_UNPACKED: Final = 200_000_000
# Where a day begins before it does nearly everywhere else.
EARLIEST: Final = "AucklandWellington"
# What a damaged or foreign archive makes zipfile raise.
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError)


class _Account(msgspec.Struct, rename="pascal"):
    name: str = ""
    currency_code: str = ""
    time_zone: str = ""


class _AccountAnswer(msgspec.Struct, rename="pascal"):
    account: _Account


class _Ordered(msgspec.Struct, rename="pascal"):
    report_request_id: str


class _Status(msgspec.Struct, rename="pascal"):
    status: str
    report_download_url: str | None = None


class _Polled(msgspec.Struct, rename="pascal"):
    report_request_status: _Status


class MicrosoftSpend(Source):
    """Spend of a Microsoft Advertising account."""

    name: ClassVar[str] = "microsoft"
    label: ClassVar[str] = LABEL
    kinds: ClassVar[tuple[str, ...]] = ("microsoft",)
    carrier: ClassVar[str] = "microsoft"
    number: ClassVar[str] = "The number after aid= in the address bar of Microsoft Advertising."

    def read_number(self, text: str) -> str:
        """Return the digits."""
        if not re.fullmatch(r"[0-9]{1,18}", text.strip()):
            raise BadInput("Write the number after aid= in the address bar of Microsoft Advertising.")
        return text.strip()

    def number_in(self, settings: MicrosoftSettings) -> str:
        """Return the account of the destination."""
        return settings.account_id

    def ask_account(self, line: Line, settings: Any, account: str) -> AccountTold:
        """Ask customer management for the account."""
        url = f"{_host(settings, CUSTOMERS)}/CustomerManagement/v13/Account/Query"
        answer = _post(line, settings, account, url, {"AccountId": account})
        found = _decode(answer, _AccountAnswer).account
        zone = ZONES.get(found.time_zone)
        if zone is None:
            words = (
                f"The time zone of the account ({found.time_zone[:60] or 'none'}) is not known to calltrack."
            )
            raise trouble_of(Outcome(Class.BUG, "TIME_ZONE", words), LABEL)
        if not found.currency_code:
            raise unreadable(LABEL)
        return AccountTold(found.name or account, found.currency_code.upper(), zone)

    def ask_days(
        self, line: Line, settings: Any, account: str, days: Days, waiting: Waiting, *, zone: str
    ) -> Spent | Waiting:
        """Order the report, or ask for the one that was ordered; when it is made, fetch it."""
        base = f"{_host(settings, REPORTING)}/Reporting/v13/GenerateReport"
        ordered = waiting.get("report", "")
        if not ordered:
            wanted = {"ReportRequest": _report(account, days, zone)}
            ordered = _decode(_post(line, settings, account, f"{base}/Submit", wanted), _Ordered)
            ordered = ordered.report_request_id
        answer = _post(line, settings, account, f"{base}/Poll", {"ReportRequestId": ordered})
        status = _decode(answer, _Polled).report_request_status
        if status.status == "Pending":
            return {"report": ordered}
        if status.status != "Success":
            words = "Microsoft could not make the report. It is ordered again by itself."
            raise Trouble("later", words, timedelta(minutes=15))
        if not status.report_download_url:
            return Spent(days, (), ())
        return _spent(days, _table(line.fetch(status.report_download_url)))


def _report(account: str, days: Days, zone: str) -> Mapping[str, Any]:
    return {
        "Type": "CampaignPerformanceReportRequest",
        "ReportName": "calltrack campaigns by day",
        "Format": "Csv",
        "FormatVersion": "2.0",
        "Aggregation": "Daily",
        "Columns": list(COLUMNS),
        "ExcludeReportHeader": True,
        "ExcludeReportFooter": True,
        "ExcludeColumnHeaders": False,
        # The days of now are told as far as they are known; they are read again.
        "ReturnOnlyCompleteData": False,
        "Scope": {"AccountIds": [account]},
        "Time": {
            "CustomDateRangeStart": _date(days.first),
            "CustomDateRangeEnd": _date(days.last),
            # No day after today may be asked for, and unless named, the zone is that of the US West Coast.
            "ReportTimeZone": REPORT_ZONES.get(zone, EARLIEST),
        },
    }


def _date(day: date) -> dict[str, int]:
    return {"Day": day.day, "Month": day.month, "Year": day.year}


def _table(answer: HttpAnswer) -> list[dict[str, str]]:
    """Return the rows of the zipped CSV; an incomplete file is no answer."""
    if answer.status in (403, 404):
        # Addresses of reports end after some minutes.
        raise Trouble("later", "Microsoft's report was no longer there; it is ordered again by itself.")
    if answer.status != 200:
        raise unreadable(LABEL)
    if answer.truncated:
        raise too_much(LABEL)
    try:
        with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
            (info,) = packed.infolist()
            if info.file_size > MOST_UNPACKED:
                raise too_much(LABEL)
            content = packed.read(info).decode("utf-8-sig")
    except _BROKEN:
        raise unreadable(LABEL) from None
    reader = csv.DictReader(io.StringIO(content), restval="")
    try:
        if reader.fieldnames is None or set(COLUMNS) - set(reader.fieldnames):
            raise unreadable(LABEL)
        return list(reader)
    except csv.Error:
        raise unreadable(LABEL) from None


def _spent(days: Days, rows: list[dict[str, str]]) -> Spent:
    try:
        told = [
            DayTold(
                row["CampaignId"], date.fromisoformat(row["TimePeriod"][:10]), micros_of_text(row["Spend"]),
                int(row["Clicks"]), int(row["Impressions"]),
            )
            for row in rows
        ]  # fmt: skip
    except (ValueError, TypeError):
        raise unreadable(LABEL) from None
    campaigns = {row["CampaignId"]: CampaignTold(row["CampaignId"], row["CampaignName"]) for row in rows}
    return Spent(days, list(campaigns.values()), told)


def _host(settings: MicrosoftSettings, live: str) -> str:
    """Return a service's address; at the twin all services share one."""
    base = settings.base_url.rstrip("/")
    if base == BASE_URL:
        return live
    host = urlsplit(base).hostname or ""
    if host.startswith("campaign.api."):
        name = (urlsplit(live).hostname or "").partition(".")[0]
        return base.replace("//campaign.", f"//{name}.", 1)
    return base


def _post(
    line: Line, settings: MicrosoftSettings, account: str, url: str, body: Mapping[str, Any]
) -> HttpAnswer:
    def build(token: str | None) -> HttpRequest:
        headers = {
            "content-type": "application/json",
            "developertoken": settings.developer_token.get_secret_value(),
            "customerid": settings.customer_id,
            "customeraccountid": account,
        }
        if token:
            headers["authorization"] = f"Bearer {token}"
        return HttpRequest("POST", url, headers, msgspec.json.encode(body))

    answer = line.ask(build)
    if answer.status != 200 and b"InvalidReportId" in answer.body:
        words = "Microsoft does not know the ordered report any more. It is ordered again by itself."
        raise Trouble("later", words, timedelta(minutes=1))
    if answer.status != 200:
        outcome = read_applied(answer, 1)[0]
        if outcome.class_ not in (Class.LATER, Class.CONFIG, Class.UNKNOWN):
            outcome = Outcome(Class.BUG, outcome.code, f"{outcome.code}.")
        raise trouble_of(outcome, LABEL)
    return answer


def _decode(answer: HttpAnswer, type_: Any) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise unreadable(LABEL) from None
