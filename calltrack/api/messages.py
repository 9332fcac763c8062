"""Text messages: the threads, one of them, and an answer."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g, request
from pydantic import AwareDatetime, BaseModel, Field

from calltrack.accounts.rules import may_see_numbers
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import masked
from calltrack.messages import queries
from calltrack.messages.service import answer, write_to_caller
from calltrack.wiring import Services


class MessageShape(BaseModel):
    """A message. Its text may hold personal data."""

    id: str
    kind: Annotated[str, Field(description="received, answer, text_back, outcome_link, forward.")]
    number: Annotated[str, Field(description="Our number.")]
    text: str
    at: datetime
    state: Annotated[
        str,
        Field(description="received; due, sending, queued, sent, delivered; undelivered, failed, refused,"
              " dropped; unknown: nobody knows whether it was sent, and it is not sent again."),
    ]  # fmt: skip
    problem: str
    written_by: str
    source: Annotated[str, Field(description="Of the visit that was shown the number, if any.")]
    campaign: str
    call_id: str | None


class ThreadShape(BaseModel):
    """All messages with one person's number."""

    id: str
    party: Annotated[str, Field(description="E.164; masked for keys of the role viewer.")]
    last_at: datetime
    unread: int
    stopped_at: Annotated[datetime | None, Field(description="The person asked for no messages (STOP).")]


class ThreadList(BaseModel):
    """Threads, newest message first; go on with `before` = the last one's `last_at`."""

    threads: list[ThreadShape]


class ThreadPage(BaseModel):
    """Which part of the list."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    before: AwareDatetime | None = None


class Thread(ThreadShape):
    """One thread with its newest messages, oldest first."""

    messages: list[MessageShape]


class NewMessage(BaseModel):
    """What is to be written; give `thread_id` to answer, or `call_id` to write to its caller."""

    text: Annotated[str, Field(max_length=4000)]
    thread_id: Annotated[str | None, Field(max_length=64)] = None
    call_id: Annotated[str | None, Field(max_length=64)] = None


def messages_of(services: Services) -> APIBlueprint:
    """Return the routes of messages."""
    blueprint = APIBlueprint("api_messages", __name__, url_prefix="/api/v1/messages", tag="Messages")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(ThreadPage, location="query", arg_name="wanted")
    @blueprint.output(ThreadList)
    def list_threads(wanted: ThreadPage) -> dict[str, Any]:
        """List the threads."""
        with services.db.tenant(g.asker.company_id) as session:
            rows = queries.threads(session, services.vault, g.asker.company_id, wanted.before, wanted.limit)
        return {"threads": [_thread(row) for row in rows]}

    @blueprint.get("/<thread_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(Thread)
    def read_thread(thread_id: str) -> dict[str, Any]:
        """Read a thread."""
        company_id, id_ = g.asker.company_id, parse_id(thread_id)
        with services.db.tenant(company_id) as session:
            row = queries.thread(session, services.vault, company_id, id_)
            if row is None:
                raise NotFound("There is no such thread of messages.")
            rows = queries.messages_of(session, services.vault, company_id, id_)
        return _thread(row) | {"messages": [_message(one) for one in rows]}

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.input(NewMessage, arg_name="given")
    @blueprint.output(MessageShape, status_code=202)
    def post_message(given: NewMessage) -> Any:
        """Write a message; send an Idempotency-Key so that a repeat writes no second one."""
        company_id, now, vault = g.asker.company_id, services.clock(), services.vault
        with services.db.tenant(company_id) as session:

            def make() -> tuple[int, dict[str, Any]]:
                if given.thread_id:
                    place = parse_id(given.thread_id)
                    made = answer(session, vault, company_id, place, given.text, now, by=g.asker.name)
                elif given.call_id:
                    place = parse_id(given.call_id)
                    made = write_to_caller(
                        session, vault, company_id, place, given.text, now, by=g.asker.name
                    )
                else:
                    raise BadInput("Say to whom: thread_id or call_id.")
                session.flush()
                row = queries.message_of(session, vault, company_id, made)
                assert row is not None, "it was just written"
                return 202, MessageShape(**_message(row)).model_dump(mode="json")

            key = request.headers.get("Idempotency-Key")
            status, told = once(session, company_id, key, request.get_data(), now, make)
        services.nudges.wake("send_messages", str(company_id))
        return told, status

    return blueprint


def _thread(row: queries.ThreadRow) -> dict[str, Any]:
    in_full = may_see_numbers(g.asker.role)
    return {
        "id": str(row.id), "party": row.party if in_full else masked(row.party), "last_at": row.last_at,
        "unread": row.unread, "stopped_at": row.stopped_at,
    }  # fmt: skip


def _message(one: queries.MessageRow) -> dict[str, Any]:
    return {
        "id": str(one.id), "kind": one.kind, "number": one.number, "text": one.text, "at": one.at,
        "state": one.state, "problem": one.problem, "written_by": one.written_by, "source": one.source,
        "campaign": one.campaign, "call_id": _hex(one.call_id),
    }  # fmt: skip


def _hex(id_: UUID | None) -> str | None:
    return str(id_) if id_ else None
