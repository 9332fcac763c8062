"""Outcomes from CRMs: many at once, matched by any clue; the inbox of what leads to no call yet."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import g, request
from pydantic import BaseModel, ConfigDict, Field, RootModel
from sqlalchemy.orm import Session

from calltrack.accounts.rules import may_see_numbers
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.api.paging import Page
from calltrack.conversions import inbox, intake
from calltrack.conversions.inbox_queries import InboxEntry, entry, find_entries
from calltrack.conversions.intake import Sender, Taken
from calltrack.conversions.messages import texts_of
from calltrack.conversions.reading import read_told
from calltrack.conversions.told import Told
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadFields, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import masked
from calltrack.wiring import Services

MOST_ROWS = 1_000
MOMENT = timedelta(microseconds=1)
Text = str | int | float | None


class OutcomeRow(BaseModel):
    """One outcome, and at least one clue to its call: our id, a click id, call_sid, phone or order_id."""

    model_config = ConfigDict(extra="allow")

    outcome: Annotated[
        Text,
        Field(description="lead, purchase (with value), none, refund (value: given back in all), cancelled."),
    ] = None
    value: Annotated[Text, Field(description="In whole units, such as 850.50.")] = None
    currency: Annotated[Text, Field(description="ISO 4217; the company's own if left out.")] = None
    occurred_at: Annotated[Text, Field(description="When it happened; without a zone in the company's.")] = (
        None
    )
    order_id: Annotated[Text, Field(description="The same order again restates it, never a second one.")] = (
        None
    )
    reason: Text = None
    called_at: Annotated[Text, Field(description="When the call began, to match by phone.")] = None
    called_back_at: Annotated[Text, Field(description="When the company called back.")] = None
    id: Annotated[Text, Field(description="A call, conversion or person id of ours.")] = None
    call_sid: Annotated[Text, Field(description="The carrier's call id.")] = None
    phone: Annotated[Text, Field(description="The caller; matched to a call within 24 hours.")] = None
    gclid: Text = None
    gbraid: Text = None
    wbraid: Text = None
    fbclid: Text = None
    msclkid: Text = None
    ttclid: Text = None
    li_fat_id: Text = None
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    city: Text = None
    postal_code: Text = None
    country: Text = None


class Outcomes(
    RootModel[OutcomeRow | Annotated[list[OutcomeRow], Field(min_length=1, max_length=MOST_ROWS)]]
):
    """One outcome, or a list of up to 1,000."""


class RowAnswer(BaseModel):
    """What became of one outcome."""

    index: Annotated[int, Field(description="Its place in the list, from 0.")]
    result: Annotated[
        Literal["created", "changed", "unchanged", "kept", "wrong"],
        Field(description="kept: it leads to no call yet and waits in the inbox; wrong: not accepted."),
    ]
    reason: Annotated[str, Field(description="How the call was found, or what is wrong.")]
    call_id: str | None
    conversion_ids: list[str]
    inbox_id: str | None
    problems: Annotated[dict[str, str], Field(description="Wrong values, by name.")]


class OutcomesAnswer(BaseModel):
    """The results, in the order of the outcomes; the counts add up to their number."""

    results: list[RowAnswer]
    counts: dict[str, int]


class InboxShape(BaseModel):
    """An outcome that led to no call when it came."""

    id: str
    state: Literal["unmatched", "matched", "dismissed"]
    outcome: str
    value_minor: int | None
    currency: str
    occurred_at: datetime | None
    order_id: str
    phone: str | None
    reason: str
    told_by: str
    via: str
    received_at: datetime
    tries: int
    next_try_at: datetime | None
    call_id: str | None


class InboxList(BaseModel):
    """One page of the inbox, newest first."""

    outcomes: list[InboxShape]
    next: str | None


class InboxFilter(Page):
    """Which outcomes to list."""

    state: Literal["unmatched", "matched", "dismissed"] | None = None


class Chosen(BaseModel):
    """The call an outcome is about."""

    call_id: UUID


class Dismissal(BaseModel):
    """Why an outcome is set aside."""

    reason: Annotated[str, Field(min_length=1, max_length=300)]


def crm_of(services: Services) -> APIBlueprint:
    """Return the routes of outcomes from outside."""
    blueprint = APIBlueprint("api_outcomes", __name__, url_prefix="/api/v1/outcomes", tag="Outcomes")
    _add_intake(blueprint, services)
    _add_inbox(blueprint, services)
    return blueprint


def _add_intake(blueprint: APIBlueprint, services: Services) -> None:
    """Take outcomes from a CRM."""

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[409])
    @blueprint.input(Outcomes, arg_name="told")
    @blueprint.output(OutcomesAnswer)
    def post_outcomes(told: Outcomes) -> Any:
        """Tell outcomes of calls; what leads to no call is kept and tried again when it may."""
        now, company_id = services.clock(), g.asker.company_id
        rows = told.root if isinstance(told.root, list) else [told.root]
        sender = Sender(g.asker.name, "crm")
        with services.db.tenant(company_id) as session:

            def act() -> tuple[int, dict[str, Any]]:
                texts = [texts_of(row.model_dump(exclude_none=True)) for row in rows]
                return 200, take_texts(session, services.vault, company_id, texts, sender, now)

            fingerprint = request.path.encode() + b"\n" + request.get_data(cache=True)
            key = request.headers.get("Idempotency-Key")
            status, answer = once(session, company_id, key, fingerprint, now, act)
        services.nudges.wake("handle_facts", str(company_id))
        return answer, status


def _add_inbox(blueprint: APIBlueprint, services: Services) -> None:
    """Show and settle what was not matched."""

    @blueprint.get("/inbox")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(InboxFilter, location="query", arg_name="wanted")
    @blueprint.output(InboxList)
    def list_inbox(wanted: InboxFilter) -> dict[str, Any]:
        """List outcomes that led to no call when they came, newest first."""
        with services.db.tenant(g.asker.company_id) as session:
            found = find_entries(
                session,
                services.vault,
                g.asker.company_id,
                wanted.state or "",
                wanted.cursor,
                wanted.limit + 1,
            )
        rows = found[: wanted.limit]
        return {
            "outcomes": [_shape(row) for row in rows],
            "next": str(rows[-1].id) if len(found) > wanted.limit else None,
        }

    @blueprint.post("/inbox/<inbox_id>/match")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.input(Chosen, arg_name="chosen")
    @blueprint.output(InboxShape)
    def match_outcome(inbox_id: str, chosen: Chosen) -> dict[str, Any]:
        """Let an outcome count for a call."""
        now, company_id, id_ = services.clock(), g.asker.company_id, parse_id(inbox_id)
        with services.db.tenant(company_id) as session:
            intake.match_by_hand(session, services.vault, company_id, id_, chosen.call_id, g.asker.name, now)
            found = _one(session, services.vault, company_id, id_)
        services.nudges.wake("handle_facts", str(company_id))
        return found

    @blueprint.post("/inbox/<inbox_id>/dismiss")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.input(Dismissal, arg_name="said")
    @blueprint.output(InboxShape)
    def dismiss_outcome(inbox_id: str, said: Dismissal) -> dict[str, Any]:
        """Set an outcome aside with a reason."""
        now, company_id, id_ = services.clock(), g.asker.company_id, parse_id(inbox_id)
        with services.db.tenant(company_id) as session:
            inbox.dismiss(session, company_id, id_, said.reason, g.asker.name, now)
            return _one(session, services.vault, company_id, id_)


def take_texts(
    session: Session,
    vault: Vault,
    company_id: UUID,
    rows: list[dict[str, str]],
    sender: Sender,
    now: datetime,
) -> dict[str, Any]:
    """Read and take outcomes given as texts; a wrong one stops no other. Returns the API's answer."""
    ways = intake.ways_of(session, company_id)
    answers: dict[int, dict[str, Any]] = {}
    read: list[tuple[int, Told]] = []
    for index, texts in enumerate(rows):
        try:
            read.append((index, read_told(texts, ways, now)))
        except BadFields as problem:
            answers[index] = _answer(index, "wrong", str(problem), problems=problem.fields)
    # Two words of one message are said in their order, so each stands a moment after the one before.
    told = [(one, now + place * MOMENT) for place, (_, one) in enumerate(read)]
    taken = intake.take(session, vault, company_id, told, sender, now)
    for (index, _), result in zip(read, taken, strict=True):
        answers[index] = _answer(index, result.verdict, result.reason, result)
    inbox.note_told(
        session,
        company_id,
        {inbox.subject_of(vault, company_id, one): one.fingerprint for _, one in read},
        now,
    )
    session.flush()
    results = [answers[index] for index in range(len(rows))]
    names = ("created", "changed", "unchanged", "kept", "wrong")
    return {
        "results": results,
        "counts": {name: sum(one["result"] == name for one in results) for name in names},
    }


