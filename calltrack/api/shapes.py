"""How attributions and conversions look in answers."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from calltrack.attribution.model import Attribution
from calltrack.conversions.model import Conversion


class AttributionShape(BaseModel):
    """Which visit made the call, how sure that is, and why."""

    visit_id: Annotated[str | None, Field(description="null: no visit is likely enough.")]
    probability: Annotated[float, Field(ge=0, le=1)]
    p_nobody: Annotated[float, Field(ge=0, le=1, description="That no visit of the site made the call.")]
    source: str
    medium: str
    campaign: str
    p_campaign: Annotated[float, Field(ge=0, le=1)]
    candidates: list[dict[str, Any]]
    reasons: list[str]
    model: str
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
    return {
        "visit_id": str(row.visit_id) if row.visit_id else None,
        "probability": row.probability,
        "p_nobody": row.p_nobody,
        "source": row.source,
        "medium": row.medium,
        "campaign": row.campaign,
        "p_campaign": row.p_campaign,
        "candidates": row.candidates,
        "reasons": row.reasons,
        "model": row.model,
        "decided_at": row.decided_at,
    }


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
