"""The whole story of a call over the API: its legs and price, recordings to hear or delete, what was said."""

from datetime import datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, g, request
from pydantic import BaseModel, Field

from calltrack.api.access import needs
from calltrack.callflows.queries import walked
from calltrack.calls import queries
from calltrack.calls.failures import reason_of
from calltrack.calls.recording_control import control_recording
from calltrack.calls.recording_keeping import ask_to_delete
from calltrack.calls.recording_sound import open_sound
from calltrack.calls.transcript_search import search
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services

Price = Annotated[
    str | None, Field(description="In whole units, such as 0.0255; null: the carrier has not told it.")
]


class LegShape(BaseModel):
    """One phone that was rung, in the order they began to ring."""

    leg_sid: str
    to: str
    status: str
    started_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    ring_seconds: int | None
    seconds: int | None
    joined: Annotated[bool, Field(description="Whether this phone and the caller talked.")]
    sip_code: int | None
    reason: Annotated[str, Field(description="Why it was not reached, in words; empty: not told.")]
    price: Price


class RecordingShape(BaseModel):
    """A recording or message."""

    recording_sid: str
    kind: Literal["call", "voicemail"]
    status: str
    seconds: int | None
    kept_here: bool
    at_carrier: bool
    delete_asked_at: datetime | None
    gone_at: Annotated[datetime | None, Field(description="Seen to be gone, here and at the carrier.")]
    sound: Annotated[str | None, Field(description="Path of the sound; null: there is none to hear.")]


class StoryShape(BaseModel):
    """How a call went."""

    call_id: str
    answered_by: Annotated[str, Field(description="The phone that answered; empty: nobody did.")]
    hung_up_by: Annotated[str, Field(description="caller, business or unknown; empty while it lasts.")]
    stir: Annotated[str, Field(description="The network's verdict on the caller's number.")]
    line_type: str
    sip_code: int | None
    error_code: int | None
    message_seconds: Annotated[int | None, Field(description="Length of the message left.")]
    call_flow: Annotated[str | None, Field(description="Id of the flow it went through; null: none.")]
    call_flow_version: int | None
    flow_path: Annotated[list[str], Field(description="The steps it went through, with the keys pressed.")]
    price: Price
    currency: str
    erased_at: Annotated[
        datetime | None, Field(description="The caller was erased; nothing names them since.")
    ]
    legs: list[LegShape]
    recordings: list[RecordingShape]


class UtteranceShape(BaseModel):
    """What somebody said."""

    at: Annotated[float, Field(description="Seconds from the beginning.")]
    speaker: Annotated[str, Field(description="caller, business, or empty where nobody knows.")]
    text: Annotated[str, Field(description="Card numbers are taken out.")]


class TranscriptShape(BaseModel):
    """One transcript of a call."""

    source: Annotated[str, Field(description="live, or the recording it was made from.")]
    engine: str
    state: Literal["waiting", "made", "failed"]
    language: str
    problem: str
    utterances: list[UtteranceShape]


class TranscriptList(BaseModel):
    """The transcripts of a call."""

    transcripts: list[TranscriptShape]


class Wish(BaseModel):
    """What shall happen to the recording of a call that goes on."""

    do: Literal["pause", "resume", "stop"]


class Words(BaseModel):
    """What to look for."""

    q: Annotated[str, Field(min_length=1, max_length=200, description='Words, or a "phrase in quotes".')]
    before: Annotated[datetime | None, Field(description="Calls that began before this moment.")] = None


class HitShape(BaseModel):
    """A call in which all the words were said."""

    call_id: str
    started_at: datetime
    utterance: UtteranceShape


class HitList(BaseModel):
    """Calls in which the words were said, newest first, 50 at most."""

    hits: list[HitShape]


def story_of(services: Services) -> APIBlueprint:
    """Return the routes."""
    blueprint = APIBlueprint("api_story", __name__, url_prefix="/api/v1", tag="Calls")
    _add_story(blueprint, services)
    _add_recordings(blueprint, services)
    _add_transcripts(blueprint, services)
    return blueprint


