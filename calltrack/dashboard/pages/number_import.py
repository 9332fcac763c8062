"""Taking numbers into service that the carrier account has already."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts.carrier import carrier_of
from calltrack.accounts.queries import locations
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.number_forms import use_choices, use_typed
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import CalltrackError
from calltrack.kernel.phone import pretty, to_e164
from calltrack.numbers import queries
from calltrack.numbers.application import default_hooks
from calltrack.numbers.importing import at_the_carrier, import_numbers
from calltrack.telephony.carrier import Retry
from calltrack.wiring import Services


@page("/numbers/import", "manager")
def number_import(services: Services, here: Here) -> ResponseReturnValue:
    """Show the account's numbers that are not in use here."""
    return _page(services, here)


@page("/numbers/import", "manager", ("POST",))
def import_chosen(services: Services, here: Here) -> ResponseReturnValue:
    """Take the chosen numbers into service and lead them here: all of them, or none."""
    form = typed("import")
    try:
        use = use_typed(form)
        with form.about("e164"):
            wanted = [to_e164(text) for text in dict.fromkeys(request.form.getlist("e164"))]
            done = import_numbers(
                services, here.company.id, wanted, use, default_hooks(services.settings), by=here.who.email
            )
    except WrongForm:
        return _page(services, here, form), form.status
    except Retry as problem:
        flash(f"Nothing was changed. {problem.words}", "problem")
        return redirect(url_for("dashboard.number_import", company_id=here.company.id), 303)
    waiting = [one for one in done if one.problem]
    what = f"{pretty(done[0].e164)} is" if len(done) == 1 else f"{len(done)} numbers are"
    flash(f"{what} in service. Calls are answered within 15 seconds.")
    if waiting:
        flash(f"{pretty(waiting[0].e164)}: {waiting[0].problem}", "problem")
    return redirect(url_for("dashboard.numbers", company_id=here.company.id), 303)


def _page(services: Services, here: Here, form: Typed | None = None) -> str:
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        pools = queries.pools(session, company_id, here.now)
        branches = locations(session, company_id)
        connected = carrier_of(session, company_id)
    owned, problem = [], ""
    if connected is not None and branches:
        try:
            owned = at_the_carrier(services, company_id)
        except CalltrackError as wrong:
            problem = str(wrong)
    return render_template(
        "number_import.html",
        carrier=connected,
        locations=branches,
        choices=use_choices(pools, branches),
        owned=owned,
        problem=problem,
        form=form,
        chosen=request.form.getlist("e164"),
    )
