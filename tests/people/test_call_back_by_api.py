"""Ringing back over the API: the rules of the page, once per key; what it wins belongs to the missed call."""

from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from calltrack.api.registration import new_app, register
from calltrack.app import _explain_errors
from calltrack.calls.model import Call
from calltrack.calls.people.model import MissedCall
from calltrack.conversions.model import Conversion
from calltrack.sandbox.carrier.script import LegScript
from tests.accounts.people import make_user
from tests.api.conftest import Program, program_of
from tests.builders import make_company
from tests.people.world import AGENT, CALLER, World


def client_of(world: World) -> FlaskClient:
    app = new_app("api")
    _explain_errors(app)
    register(app, world.services)
    return app.test_client()


def refused(answer: Any, status: int, words: str) -> None:
    assert (answer.status_code, words in answer.json["detail"]) == (status, True), answer.json


def reached(world: World, program: Program, call: Call, email: str) -> MissedCall:
    """Ring back over the API and let both talk."""
    world.behaviour.digits[AGENT] = ("1",)
    world.behaviour.phones[CALLER] = LegScript(talk_seconds=95)
    path = f"/api/v1/calls/{call.id}/call-back"
    begun = program.post(path, {"member": email.upper()}, "ring-1")
    assert (begun.status_code, begun.json["state"], begun.json["call_id"]) == (202, "placed", str(call.id))
    (out,) = world.until(lambda: [one for one in world.calls_out() if one.state == "over"])
    again = program.post(path, {"member": email.upper()}, "ring-1")
    assert (again.status_code, again.json["id"], again.json["state"]) == (202, str(out.id), "over")
    assert program.post(path, {"member": "other@example.it"}, "ring-1").status_code == 409
    assert len(world.calls_out()) == len(world.twin.board.latest()) == 1
    with world.services.db.tenant(world.company.id) as session:
        return session.get_one(MissedCall, (world.company.id, call.id))


def test_a_repeat_rings_nobody_and_what_was_won_belongs_to_the_missed_call(world: World) -> None:
    program = program_of(world.services, client_of(world), world.company, "manager")
    person = make_user(world.services, world.company, "manager")
    world.confirmed(person)
    call = world.missed(caller=CALLER)
    world.work()
    missed = reached(world, program, call, person.email)
    assert missed.state == "reached"
    path = f"/api/v1/calls/{call.id}/outcome"
    assert program.post(path, {"kind": "purchase", "value": "850"}).status_code == 200
    with world.services.db.tenant(world.company.id) as session:
        (sold,) = session.scalars(select(Conversion).where(Conversion.kind == "purchase"))
    assert (sold.via, sold.occurred_at) == ("call_back", missed.reached_at)
    bought_at = world.services.clock() + timedelta(seconds=-1)
    told = {"kind": "purchase", "value": "90", "external_id": "B-2", "occurred_at": bought_at.isoformat()}
    assert program.post(path, told).status_code == 200
    assert program.post(path, told | {"external_id": "B-3", "called_back_at": None}).status_code == 200
    with world.services.db.tenant(world.company.id) as session:
        rows = session.scalars(select(Conversion).where(Conversion.external_id != ""))
        assert {row.external_id: row.via for row in rows} == {"B-2": "call_back", "B-3": "api"}
    answered = world.ended(caller=CALLER)
    said = program.post(f"/api/v1/calls/{answered.id}/outcome", told | {"value": "95"})
    assert said.status_code == 200, "an order told again at another call stays where it is"


def test_who_may_not_be_rung_is_refused_in_words(world: World) -> None:
    client = client_of(world)
    program = program_of(world.services, client, world.company, "manager")
    person = make_user(world.services, world.company, "manager")
    viewer = make_user(world.services, world.company, "viewer")
    call = world.missed(caller=CALLER)
    path = f"/api/v1/calls/{call.id}/call-back"
    refused(program.post(path, {"member": person.email}), 400, "confirm your own phone")
    world.confirmed(person)
    world.confirmed(viewer)
    for email in (viewer.email, "nobody@example.it", ""):
        refused(program.post(path, {"member": email}), 400, "No manager or owner")
    assert program.post(path, {}).status_code == 422
    hidden = world.missed(caller=None)
    withheld = program.post(f"/api/v1/calls/{hidden.id}/call-back", {"member": person.email})
    refused(withheld, 409, "withheld")
    looks_on = program_of(world.services, client, world.company, "viewer")
    assert looks_on.post(path, {"member": person.email}).status_code == 403
    stranger = program_of(world.services, client, make_company(world.services))
    assert stranger.post(path, {"member": person.email}).status_code == 404
    assert world.calls_out() == []
    world.fault("401", target="calls")
    refused(program.post(path, {"member": person.email}, "key-1"), 409, "")
    refused(program.post(path, {"member": person.email}, "key-1"), 409, "Take a new Idempotency-Key")
    assert [one.state for one in world.calls_out()] == ["refused"]
    assert program.post(path, {"member": person.email}, "key-2").status_code == 202
