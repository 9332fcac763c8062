"""What the telephone brought: figures of a period against the one before, over time and by source."""

from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue

from calltrack.calls.people.missed import open_missed
from calltrack.conversions.figures import By
from calltrack.conversions.queries import Bucket, CallFilter, find_calls
from calltrack.dashboard import checklist
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.metrics import METRICS
from calltrack.dashboard.periods import NAMES, USUAL, Period, period
from calltrack.dashboard.show import THIN, money
from calltrack.reports.overview import Overview
from calltrack.wiring import Services

MOST_SOURCES = 12


@page("/", "viewer")
def overview(services: Services, here: Here) -> ResponseReturnValue:
    """Show the company's figures of the chosen period."""
    company = here.company
    chosen = period(request.args.get("period", USUAL), here.now, company.timezone)
    by: By = "campaign" if request.args.get("by") == "campaign" else "source"
    with services.db.tenant(company.id) as session:
        figures = Overview(session, services.vault, company.id, company.currency, company.timezone)
        now, counted = figures.totals(chosen.span)
        before, _ = figures.totals(chosen.before)
        buckets = figures.over_time(chosen.span, chosen.step)
        sources = figures.by_source(chosen.span, by)
        to_do = checklist.steps(checklist.standing(session, company.id))
        waiting, _ = open_missed(session, company.id, chosen.span.since)
        missed = find_calls(
            session, services.vault, company.id, CallFilter(outcome="lost", since=chosen.span.since), most=5
        )
    answer = make_response(
        render_template(
            "overview.html",
            period=chosen,
            periods=NAMES,
            by=by,
            metrics=METRICS,
            now=now,
            before=before,
            buckets=buckets,
            summary=_summary(buckets, chosen),
            value_summary=_value_summary(buckets, chosen, company.currency),
            label=_label(chosen),
            chart=_chart(buckets, chosen, company.currency),
            sources=sources[:MOST_SOURCES],
            levels=counted,
            more_sources=sources[MOST_SOURCES:],
            most=_largest(sources),
            missed=missed.rows,
            waiting=waiting,
            missing=[step for step in to_do if not step.is_done] if here.may("manager") else [],
        )
    )
    answer.set_cookie("company", company.id.hex, max_age=31_536_000, httponly=True, samesite="Lax")
    return answer


def _chart(buckets: tuple[Bucket, ...], chosen: Period, currency: str) -> dict[str, Any]:
    """Return the chart's numbers for the data block of the page."""
    label = _label(chosen)
    return {
        "labels": [label(bucket) for bucket in buckets],
        "calls": [bucket.calls for bucket in buckets],
        "answered": [bucket.answered for bucket in buckets],
        "leads": [bucket.leads for bucket in buckets],
        "purchases": [bucket.purchases for bucket in buckets],
        "value": [bucket.value_minor for bucket in buckets],
        "money": [money(bucket.value_minor, currency) for bucket in buckets],
    }


def _label(chosen: Period) -> Any:
    def write(bucket: Bucket) -> str:
        if chosen.step == "month":
            return f"{bucket.start:%b %Y}"
        if chosen.step == "week":
            return f"week of {bucket.start.day} {bucket.start:%b}"
        return f"{bucket.start:%a} {bucket.start.day} {bucket.start:%b}"

    return write


def _summary(buckets: tuple[Bucket, ...], chosen: Period) -> str:
    calls = sum(bucket.calls for bucket in buckets)
    if not calls:
        return f"No call in the last {chosen.words}."
    top = max(buckets, key=lambda bucket: bucket.calls)
    answered = sum(bucket.answered for bucket in buckets)
    return (
        f"{_count(calls, 'call')} in {chosen.words}, {answered} of them answered; "
        f"most on {_label(chosen)(top)} ({top.calls})."
    ).replace("most on week of", "most in the week of")


def _value_summary(buckets: tuple[Bucket, ...], chosen: Period, currency: str) -> str:
    purchases = sum(bucket.purchases for bucket in buckets)
    value = sum(bucket.value_minor for bucket in buckets)
    if not purchases:
        return f"No purchase in the last {chosen.words}."
    return f"{_count(purchases, 'purchase')} worth {money(value, currency)} in {chosen.words}."


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}".replace(",", THIN)


def _largest(sources: tuple[Any, ...]) -> dict[str, int]:
    return {
        name: max((getattr(row, name) for row in sources), default=0) or 1
        for name in ("calls", "leads", "purchases", "value_minor")
    }
