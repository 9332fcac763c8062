"""Who may see the company, and what they may do."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from calltrack.accounts import audit, queries, service
from calltrack.accounts.model import User
from calltrack.accounts.rules import Role, email_address, role_named
from calltrack.dashboard.access import Here, page, require_password
from calltrack.infra.crypto import new_token
from calltrack.wiring import Services


@page("/settings/users", "owner")
def users(services: Services, here: Here) -> ResponseReturnValue:
    """Show the members and their roles."""
    return _page(services, here)


@page("/settings/users", "owner", ("POST",))
def add_user(services: Services, here: Here) -> ResponseReturnValue:
    """Let somebody in; a new person gets a first password that is shown this one time."""
    require_password(here)
    email = email_address(request.form.get("email", ""))
    name, role = request.form.get("name", ""), role_named(request.form.get("role", "viewer"))
    password = new_token(12)
    with services.db.shared() as session:
        user_id = session.scalar(select(User.id).where(User.email == email))
        is_new = user_id is None
        user_id = user_id or service.create_user(session, email, name, password, here.now)
    with services.db.tenant(here.company.id) as session:
        service.add_member(session, here.company.id, user_id, role)
        audit.note(session, here.company.id, here.who.email, "member.add", email, here.now, role=role)
    return _page(services, here, (email, password if is_new else ""))


@page("/settings/users/<id:user_id>", "owner", ("POST",))
def change_user(services: Services, here: Here, user_id: UUID) -> ResponseReturnValue:
    """Change a member's role, or take the member out."""
    require_password(here)
    wanted: Role | None = None if "remove" in request.form else role_named(request.form.get("role", ""))
    with services.db.tenant(here.company.id) as session:
        if wanted is None:
            service.remove_member(session, here.company.id, user_id)
        else:
            service.change_role(session, here.company.id, user_id, wanted)
        audit.note(
            session, here.company.id, here.who.email, "member.change", user_id.hex, here.now,
            role=wanted or "removed",
        )  # fmt: skip
    flash("Saved; it counts from the next click on.")
    if user_id == here.who.user_id and wanted != "owner":
        return redirect(url_for("dashboard.app"), 303)
    return redirect(url_for("dashboard.users", company_id=here.company.id), 303)


def _page(services: Services, here: Here, added: tuple[str, str] | None = None) -> str:
    with services.db.tenant(here.company.id) as session:
        rows = queries.members(session, here.company.id)
    return render_template("users.html", members=rows, added=added)
