"""The phone page and the three addresses behind it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import pretty
from calltrack.sandbox import look
from calltrack.sandbox.carrier import SimulatedNumber, Switchboard
from calltrack.sandbox.carrier.script import random_caller
from calltrack.sandbox.phone.orders import read_order

MOST_BYTES = 8 * 1024
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
OUTCOME_CHOICES = (
    ("answered", "Answered", "Somebody picks up and they talk"),
    ("no-answer", "No answer", "It rings until the time is over"),
    ("busy", "Busy", "The line is engaged"),
    ("mailbox", "Mailbox", "A mailbox picks up, not a person"),
    ("declined", "Declined", "The business hangs up at the whisper"),
    ("caller-hangs-up", "Caller hangs up", "Gone before anybody answers"),
)
SPEEDS = (("1", "Real time"), ("10", "10 times faster"), ("0", "At once"))


def create_blueprint(
    directory: Callable[[], list[SimulatedNumber]],
    auth_token: Callable[[str], str],
    *,
    switchboard: Switchboard | None = None,
    via: Mapping[str, str] | None = None,
) -> Blueprint:
    """Return the phone page for the numbers of `directory`; `auth_token` knows the token of an account.

    `via` maps the public origin of the hooks to the one to ask, where they differ.
    """
    board = switchboard or Switchboard(via=via)
    blueprint = Blueprint("sandbox_phone", __name__, url_prefix="/sandbox")
    blueprint.record_once(_with_look)

    @blueprint.get("/phone")
    def phone() -> str:
        """Show the telephone."""
        return render_template(
            "phone.html",
            numbers=[(number, pretty(number.e164)) for number in directory()],
            caller=pretty(request.args.get("from") or random_caller(random.Random())),  # noqa: S311 - a toy
            dialled=request.args.get("to", ""),
            keys=request.args.get("keys", ""),
            outcomes=OUTCOME_CHOICES,
            speeds=SPEEDS,
        )

    @blueprint.post("/calls")
    def start_call() -> ResponseReturnValue:
        """Begin a call and tell its id at once."""
        script = read_order(_json())
        number = next((number for number in directory() if number.e164 == script.to), None)
        token = auth_token(number.account_sid) if number is not None else ""
        return jsonify(id=board.start(script, number, token).call_sid), 202

    @blueprint.get("/calls")
    def list_calls() -> Response:
        """List the last calls, newest first."""
        journals = [journal.to_json() for journal in board.latest()]
        return jsonify(calls=[{k: v for k, v in journal.items() if k != "entries"} for journal in journals])

    @blueprint.get("/calls/<call_sid>")
    def show_call(call_sid: str) -> ResponseReturnValue:
        """Tell what happened in a call so far; `after` leaves out the lines already known."""
        journal = board.find(call_sid)
        if journal is None:
            return jsonify(error="No such call; the sandbox remembers the last 500."), 404
        return jsonify(journal.to_json(max(0, request.args.get("after", 0, type=int))))

    @blueprint.errorhandler(BadInput)
    def refuse(error: BadInput) -> ResponseReturnValue:
        return jsonify(error=str(error)), 400

    @blueprint.after_request
    def protect(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return blueprint


def _json() -> Any:
    """Read the JSON body; only declared JSON counts, so that no foreign page can place a call unasked."""
    if request.mimetype != "application/json":
        raise BadInput("Send the order as JSON with the header Content-Type: application/json.")
    request.max_content_length = MOST_BYTES
    try:
        return request.get_json()
    except RequestEntityTooLarge:
        raise BadInput(f"An order has at most {MOST_BYTES} bytes.") from None
    except (BadRequest, RecursionError):
        raise BadInput("The body is not JSON.") from None


def _with_look(state: BlueprintSetupState) -> None:
    if look.blueprint.name not in state.app.blueprints:
        state.app.register_blueprint(look.blueprint)
