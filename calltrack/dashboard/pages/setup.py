"""The set-up: what is done, what comes next, and where."""

from flask import render_template
from flask.typing import ResponseReturnValue

from calltrack.dashboard import checklist
from calltrack.dashboard.access import Here, page
from calltrack.wiring import Services


@page("/setup", "manager")
def setup(services: Services, here: Here) -> ResponseReturnValue:
    """Show each step towards the first tracked call with its state and its page."""
    with services.db.tenant(here.company.id) as session:
        steps = checklist.steps(checklist.standing(session, here.company.id))
    return render_template("setup.html", steps=steps, next=next((s for s in steps if not s.is_done), None))
