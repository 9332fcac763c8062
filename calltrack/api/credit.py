"""Credit over many touches, by API: every model side by side."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.accounts.queries import company as company_row
from calltrack.api.access import needs
from calltrack.journeys.credit.paths import OTHER
from calltrack.kernel.errors import NotFound
from calltrack.kernel.origin import words_of
from calltrack.reports.credit.answers import report_of
from calltrack.reports.credit.queries import Asked, CreditReport, Side
from calltrack.wiring import Services

AGAINST = "Less what the last touch gives; below zero: this model gives less."


class CreditQuestion(BaseModel):
    """Which conversions are credited, to what, and how far back touches count."""

    since: Annotated[date, Field(description="First day, in the company's time zone.")]
    until: Annotated[date, Field(description="Last day, included; at most 800 days after the first.")]
    kind: Annotated[Literal["lead", "purchase"], Field(description="Which conversions.")] = "lead"
    by: Annotated[Literal["source", "campaign"], Field(description="What a channel is.")] = "source"
    days: Annotated[int, Field(description="Touches of so many days before the call count: 7, 30 or 90.")] = (
        30
    )


class ChannelShape(BaseModel):
    """A channel; the campaign is empty by source, and where none is named."""

    source: str
    medium: str
    campaign: str
    is_other: Annotated[bool, Field(description="true: all channels beyond the 23 touched most.")]


class ShareShape(BaseModel):
    """What a channel is credited with."""

    channel: ChannelShape
    conversions: float
    value_minor: int
    conversions_against_last: Annotated[float, Field(description=AGAINST)]
    value_minor_against_last: Annotated[int, Field(description=AGAINST)]


class ModelCreditShape(BaseModel):
    """One model: credits and what is nobody's add up to the totals exactly."""

    model: str
    name: str
    sentence: Annotated[str, Field(description="What the model does.")]
    refusal: Annotated[str, Field(description="Why there is no credit; empty: there is.")]
    missing: Annotated[int, Field(description="Conversions that are missing before it is shown.")]
    credits: list[ShareShape]
    uncredited: Annotated[float, Field(description="Conversions without a known touch in the window.")]
    uncredited_value_minor: int
    moved: Annotated[
        float | None, Field(description="Conversions that go to other channels than under the last touch.")
    ]


class CreditTotalsShape(BaseModel):
    """What there was."""

    conversions: float
    value_minor: Annotated[int, Field(description="In the company's currency, minor units (cents).")]
    currency: str
    journeys_without: Annotated[float, Field(description="Journeys that led to no such conversion.")]


class CreditShape(BaseModel):
    """The credit of a period under every model, channels in the order of the last touch."""

    since: date
    until: date
    kind: str
    by: str
    days: int
    totals: CreditTotalsShape
    models: list[ModelCreditShape]
    counted_at: Annotated[datetime | None, Field(description="null: no day was counted yet.")]
    days_waiting: Annotated[int, Field(description="Days that are about to be counted anew.")]


def credit_of(services: Services) -> APIBlueprint:
    """Return the route of credit over many touches."""
    blueprint = APIBlueprint("api_credit", __name__, url_prefix="/api/v1/credit", tag="Reports")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(CreditQuestion, location="query", arg_name="question")
    @blueprint.output(CreditShape)
    def read_credit(question: CreditQuestion) -> dict[str, Any]:
        """Say who brought the conversions of a period, under every model side by side."""
        asked = Asked(question.since, question.until, question.by, question.kind, question.days)
        with services.db.tenant(g.asker.company_id) as session:
            company = company_row(session, g.asker.company_id)
            if company is None:
                raise NotFound("The company is gone.")
            return _shape(report_of(session, company.id, asked, services.clock()), company.currency)

    return blueprint


def _shape(report: CreditReport, currency: str) -> dict[str, Any]:
    asked, totals = report.asked, report.totals
    return {
        "since": asked.since,
        "until": asked.until,
        "kind": asked.kind,
        "by": asked.level,
        "days": asked.days,
        "totals": {
            "conversions": totals.conversions,
            "value_minor": totals.value_minor,
            "currency": currency,
            "journeys_without": totals.nulls,
        },
        "models": [_model(report, side) for side in report.sides],
        "counted_at": report.counted_at,
        "days_waiting": report.waiting,
    }


def _model(report: CreditReport, side: Side) -> dict[str, Any]:
    credit, against = side.credit, side.against
    return {
        "model": side.model,
        "name": side.label,
        "sentence": side.sentence,
        "refusal": side.refusal,
        "missing": side.missing,
        "credits": [
            {
                "channel": _channel(report.channels[at]),
                "conversions": credit.conversions[at],
                "value_minor": credit.value_minor[at],
                "conversions_against_last": against.conversions[at],
                "value_minor_against_last": against.value_minor[at],
            }
            for at in report.order
        ]
        if credit and against
        else [],
        "uncredited": report.totals.uncredited,
        "uncredited_value_minor": credit.uncredited_value_minor if credit else 0,
        "moved": against.moved if against else None,
    }


def _channel(name: str) -> dict[str, Any]:
    source, medium, campaign = ("", "", "") if name == OTHER else words_of(name)
    return {"source": source, "medium": medium, "campaign": campaign, "is_other": name == OTHER}
