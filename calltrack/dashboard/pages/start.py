"""The first page: in the demo what to try, otherwise straight to the dashboard."""

import secrets

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts.queries import companies_of
from calltrack.config import DEMO_EMAIL, DEMO_PASSWORD
from calltrack.dashboard.access import ask_to_sign_in, open_page, parts, signed_in


@open_page("/", "shows nothing of any company")
def start() -> ResponseReturnValue:
    """Explain the demo in five steps; a real installation goes on to the dashboard."""
    if not parts().settings.is_demo:
        return redirect(url_for("dashboard.app"), 303)
    return render_template(
        "start.html",
        email=DEMO_EMAIL,
        password=DEMO_PASSWORD,
        click_id=f"Cj0KCQiA-demo-{secrets.token_urlsafe(12)}",
    )


@open_page("/app", "signed-in people only; lists their own companies")
def app() -> ResponseReturnValue:
    """Go to the company looked at last, else to the first."""
    who = signed_in()
    if who is None:
        return ask_to_sign_in()
    choices = companies_of(parts().db, who.user_id)
    if not choices:
        return render_template("no_company.html", who=who)
    last = request.cookies.get("company", "")
    chosen = next((choice for choice in choices if choice.id.hex == last), choices[0])
    return redirect(url_for("dashboard.overview", company_id=chosen.id), 303)
