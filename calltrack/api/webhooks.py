"""What calltrack sends to webhooks of its own accord, as the API's description tells it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field


class SegmentNamed(BaseModel):
    """The segment somebody entered."""

    id: str
    name: str


class EnteredShape(BaseModel):
    """Who entered, as they were then; no name, no number, no address."""

    id: Annotated[str, Field(description="Stays the same however often it is sent.")]
    sequence: Literal[0]
    occurred_at: Annotated[datetime, Field(description="When it was seen.")]
    segment: SegmentNamed
    person_id: Annotated[str, Field(description="`GET /api/v1/persons/{person_id}` tells more.")]
    first_at: Annotated[datetime, Field(description="The first visit, call or other touchpoint.")]
    source: Annotated[str, Field(description="Of the first touch; empty: not known.")]
    medium: str
    campaign: str
    stage: Literal["awareness", "familiarity", "consideration", "purchase", "loyalty"]
    score: Annotated[int, Field(ge=0, le=100)]
    visits: int
    calls: int
    missed: int
    purchases: int
    value_minor: Annotated[int, Field(description="Of the purchases, in minor units of `currency`.")]
    currency: str


class SegmentEntered(BaseModel):
    """Somebody entered a segment whose `webhook_id` names this webhook."""

    type: Literal["segment.entered"]
    timestamp: datetime
    data: EnteredShape


def add_webhooks(document: dict[Any, Any] | str) -> dict[Any, Any] | str:
    """Add to the API's description what webhooks are sent."""
    if isinstance(document, str):
        return document
    headers = [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": words}
        for name, words in (
            ("webhook-id", "The same for every try: take each once."),
            ("webhook-timestamp", "Seconds since 1970 at which this try was signed."),
            ("webhook-signature", "`v1,` and a signature; see standardwebhooks.com."),
        )
    ]
    post = {
        "summary": "Somebody entered a segment",
        "description": "Signed, tried again and paused as described in docs/destinations/webhook.md.",
        "tags": ["Journeys"],
        "parameters": headers,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _whole(SegmentEntered.model_json_schema())}},
        },
        "responses": {"2XX": {"description": "Taken; anything else is tried again."}},
    }
    return {**document, "webhooks": {"segment.entered": {"post": post}}}


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with every part in its place: its references mean nothing inside another document."""
    parts = schema.pop("$defs", {})

    def put(node: Any) -> Any:
        if isinstance(node, dict):
            named = str(node.get("$ref", "")).rpartition("/")[2]
            return put(parts[named]) if named else {key: put(value) for key, value in node.items()}
        return [put(one) for one in node] if isinstance(node, list) else node

    found: dict[str, Any] = put(schema)
    return found