def _add_story(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.get("/calls/<call_id>/story")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(StoryShape)
    def read_story(call_id: str) -> dict[str, Any]:
        """Read how a call went: legs, who answered, who hung up, recordings, price."""
        company_id, id_ = g.asker.company_id, parse_id(call_id)
        with services.db.tenant(company_id) as session:
            call = queries.call(session, services.vault, company_id, id_)
            if call is None:
                raise NotFound("There is no such call.")
            line = queries.line(session, services.vault, company_id, call)
            flow = walked(session, company_id, call.flow_version)
        names = (
            "answered_by",
            "hung_up_by",
            "stir",
            "line_type",
            "sip_code",
            "error_code",
            "message_seconds",
            "flow_path",
            "erased_at",
        )
        return {name: getattr(call, name) for name in names} | {
            "call_id": str(id_),
            "call_flow": str(flow.flow_id) if flow else None,
            "call_flow_version": flow.number if flow else None,
            "price": _price(line.price_micros(call)),
            "currency": call.price_currency,
            "legs": [_leg(one) for one in line.legs],
            "recordings": [_recording(call_id, one) for one in line.recordings],
        }


def _add_recordings(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.get("/calls/<call_id>/recordings/<sid>/sound")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 416, 503])
    def hear_recording(call_id: str, sid: str) -> Response:
        """Hear a recording (audio); send Range for a part of it. Who heard it is written down."""
        sound = open_sound(
            services,
            g.asker.company_id,
            parse_id(call_id),
            sid,
            request.headers.get("Range"),
            by=g.asker.name,
        )
        answer = Response(sound.chunks, sound.status, sound.headers, content_type=sound.content_type)
        answer.headers["Cache-Control"] = "no-store"
        answer.call_on_close(sound.close)
        return answer

    @blueprint.delete("/calls/<call_id>/recordings/<sid>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output({}, status_code=202)
    def delete_recording(call_id: str, sid: str) -> tuple[dict[str, Any], int]:
        """Delete a recording and its transcript, here and at the carrier; the story tells when it is gone."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            ask_to_delete(session, company_id, parse_id(call_id), sid, services.clock(), by=g.asker.name)
        services.nudges.wake("keep_recordings", str(company_id))
        return {}, 202

    @blueprint.post("/calls/<call_id>/recording")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409, 503])
    @blueprint.input(Wish, arg_name="wish")
    @blueprint.output({}, status_code=204)
    def change_recording(call_id: str, wish: Wish) -> tuple[str, int]:
        """Pause the recording of a running call while card data is said; resume or stop it."""
        control_recording(services, g.asker.company_id, parse_id(call_id), wish.do, by=g.asker.name)
        return "", 204


def _add_transcripts(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.get("/calls/<call_id>/transcripts")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(TranscriptList)
    def read_transcripts(call_id: str) -> dict[str, Any]:
        """Read what was said in a call."""
        company_id, id_ = g.asker.company_id, parse_id(call_id)
        with services.db.tenant(company_id) as session:
            if queries.call(session, services.vault, company_id, id_) is None:
                raise NotFound("There is no such call.")
            rows = queries.transcripts_of(session, services.vault, company_id, id_)
        return {"transcripts": [_transcript(row) for row in rows]}

    @blueprint.get("/transcripts")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(Words, location="query", arg_name="wanted")
    @blueprint.output(HitList)
    def find_words(wanted: Words) -> dict[str, Any]:
        """Find calls by what was said in them."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            hits = search(session, services.vault, company_id, wanted.q, wanted.before)
        return {
            "hits": [
                {"call_id": str(one.call_id), "started_at": one.started_at, "utterance": vars(one.utterance)}
                for one in hits
            ]
        }


def _leg(row: queries.LegRow) -> dict[str, Any]:
    names = (
        "leg_sid",
        "status",
        "started_at",
        "answered_at",
        "ended_at",
        "ring_seconds",
        "seconds",
        "sip_code",
    )
    return {name: getattr(row, name) for name in names} | {
        "to": row.to_number,
        "joined": row.is_joined,
        "reason": reason_of(row.sip_code),
        "price": _price(row.price_micros),
    }


def _recording(call_id: str, row: queries.RecordingRow) -> dict[str, Any]:
    names = ("recording_sid", "kind", "status", "seconds", "at_carrier", "delete_asked_at", "gone_at")
    path = f"/api/v1/calls/{call_id}/recordings/{row.recording_sid}/sound"
    return {name: getattr(row, name) for name in names} | {
        "kept_here": row.is_here,
        "sound": path if row.is_to_be_heard else None,
    }


def _transcript(row: queries.TranscriptRow) -> dict[str, Any]:
    names = ("source", "engine", "state", "language", "problem")
    said = row.spoken.utterances if row.spoken else ()
    return {name: getattr(row, name) for name in names} | {"utterances": [vars(one) for one in said]}


def _price(micros: int | None) -> str | None:
    return None if micros is None else f"{micros / 1_000_000:.4f}"
