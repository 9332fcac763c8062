"""How deliveries, destinations, answers and notices look in the API."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from calltrack.delivery.answers import Line, Receiver
from calltrack.delivery.log import Counts
from calltrack.delivery.queries import AttemptRow, DeliveryRow
from calltrack.destinations.preview import Shown


class DeliveryShape(BaseModel):
    """One conversion change on its way to one destination."""

    id: str
    conversion_id: str
    call_id: str
    kind: Annotated[str, Field(description="lead or purchase")]
    action: Annotated[str, Field(description="create, restate or retract")]
    value_minor: Annotated[int | None, Field(description="In minor units (cents): the whole value.")]
    currency: str
    destination_id: str
    destination: str
    destination_kind: str
    sequence: Annotated[int, Field(description="0: the original; more: adjustments, in order.")]
    upload_id: str
    state: str
    attempts: int
    explanation: str
    preflight: Annotated[str, Field(description="Before anything was sent: send, wait, never; '' not kept.")]
    preflight_code: str
    preflight_reason: str
    preflight_until: datetime | None
    preflight_at: datetime | None
    last_class: str | None
    planned_at: datetime
    due_at: datetime | None
    settled_at: datetime | None


class AttemptShape(BaseModel):
    """One try: what came back, when, and what it means."""

    number: int
    step: str
    started_at: datetime
    finished_at: datetime | None
    request_sha256: str
    status: int | None
    answer: str
    class_: Annotated[str | None, Field(alias="class")]
    message: str


class RequestShape(BaseModel):
    """The request a delivery makes when it is sent alone; secrets are stars."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class DeliveryDetail(DeliveryShape):
    """A delivery with its frozen payload, the request it makes, and every attempt."""

    payload: str
    payload_sha256: str
    request: Annotated[RequestShape | None, Field(description="null: nothing is kept to be sent.")]
    history: list[AttemptShape]


class CountsShape(BaseModel):
    """How many deliveries are in each state; the states add up to `total`."""

    total: int
    by_state: dict[str, int]
    withheld: Annotated[
        dict[str, int], Field(description="The withheld ones by the code that kept them back.")
    ]
    is_cut: Annotated[
        bool,
        Field(
            description="Confirmed and withheld ones are counted among the newest 200,000 of the time only"
            " (50,000 where a kind, an action or a text is asked for): there may be more."
        ),
    ]


class AnswerShape(BaseModel):
    """Why a conversion has, or has not, reached a destination, and what to do."""

    destination_id: Annotated[str | None, Field(description="null: the platform is not connected.")]
    destination: str
    destination_kind: str
    conversion_id: str | None
    conversion_kind: str | None
    delivery_id: Annotated[str | None, Field(description="The delivery the answer speaks of.")]
    tone: Literal["good", "live", "calm", "warn", "bad"]
    headline: str
    explanation: str
    next_step: str
    action: Annotated[
        str, Field(description="What would help: connect, settings, resume, replay, settle ...")
    ]


class CallAnswers(BaseModel):
    """The answers of one call."""

    call_id: str
    answers: list[AnswerShape]


class NoticeShape(BaseModel):
    """Something that needs somebody, or that is good to know."""

    id: str
    kind: str
    subject: Annotated[str, Field(description="Id of what it is about, in hex.")]
    destination_id: Annotated[str | None, Field(description="null: it is about something else.")]
    level: Literal["action", "info"]
    text: str
    since: datetime
    seen_at: datetime
    resolved_at: datetime | None
    dismissed_at: datetime | None


class TallyShape(BaseModel):
    """A day of a destination: our counts beside the platform's."""

    day: date
    sent: int
    confirmed: int
    rejected: int
    received: int | None
    counted: int | None
    refused: int | None
    difference: Annotated[int | None, Field(description="Theirs minus ours; null: nothing to compare.")]
    note: str
    asked_at: datetime


def delivery_shape(row: DeliveryRow) -> dict[str, Any]:
    """Return a delivery as the API shows it."""
    shown = {
        name: getattr(row, name)
        for name in DeliveryShape.model_fields
        if name not in ("id", "conversion_id", "call_id", "destination_id", "kind")
    }
    return shown | {
        "id": str(row.id),
        "conversion_id": str(row.conversion_id),
        "call_id": str(row.call_id),
        "destination_id": str(row.destination_id),
        "kind": row.conversion_kind,
    }


def attempt_shape(row: AttemptRow) -> dict[str, Any]:
    """Return an attempt as the API shows it."""
    return {
        "number": row.number,
        "step": row.step,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "request_sha256": row.request_hash,
        "status": row.status,
        "answer": row.answer,
        "class": row.class_,
        "message": row.message,
    }


def request_shape(shown: Shown | None) -> dict[str, Any] | None:
    """Return a request as the API shows it."""
    if shown is None:
        return None
    return {"method": shown.method, "url": shown.url, "headers": shown.headers, "body": shown.body}


def counts_shape(counts: Counts) -> dict[str, Any]:
    """Return counts as the API shows them."""
    return {"total": counts.total, "by_state": counts.by_state, "withheld": counts.withheld,
            "is_cut": counts.is_cut}  # fmt: skip


def answer_shapes(receivers: tuple[Receiver, ...]) -> list[dict[str, Any]]:
    """Return the answers of a call, one for each destination and conversion."""
    return [_answer(one, line) for one in receivers for line in one.lines]


def _answer(one: Receiver, line: Line) -> dict[str, Any]:
    return {
        "destination_id": str(one.id) if one.id else None,
        "destination": one.name,
        "destination_kind": one.kind,
        "conversion_id": str(line.conversion.id) if line.conversion else None,
        "conversion_kind": line.conversion.kind if line.conversion else None,
        "delivery_id": str(line.telling) if line.telling else None,
        "tone": line.answer.tone,
        "headline": line.answer.headline,
        "explanation": line.answer.explanation,
        "next_step": line.answer.next_step,
        "action": line.answer.link,
    }
