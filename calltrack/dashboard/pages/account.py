"""One's own account: password and signed-in browsers."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import queries, service, sessions
from calltrack.dashboard.access import ask_to_sign_in, open_page, parts, signed_in
from calltrack.dashboard.login_limits import limits_of
from calltrack.kernel.errors import NotAllowed


@open_page("/account", "signed-in people only; shows their own account")
def account() -> ResponseReturnValue:
    """Show who is signed in where."""
    who = signed_in()
    if who is None:
        return ask_to_sign_in()
    services = parts()
    with services.db.shared() as session:
        logins = queries.open_logins(session, who.user_id, services.clock())
    return render_template("account.html", who=who, logins=logins)


@open_page("/account/password", "signed-in people only; asks for the old password", ("POST",))
def change_password() -> ResponseReturnValue:
    """Change one's own password; all other browsers are signed out."""
    who = signed_in()
    if who is None:
        return ask_to_sign_in()
    services = parts()
    allowed = limits_of(services).may_try(who.email, request.remote_addr or "", known=True)
    if not allowed or not sessions.confirm(services.db, who, request.form.get("old", "")):
        raise NotAllowed("The present password is not right; nothing was changed.")
    with services.db.shared() as session:
        service.set_password(
            session, who.user_id, request.form.get("new", ""), services.clock(), who.session_hash
        )
    flash("Your password is changed, and your other browsers are signed out.")
    return redirect(url_for("dashboard.account"), 303)


@open_page("/account/sign-out-others", "signed-in people only; ends their own sessions", ("POST",))
def sign_out_others() -> ResponseReturnValue:
    """End one's sessions in all other browsers."""
    who = signed_in()
    if who is None:
        return ask_to_sign_in()
    services = parts()
    with services.db.shared() as session:
        ended = sessions.end_all(session, who.user_id, services.clock(), who.session_hash)
    flash(f"{ended} other browser{'' if ended == 1 else 's'} signed out.")
    return redirect(url_for("dashboard.account"), 303)
