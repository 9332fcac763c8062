"""Setting all numbers right at the carrier in one act, and how the carrier finds them."""

from collections.abc import Callable
from typing import cast
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.numbers.health import Hooks
from calltrack.numbers.mending import Mended, change_hooks, repair_all
from calltrack.numbers.placing import in_use
from calltrack.telephony.carrier import CarrierError
from calltrack.wiring import Services

WAYS = ("own", "application")


@page("/numbers/repair", "manager", ("POST",))
def repair_numbers(services: Services, here: Here) -> ResponseReturnValue:
    """Compare every number with the carrier now and set right what can be."""
    _say(lambda: repair_all(services, here.company.id, by=here.who.email))
    return redirect(url_for("dashboard.numbers", company_id=here.company.id), 303)


@page("/numbers/hooks", "manager", ("POST",))
def change_all_hooks(services: Services, here: Here) -> ResponseReturnValue:
    """Let every number follow the company's application, or have addresses of its own."""
    hooks = _way()
    _say(lambda: change_hooks(services, here.company.id, hooks, by=here.who.email))
    return redirect(url_for("dashboard.number_setup", company_id=here.company.id), 303)


@page("/numbers/<id:number_id>/hooks", "manager", ("POST",))
def change_one_hooks(services: Services, here: Here, number_id: UUID) -> ResponseReturnValue:
    """Let one number follow the company's application, or have addresses of its own."""
    hooks = _way()
    with services.db.tenant(here.company.id) as session:
        in_use(session, here.company.id, number_id)
    _say(lambda: change_hooks(services, here.company.id, hooks, number_id, by=here.who.email))
    return redirect(url_for("dashboard.number", company_id=here.company.id, number_id=number_id), 303)


def _way() -> Hooks:
    hooks = request.form.get("hooks", "")
    if hooks not in WAYS:
        raise BadInput("Choose the company's application, or addresses of its own.")
    return cast(Hooks, hooks)


def _say(act: Callable[[], Mended]) -> None:
    """Do it and say what became of it."""
    try:
        done = act()
    except Conflict as problem:
        flash(str(problem), "problem")
    except (CarrierError, NotFound) as problem:
        flash(f"Nothing was changed at the carrier. {problem}", "problem")
    else:
        flash(done.words, "problem" if done.not_repaired or done.left else "message")
