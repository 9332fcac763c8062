"""The phone on which somebody wants to be rung to call back."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.automations.call_backs import ask_for_code
from calltrack.calls.outbound.own_phone import confirm_phone, phone_of
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.phone import to_e164
from calltrack.telephony.carrier import Refused, Retry
from calltrack.wiring import Services


@page("/phone", "manager")
def own_phone(services: Services, here: Here) -> ResponseReturnValue:
    """Show one's own phone, and what to do until it is confirmed."""
    return _page(services, here)


@page("/phone", "manager", ("POST",))
def give_own_phone(services: Services, here: Here) -> ResponseReturnValue:
    """Store a phone and let a call say a code to it."""
    form = typed("phone")
    try:
        with form.about("phone"):
            e164 = to_e164(form.text("phone"), here.company.country)
            ask_for_code(services, here.company.id, here.who.user_id, e164, by=here.who.email)
        flash("This phone rings now and says a code of six digits.")
    except WrongForm:
        return _page(services, here, form), form.status
    except (Refused, Retry) as problem:
        flash(f"It could not be rung. {problem.words}", "problem")
    return redirect(url_for("dashboard.own_phone", company_id=here.company.id), 303)


@page("/phone/code", "manager", ("POST",))
def confirm_own_phone(services: Services, here: Here) -> ResponseReturnValue:
    """Confirm a phone by the code that was said to it."""
    with services.db.tenant(here.company.id) as session:
        code = request.form.get("code", "")
        problem = confirm_phone(session, here.company.id, here.who.user_id, code, here.now, by=here.who.email)
    if problem:
        flash(problem, "problem")
        return redirect(url_for("dashboard.own_phone", company_id=here.company.id), 303)
    flash("Confirmed. You can ring back missed callers now.")
    return redirect(url_for("dashboard.calls", company_id=here.company.id, outcome="waiting"), 303)


def _page(services: Services, here: Here, form: Typed | None = None) -> str:
    with services.db.tenant(here.company.id) as session:
        phone = phone_of(session, services.vault, here.company.id, here.who.user_id)
    return render_template("own_phone.html", phone=phone, form=form)
