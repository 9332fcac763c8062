"""Calls as they happen: server-sent events, with plain asking where the stream does not come through."""

from flask import jsonify, render_template
from flask.typing import ResponseReturnValue

from calltrack.conversions.queries import live_calls
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.call_cards import card
from calltrack.dashboard.live_tokens import make_token
from calltrack.wiring import Services


@page("/live", "viewer")
def live(services: Services, here: Here) -> ResponseReturnValue:
    """Show the running and the last calls."""
    with services.db.tenant(here.company.id) as session:
        calls = live_calls(session, services.vault, here.company.id, here.now)
    return render_template("live.html", cards=[card(call) for call in calls])


@page("/live.json", "viewer")
def live_json(services: Services, here: Here) -> ResponseReturnValue:
    """Return the same calls and a fresh token for the stream."""
    with services.db.tenant(here.company.id) as session:
        calls = live_calls(session, services.vault, here.company.id, here.now)
    secret = services.settings.secret_key.get_secret_value()
    return jsonify(calls=[card(call) for call in calls], token=make_token(secret, here.company.id))
