"""The reports of the Microsoft twin: ordered, made after a while, fetched as a zipped CSV for minutes."""

import csv
import io
import secrets
import threading
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from calltrack.sandbox.platforms.microsoft import fault, refusal_for, refuse
from calltrack.sandbox.platforms.twin import Desk, as_json

PLATFORM: Final = "microsoft"
TARGET: Final = "microsoft_reporting"
KEPT: Final = timedelta(minutes=5)
COLUMNS: Final = frozenset(
    (
        "TimePeriod",
        "AccountId",
        "CampaignId",
        "CampaignName",
        "Spend",
        "Clicks",
        "Impressions",
        "CurrencyCode",
    )
)
ZONES: Final = {
    "Europe/Rome": "AmsterdamBerlinBernRomeStockholmVienna",
    "America/New_York": "EasternTimeUSCanada",
    "Pacific/Auckland": "AucklandWellington",
}
_ROOT: Final = "/microsoft/Reporting/v13/GenerateReport"


@dataclass(frozen=True)
class Ordered:
    """A report somebody ordered."""

    columns: tuple[str, ...]
    first: str
    last: str
    at: datetime


class Orders:
    """The reports that were ordered. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Ordered] = {}

    def add(self, one: Ordered) -> str:
        """Keep an order and return its id."""
        id_ = secrets.token_hex(12)
        with self._lock:
            self._kept[id_] = one
        return id_

    def get(self, id_: str) -> Ordered | None:
        """Return an order."""
        return self._kept.get(id_)


def submit(orders: Orders, now: datetime, body: bytes) -> Response:
    """Answer `GenerateReport/Submit`."""
    try:
        wanted = msgspec.json.decode(body)["ReportRequest"]
        time, columns = wanted["Time"], tuple(wanted["Columns"])
        first, last = _day(time["CustomDateRangeStart"]), _day(time["CustomDateRangeEnd"])
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return fault(400, 201)
    is_wrong = (
        wanted.get("Type") != "CampaignPerformanceReportRequest"
        or wanted.get("Aggregation") != "Daily"
        or not columns
        or set(columns) - COLUMNS
        or last < first
        or not wanted.get("Scope", {}).get("AccountIds")
        # Without it Microsoft takes the day of the US West Coast for today, and refuses later days.
        or time.get("ReportTimeZone") not in ZONES.values()
    )
    if is_wrong:
        return fault(400, 2004, "ReportingServiceInvalidReportRequest")
    return as_json({"ReportRequestId": orders.add(Ordered(columns, str(first), str(last), now))})


def poll(desk: Desk, orders: Orders, body: bytes) -> Response:
    """Answer `GenerateReport/Poll`."""
    try:
        id_ = str(msgspec.json.decode(body)["ReportRequestId"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return fault(400, 201)
    one = orders.get(id_)
    if one is None:
        return fault(400, 2100, "ReportingServiceInvalidReportId")
    if (desk.now() - one.at).total_seconds() < desk.faults.modes.processing_seconds:
        return as_json({"ReportRequestStatus": {"Status": "Pending", "ReportDownloadUrl": None}})
    rows = desk.spend.days(PLATFORM, one.first, one.last, desk.now())
    url = f"{request.host_url}sandbox/microsoft/reports/{id_}.zip" if rows else None
    return as_json({"ReportRequestStatus": {"Status": "Success", "ReportDownloadUrl": url}})


def packed(desk: Desk, one: Ordered) -> bytes:
    """Return the zipped CSV."""
    names = {id_: campaign.name for id_, campaign in desk.spend.campaigns(PLATFORM).items()}
    told = desk.spend.account(PLATFORM)
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, one.columns, extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    for row in desk.spend.days(PLATFORM, one.first, one.last, desk.now()):
        writer.writerow(
            {
                "TimePeriod": row.day, "CampaignId": row.campaign, "CampaignName": names[row.campaign],
                "Spend": f"{row.cost_micros / 1_000_000:.2f}", "Clicks": row.clicks,
                "Impressions": row.impressions, "CurrencyCode": told.currency, "AccountId": "",
            }
        )  # fmt: skip
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.csv", "\ufeff" + sheet.getvalue())
    return content.getvalue()


def account(desk: Desk, body: bytes) -> Response:
    """Answer `Account/Query`."""
    told = desk.spend.account(PLATFORM)
    try:
        number = str(msgspec.json.decode(body)["AccountId"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return fault(400, 201)
    found = {
        "Id": number, "Name": told.name, "CurrencyCode": told.currency,
        "TimeZone": ZONES.get(told.timezone, told.timezone),
    }  # fmt: skip
    return as_json({"Account": found})


def add(pages: Blueprint, desk: Desk) -> None:
    """Add the addresses of reports."""
    orders = Orders()

    @pages.post(f"{_ROOT}/Submit")
    def microsoft_order() -> Response:
        """Take an order for a report."""
        return desk.answer(
            TARGET,
            lambda: refusal_for(desk.now()) or submit(orders, desk.now(), request.get_data()),
            refuse,
        )

    @pages.post(f"{_ROOT}/Poll")
    def microsoft_poll() -> Response:
        """Tell how far a report is."""
        return desk.answer(
            TARGET, lambda: refusal_for(desk.now()) or poll(desk, orders, request.get_data()), refuse
        )

    @pages.get("/microsoft/reports/<id_>.zip")
    def microsoft_report_file(id_: str) -> Response:
        """Give a report out, without a sign-in, for some minutes."""
        one = orders.get(id_)
        if one is None or desk.now() - one.at > KEPT:
            return Response("<Error><Code>AuthenticationFailed</Code></Error>", 403)
        return desk.answer(
            TARGET, lambda: Response(packed(desk, one), content_type="application/zip"), refuse
        )

    @pages.post("/microsoft/CustomerManagement/v13/Account/Query")
    def microsoft_account() -> Response:
        """Tell of an account."""
        return desk.answer(
            TARGET, lambda: refusal_for(desk.now()) or account(desk, request.get_data()), refuse
        )


def _day(told: Any) -> date:
    return date(told["Year"], told["Month"], told["Day"])
