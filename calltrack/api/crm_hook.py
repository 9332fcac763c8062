"""The CRM's own address: a webhook without an API key, whose secret stands in the address.

Anything a CRM can post is read: a JSON object, a list of them, or a form. Fields are found by the company's
mapping, else by their names.
"""

import json
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from limits import parse
from werkzeug.exceptions import TooManyRequests

from calltrack.api.crm import MOST_ROWS, take_texts
from calltrack.conversions.doors import company_of_token, enter_crm_door
from calltrack.conversions.intake import Sender
from calltrack.conversions.messages import by_mapping
from calltrack.infra.limits import Counters
from calltrack.kernel.errors import BadInput
from calltrack.wiring import Services

PER_COMPANY = parse("600 per minute")
PER_ADDRESS = parse("1200 per minute")
BY = "CRM webhook"


def hook_of(services: Services) -> Blueprint:
    """Return the route of CRM webhooks."""
    blueprint = Blueprint("crm_hook", __name__)

    @blueprint.post("/hooks/crm/<token>")
    def crm_hook(token: str) -> tuple[Response, int]:
        """Take what a CRM posts; the answer says of each outcome what became of it."""
        now, company_id = services.clock(), company_of_token(token)
        counters = current_app.extensions.setdefault(
            "calltrack_hook_limits", Counters(services.settings.redis_url)
        )
        allowed = counters.may(
            (PER_COMPANY, f"crm-{company_id.hex}"), (PER_ADDRESS, f"crm-from-{request.remote_addr}")
        )
        if not allowed:
            raise TooManyRequests("More than 600 messages a minute; send them again a little later.")
        with services.db.tenant(company_id) as session:
            door = enter_crm_door(session, services.vault, token, now)
            texts = [by_mapping(one, door.fields, door.outcomes) for one in _messages()]
            answer = take_texts(session, services.vault, company_id, texts, Sender(BY, "crm"), now)
        services.nudges.wake("handle_facts", str(company_id))
        # A message of which nothing can be read is refused, so that the CRM shows it as failed.
        refused = answer["counts"]["wrong"] == len(texts)
        return jsonify(answer), 422 if refused else 200

    return blueprint


def _messages() -> list[dict[str, Any]]:
    if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return [dict(request.form.items())]
    try:
        body = json.loads(request.get_data() or b"")
    except ValueError:
        raise BadInput("The body is neither JSON nor a form.") from None
    rows = body if isinstance(body, list) else [body]
    if not rows or len(rows) > MOST_ROWS or not all(isinstance(row, dict) for row in rows):
        raise BadInput(f"Send one JSON object, or a list of 1 to {MOST_ROWS} objects.")
    return rows
