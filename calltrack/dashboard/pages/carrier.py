"""The company's Twilio account: connected here, its token written once and never shown."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts.carrier import account_sid, auth_token, carrier_of, change_carrier, connect_carrier
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.wiring import Services


@page("/settings/carrier", "owner")
def carrier(services: Services, here: Here) -> ResponseReturnValue:
    """Show which Twilio account is connected, and the form to connect or change it."""
    return _page(services, here)


@page("/settings/carrier", "owner", ("POST",))
def connect_account(services: Services, here: Here) -> ResponseReturnValue:
    """Store account SID and auth token; an empty token leaves the stored one as it is."""
    form = typed("carrier")
    sid, token = form.text("account_sid"), form.text("auth_token")
    try:
        form.confirm(here)
        with form.about("account_sid"):
            account_sid(sid)
        with form.about("auth_token"), services.db.tenant(here.company.id) as session:
            is_first = carrier_of(session, here.company.id) is None
            if token.strip() or is_first:
                auth_token(token)
            store = connect_carrier if is_first else change_carrier
            store(session, services.vault, here.company.id, sid, token, here.now, by=here.who.email)
    except WrongForm:
        return _page(services, here, form), form.status
    flash("Connected. Add your numbers next." if is_first else "Saved. Calls follow within 15 seconds.")
    after = "dashboard.number_setup" if is_first else "dashboard.carrier"
    return redirect(url_for(after, company_id=here.company.id), 303)


def _page(services: Services, here: Here, form: Typed | None = None) -> str:
    with services.db.tenant(here.company.id) as session:
        connected = carrier_of(session, here.company.id)
    return render_template("carrier.html", carrier=connected, form=form)