def _answer(
    index: int, result: str, reason: str, taken: Taken | None = None, problems: dict[str, str] | None = None
) -> dict[str, Any]:
    return {
        "index": index,
        "result": result,
        "reason": reason,
        "call_id": str(taken.call_id) if taken and taken.call_id else None,
        "conversion_ids": [str(id_) for id_ in taken.conversion_ids] if taken else [],
        "inbox_id": str(taken.inbox_id) if taken and taken.inbox_id else None,
        "problems": problems or {},
    }


def _one(session: Session, vault: Vault, company_id: UUID, inbox_id: UUID) -> dict[str, Any]:
    found = entry(session, vault, company_id, inbox_id)
    if found is None:
        raise NotFound("There is no such outcome in the inbox.")
    return _shape(found)


def _shape(row: InboxEntry) -> dict[str, Any]:
    phone = row.told.clues.phone or None
    return {
        "id": str(row.id),
        "state": row.state,
        "outcome": row.told.outcome,
        "value_minor": row.told.value_minor,
        "currency": row.told.currency,
        "occurred_at": row.told.occurred_at,
        "order_id": row.told.order_id,
        "phone": phone if may_see_numbers(g.asker.role) or not phone else masked(phone),
        "reason": row.reason,
        "told_by": row.told_by,
        "via": row.via,
        "received_at": row.received_at,
        "tries": row.tries,
        "next_try_at": row.due_at,
        "call_id": str(row.call_id) if row.call_id else None,
    }
