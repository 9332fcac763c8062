"""Calls: read them with their attribution and conversions; say what came of one."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import g, request
from pydantic import BaseModel, Field
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Location
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.api.paging import Page, cut, one_page
from calltrack.api.shapes import AttributionShape, ConversionShape, attribution_shape, conversion_shape
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.calls.people.missed import reached_at
from calltrack.conversions.call_log import CallFilter as LogFilter
from calltrack.conversions.call_log import among
from calltrack.conversions.levels import levels
from calltrack.conversions.model import Conversion
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.conversions.versions import rulebook
from calltrack.conversions.words import home_of
from calltrack.infra.crypto import Vault
from calltrack.journeys.model import PersonCaller
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import first_id_of, parse_id
from calltrack.kernel.money import parse_money
from calltrack.numbers.model import TrackingNumber
from calltrack.stages.segment_calls import calls_within
from calltrack.stages.segments import within_segment
from calltrack.wiring import Services


class CallShape(BaseModel):
    """A call to a tracking number."""

    id: str
    call_sid: str
    from_: Annotated[str | None, Field(alias="from", description="E.164; null: the caller withheld it.")]
    to: Annotated[str, Field(description="The tracking number that was dialled.")]
    location: str
    status: str
    outcome: Annotated[
        str | None,
        Field(
            description="answered, mailbox, busy, missed, abandoned, failed; blocked, over_limit: turned away"
            " by the block list or a cap, which nobody missed; null while it lasts."
        ),
    ]
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    ring_seconds: int | None
    talk_seconds: Annotated[int, Field(description="Seconds two people were joined; 0: nobody talked.")]
    person_id: str | None
    attribution: AttributionShape | None
    conversions: list[ConversionShape]


class CallList(BaseModel):
    """One page of calls, newest first."""

    calls: list[CallShape]
    next: str | None


class CallFilter(Page):
    """Which calls to list."""

    call_sid: Annotated[str | None, Field(max_length=64)] = None
    since: Annotated[datetime | None, Field(description="Calls that began at this moment or later.")] = None
    segment: Annotated[str, Field(description="A segment's id: calls of the persons in it now.")] = ""


class LevelFilter(BaseModel):
    """Which calls to count."""

    since: Annotated[datetime | None, Field(description="Calls that began at this moment or later.")] = None
    until: Annotated[datetime | None, Field(description="Calls that began before this moment.")] = None
    source: Annotated[str, Field(description="Such as google; `unknown`: none is credited.")] = ""
    medium: str = ""
    campaign: str = ""
    outcome: Annotated[str, Field(description="As calls show it; also open, lost, waiting.")] = ""
    brought: Annotated[str, Field(description="lead, purchase or none.")] = ""


class LevelAnswer(BaseModel):
    """How many calls are credited at each level; each counts once, at its finest."""

    calls: int
    visit: int
    campaign: int
    source: int
    unknown: int
    shares: Annotated[dict[str, float | None], Field(description="Of all counted calls; null: no call.")]
    is_cut: Annotated[
        bool,
        Field(
            description="Without `since` only the newest 10,000 calls are counted; with it and another filter"
            " those that fit among the newest 30,000 of the period."
        ),
    ]


class OutcomeShape(BaseModel):
    """What came of a call."""

    kind: Annotated[
        Literal["purchase", "lead", "none", "refund", "cancelled"],
        Field(
            description="purchase: with a value; lead: counted as one; none: neither; refund: of a"
            " purchase, value is what was given back in total so far (left out: all); cancelled: the purchase"
            " does not hold. A purchase told again after that counts again."
        ),
    ]
    value: Annotated[
        str | None,
        Field(
            description="In whole units, such as 850.50. A purchase without one takes the fixed value of your"
            " rules; no such rule: refused.",
            max_length=32,
        ),
    ] = None
    currency: Annotated[str | None, Field(description="ISO 4217; the company's own if left out.")] = None
    reason: Annotated[str, Field(max_length=500)] = ""
    external_id: Annotated[
        str,
        Field(description="Your order's id: each order is a purchase of its own.", max_length=200),
    ] = ""
    occurred_at: Annotated[
        datetime | None,
        Field(description="When it was bought, with time zone; left out: when the call began."),
    ] = None
    said_at: Annotated[
        datetime | None,
        Field(description="When this became true, with time zone; left out: now. The latest said holds."),
    ] = None
    called_back_at: Annotated[
        datetime | None,
        Field(
            description="You rang the missed caller back at this time and won the purchase or lead. Left out:"
            " if the caller was reached by ringing back from here, it was won so; null: it was not."
        ),
    ] = None


class OutcomeAnswer(BaseModel):
    """The conversions of the call after the outcome was set."""

    call_id: str
    conversions: list[ConversionShape]


def calls_of(services: Services) -> APIBlueprint:
    """Return the routes of calls."""
    blueprint = APIBlueprint("api_calls", __name__, url_prefix="/api/v1/calls", tag="Calls")
    _add_reads(blueprint, services)
    _add_outcome(blueprint, services)
    return blueprint


def _add_reads(blueprint: APIBlueprint, services: Services) -> None:
    """List calls, and read one."""

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(CallFilter, location="query", arg_name="wanted")
    @blueprint.output(CallList)
    def list_calls(wanted: CallFilter) -> dict[str, Any]:
        """List calls, newest first."""
        with services.db.tenant(g.asker.company_id) as session:
            query = one_page(_select(g.asker.company_id), Call.id, wanted)
            if wanted.call_sid:
                query = query.where(Call.call_sid == wanted.call_sid)
            if wanted.since:
                query = query.where(Call.id >= first_id_of(wanted.since), Call.started_at >= wanted.since)
            if wanted.segment:
                segment_id = parse_id(wanted.segment)
                within = within_segment(session, g.asker.company_id, segment_id, services.clock())
                query = query.where(among(calls_within(within)))
            rows, following = cut(_shapes(session, services.vault, query), wanted)
        return {"calls": rows, "next": following}

    @blueprint.get("/levels")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(LevelFilter, location="query", arg_name="wanted")
    @blueprint.output(LevelAnswer)
    def count_levels(wanted: LevelFilter) -> dict[str, Any]:
        """Count how far calls could be attributed: to a visit, a campaign, a source, or not at all."""
        with services.db.tenant(g.asker.company_id) as session:
            found = levels(session, services.vault, g.asker.company_id, LogFilter(**wanted.model_dump()))
        return vars(found) | {"calls": found.calls, "shares": found.shares()}

    @blueprint.get("/<call_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(CallShape)
    def read_call(call_id: str) -> dict[str, Any]:
        """Read one call."""
        with services.db.tenant(g.asker.company_id) as session:
            query = _select(g.asker.company_id).where(Call.id == parse_id(call_id))
            rows = _shapes(session, services.vault, query)
        if not rows:
            raise NotFound("There is no such call.")
        return rows[0]


def _add_outcome(blueprint: APIBlueprint, services: Services) -> None:
    """Take what a call came to."""

    @blueprint.post("/<call_id>/outcome")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.input(OutcomeShape, arg_name="told")
    @blueprint.output(OutcomeAnswer)
    def post_outcome(call_id: str, told: OutcomeShape) -> Any:
        """Say what came of a call; send an Idempotency-Key so that a repeat has no second effect."""
        now, company_id, id_ = services.clock(), g.asker.company_id, parse_id(call_id)
        with services.db.tenant(company_id) as session:

            def act() -> tuple[int, dict[str, Any]]:
                currency = rulebook(session, company_id).currency
                said = _outcome(told, g.asker.name, currency)
                said = _won_back(session, company_id, id_, told, said, now)
                set_outcome(session, company_id, id_, said, now)
                session.flush()
                return 200, {
                    "call_id": str(id_),
                    "conversions": _conversions(session, company_id, [id_])[id_],
                }

            status, answer = once(
                session,
                company_id,
                request.headers.get("Idempotency-Key"),
                request.path.encode() + b"\n" + request.get_data(cache=True),
                now,
                act,
            )
        services.nudges.wake("handle_facts", str(company_id))
        return answer, status


def _outcome(told: OutcomeShape, by: str, currency: str) -> Outcome:
    money = parse_money(told.value, told.currency or currency) if told.value is not None else None
    return Outcome(
        kind=told.kind,
        value_minor=money.minor if money else None,
        currency=told.currency.strip().upper() if told.currency else None,
        by=by,
        reason=told.reason,
        external_id=told.external_id,
        occurred_at=told.occurred_at,
        said_at=told.said_at,
        called_back_at=told.called_back_at,
        value_from_rule=told.kind == "purchase" and money is None,
        via="api",
    )


def _won_back(
    session: Session, company_id: UUID, call_id: UUID, told: OutcomeShape, said: Outcome, now: datetime
) -> Outcome:
    """Return the outcome as won by ringing back, where that is known and nothing else was said of it."""
    if "called_back_at" in told.model_fields_set or told.kind not in ("purchase", "lead"):
        return said
    call = session.get(Call, (company_id, call_id))
    won_at = reached_at(session, company_id, call_id)
    is_here = home_of(session, company_id, told.external_id) in (None, call_id)
    if call is None or call.is_bridged or won_at is None or not is_here:
        return said
    bought_at = min(said.occurred_at, now) if said.occurred_at else won_at
    return replace(said, called_back_at=max(won_at, bought_at))


def _select(company_id: UUID) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = (
        select(
            Call, TrackingNumber.e164, Location.name.label("location"), PersonCaller.person_id, Attribution
        )
        .join(
            TrackingNumber,
            (TrackingNumber.company_id == Call.company_id) & (TrackingNumber.id == Call.number_id),
        )
        .join(Location, (Location.company_id == Call.company_id) & (Location.id == Call.location_id))
        .outerjoin(
            PersonCaller,
            (PersonCaller.company_id == Call.company_id) & (PersonCaller.caller_hash == Call.caller_hash),
        )
        .outerjoin(
            Attribution,
            (Attribution.company_id == Call.company_id)
            & (Attribution.call_id == Call.id)
            & Attribution.is_current,
        )
        .where(Call.company_id == company_id)
    )
    return query


def _shapes(session: Session, vault: Vault, query: Select[*tuple[Any, ...]]) -> list[dict[str, Any]]:
    rows = session.execute(query).all()
    if not rows:
        return []
    company_id = rows[0].Call.company_id
    conversions = _conversions(session, company_id, [row.Call.id for row in rows])
    return [_shape(row, vault, conversions[row.Call.id]) for row in rows]


def _conversions(
    session: Session, company_id: UUID, call_ids: list[UUID]
) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = {id_: [] for id_ in call_ids}
    rows = session.scalars(
        select(Conversion)
        .where(Conversion.company_id == company_id, Conversion.call_id.in_(call_ids))
        .order_by(Conversion.id)
    )
    for row in rows:
        found[row.call_id].append(conversion_shape(row))
    return found


def _shape(row: Any, vault: Vault, conversions: list[dict[str, Any]]) -> dict[str, Any]:
    call: Call = row.Call
    return {
        "id": str(call.id),
        "call_sid": call.call_sid,
        "from": vault.open(call.company_id, "call.caller", call.caller) if call.caller else None,
        "to": row.e164,
        "location": row.location,
        "status": call.status,
        "outcome": call.outcome,
        "started_at": call.started_at,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "ring_seconds": call.ring_seconds,
        "talk_seconds": call.talk_seconds,
        "person_id": str(row.person_id) if row.person_id else None,
        "attribution": attribution_shape(row.Attribution) if row.Attribution else None,
        "conversions": conversions,
    }
