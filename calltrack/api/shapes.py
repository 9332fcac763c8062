"""How attributions and conversions look in answers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from calltrack.attribution.model import Attribution
from calltrack.attribution.queries import shown
from calltrack.conversions.model import Conversion

Probability = Annotated[float, Field(ge=0, le=1)]


class CandidateShape(BaseModel):
    """A visit that may have made the call."""

    visit_id: Annotated[str | None, Field(description="null: its visitor was erased.")]
    visitor_id: str | None
    probability: Probability
    carried: Annotated[float, Field(description="The part of it that an earlier call handed on.")]
    source: str
    medium: str
    campaign: str


class ShareShape(BaseModel):
    """What a campaign, or a source (then `campaign` is empty), comes to."""

    source: str
    medium: str
    campaign: str
    probability: Probability


class ReasonShape(BaseModel):
    """A reason as a code with values; `said`: a sentence of an older verdict."""

    code: str
    values: dict[str, Any]


class AttributionShape(BaseModel):
    """Who made the call, how sure that is, and why: candidates, `rest` and `p_nobody` add up to 1."""

    level: Annotated[
        Literal["visit", "campaign", "source", "unknown"],
        Field(description="The finest level that is credited, by your thresholds for reports."),
    ]
    visit_id: Annotated[str | None, Field(description="null: no visit is likely enough.")]
    probability: Annotated[float, Field(ge=0, le=1, description="Of the likeliest visit, credited or not.")]
    p_nobody: Annotated[float, Field(ge=0, le=1, description="That no visit of the site made the call.")]
    source: Annotated[str, Field(description="What is credited; empty: unknown.")]
    medium: str
    campaign: str
    p_campaign: Annotated[float, Field(ge=0, le=1, description="Of the likeliest campaign, credited or not.")]
    p_source: Annotated[float, Field(ge=0, le=1, description="Of the likeliest source, credited or not.")]
    candidates: Annotated[list[CandidateShape], Field(description="The likeliest visits, at most 100.")]
    rest: Annotated[float, Field(description="Visits too unlikely to be listed, together.")]
    p_repeat: Annotated[float, Field(description="How much of it earlier calls handed on.")]
    by_campaign: list[ShareShape]
    by_source: list[ShareShape]
    reasons: Annotated[list[str], Field(description="In words.")]
    reason_codes: list[ReasonShape]
    model: Annotated[str, Field(description="The version of the model that judged.")]
    decided_at: datetime


class ConversionShape(BaseModel):
    """A lead or a purchase."""

    id: str
    call_id: str
    kind: str
    status: str
    value_minor: Annotated[int | None, Field(description="In minor units (cents).")]
    currency: str
    occurred_at: datetime
    decided_by: str
    via: Annotated[
        str, Field(description="How it was told: rule, dashboard, api, crm, import, link, call_back.")
    ]
    reason: str
    external_id: Annotated[str, Field(description="The order's own id; empty: the call's own conversion.")]
    ended_by: Annotated[
        str, Field(description="What took it back: none, refund, cancel, rule, merge; empty: it counts.")
    ]
    sequence: Annotated[int, Field(description="How often it was changed since it was made.")]


def attribution_shape(row: Attribution) -> dict[str, Any]:
    """Return a verdict as the API shows it."""
    found = shown(row)
    return {
        "level": found.level,
        "visit_id": _text(found.visit_id),
        "probability": found.probability,
        "p_nobody": found.p_nobody,
        "source": found.source,
        "medium": found.medium,
        "campaign": found.campaign,
        "p_campaign": found.p_campaign,
        "p_source": found.p_source,
        "candidates": [
            vars(one) | {"visit_id": _text(one.visit_id), "visitor_id": _text(one.visitor_id)}
            for one in found.candidates
        ],
        "rest": found.rest,
        "p_repeat": found.p_repeat,
        "by_campaign": [vars(one) for one in found.by_campaign],
        "by_source": [vars(one) for one in found.by_source],
        "reasons": list(found.reasons),
        "reason_codes": list(found.codes),
        "model": found.model,
        "decided_at": found.decided_at,
    }


def _text(id_: UUID | None) -> str | None:
    return str(id_) if id_ else None


def conversion_shape(row: Conversion) -> dict[str, Any]:
    """Return a conversion as the API shows it; plain JSON values only (it may be stored as an answer)."""
    return {
        "id": str(row.id),
        "call_id": str(row.call_id),
        "kind": row.kind,
        "status": row.status,
        "value_minor": row.value_minor,
        "currency": row.currency,
        "occurred_at": row.occurred_at.isoformat(),
        "decided_by": row.decided_by,
        "via": row.via,
        "reason": row.reason,
        "external_id": row.external_id,
        "ended_by": row.ended_by,
        "sequence": row.sequence,
    }
