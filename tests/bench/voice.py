"""The voice hook under load: first requests of calls, signed, beside the bare reference."""

import statistics
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

from sqlalchemy import create_engine, text

from calltrack.kernel.ids import new_id
from calltrack.sandbox.carrier.signing import sign
from tests.bench import load
from tests.bench.context import Context, Result
from tests.bench.voice_apps import BASE_URL, TABLES
from tests.builders import Company, make_company

PACE = 200
ROUNDS = 3
MOST_PER_SECOND = 3000


def run(context: Context) -> list[Result]:
    """Measure the first request of a call at 32 connections and at 200 requests a second."""
    owner = create_engine(context.postgres.owner_url)
    with owner.begin() as connection:
        connection.execute(text(TABLES))
    owner.dispose()
    companies = [make_company(context.services, numbers=20) for _ in range(10)]
    with (
        context.serve("tests.bench.voice_apps:bare") as bare,
        context.serve("tests.bench.voice_apps:voice", PUBLIC_BASE_URL=BASE_URL) as voice,
    ):
        full, calm = _rounds(context, companies, {"bare": bare, "voice": voice})
    return [
        _result(f"voice hook, {context.connections} connections", "requests/s", full, per_second),
        _result(f"voice hook p99, {context.connections} connections", "ms", full, p99),
        _result(f"voice hook p99 at {PACE}/s", "ms", calm, p99),
        _result("voice hook: processor time of server and database", "ms/request", full, per_answer),
    ]


Reports = dict[str, list[load.Report]]


def _rounds(context: Context, companies: list[Company], ports: dict[str, int]) -> tuple[Reports, Reports]:
    """Measure both in turn, several times; every request is the first of a new call."""
    full: Reports = {name: [] for name in ports}
    calm: Reports = {name: [] for name in ports}
    each = context.seconds / ROUNDS
    for _ in range(ROUNDS):
        for name, port in ports.items():
            calls = list(_calls(companies, int((each + load.WARM_UP_SECONDS) * MOST_PER_SECOND)))
            report = load.closed_loop(
                port, calls, connections=context.connections, seconds=each, processor=context.processor
            )
            full[name].append(report.expect(200))
        for name, port in ports.items():
            calls = list(_calls(companies, int(each * PACE) + 1))
            report = load.paced(port, calls, per_second=PACE, connections=context.connections, seconds=each)
            calm[name].append(report.expect(200))
    return full, calm


def _result(name: str, unit: str, reports: Reports, figure: Callable[[load.Report], float]) -> Result:
    value, reference = (statistics.median(map(figure, reports[which])) for which in ("voice", "bare"))
    return Result(name, value, unit, reference)


def per_second(report: load.Report) -> float:
    """Answers per second."""
    return report.per_second


def per_answer(report: load.Report) -> float:
    """Milliseconds of processor time for one answer."""
    return report.per_answer


def p99(report: load.Report) -> float:
    """Milliseconds that 99 of 100 answers did not exceed."""
    return report.percentile(0.99)


def _calls(companies: list[Company], count: int) -> Iterator[bytes]:
    """The first requests of so many calls, with the fields the carrier really sends."""
    for place in range(count):
        company = companies[place % len(companies)]
        at = place // len(companies) % len(company.numbers)
        path, to = f"/voice/{company.number_ids[at].hex}", company.numbers[at]
        caller = f"+39347{place:07d}"
        fields = {
            "CallSid": "CA" + new_id().hex, "AccountSid": company.account_sid, "ApiVersion": "2010-04-01",
            "From": caller, "Caller": caller, "To": to, "Called": to, "CallStatus": "ringing",
            "Direction": "inbound", "FromCity": "", "FromState": "", "FromZip": "", "FromCountry": "IT",
            "CallerCity": "", "CallerState": "", "CallerZip": "", "CallerCountry": "IT", "ToCity": "Roma",
            "ToState": "", "ToZip": "", "ToCountry": "IT", "CalledCity": "Roma", "CalledCountry": "IT",
        }  # fmt: skip
        headers = {
            "X-Twilio-Signature": sign(BASE_URL + path, fields, company.auth_token),
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
        }
        yield load.post(path, urlencode(fields).encode(), headers)
