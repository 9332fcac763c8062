"""Outcomes from outside: files, the inbox of what leads to no call yet, the CRM's address."""

from typing import Any
from uuid import UUID

from flask import Response, abort, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from calltrack.conversions import doors, import_queries, imports, inbox, inbox_queries, intake
from calltrack.conversions.call_log import CallFilter, find_calls
from calltrack.conversions.import_run import preview
from calltrack.conversions.inbox_retention import forgotten_at
from calltrack.conversions.messages import CHOICES
from calltrack.conversions.told import OUTCOMES
from calltrack.dashboard.access import Here, page, require_password
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services

SHOWN = 20
A_PAGE = 50


@page("/outcomes", "manager")
def outcome_files(services: Services, here: Here) -> ResponseReturnValue:
    """Show the files of outcomes, and the form to upload one."""
    with services.db.tenant(here.company.id) as session:
        files = import_queries.find_imports(session, here.company.id)
        waiting = inbox_queries.counts(session, here.company.id)["unmatched"]
    return render_template("outcome_files.html", files=files, waiting=waiting)


@page("/outcomes/files", "manager", ("POST",))
def add_import(services: Services, here: Here) -> ResponseReturnValue:
    """Store an uploaded file as a draft."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        flash("Choose a CSV file first.")
        return redirect(url_for("dashboard.outcome_files", company_id=here.company.id), 303)
    try:
        with services.db.tenant(here.company.id) as session:
            id_ = imports.store_file(
                session, services.vault, here.company.id, sent.stream, sent.filename, here.who.email, here.now
            )
    except BadInput as problem:
        flash(f"Nothing was stored. {problem}")
        return redirect(url_for("dashboard.outcome_files", company_id=here.company.id), 303)
    return _to_file(here, id_)


@page("/outcomes/files/<id:import_id>", "manager")
def outcome_file(services: Services, here: Here, import_id: UUID) -> ResponseReturnValue:
    """Show how a file is read, what its first lines come to, and how far it is."""
    part = request.args.get("part", 0, type=int)
    with services.db.tenant(here.company.id) as session:
        row = import_queries.import_of(session, here.company.id, import_id)
        if row is None:
            abort(404)
        lines: list[tuple[int, list[str], Any]] = []
        if row.state in ("tried", "applied", "applying", "trying"):
            found = import_queries.results_of(session, services.vault, row.company_id, row.id, max(part, 0))
            lines = [(line, cells, result) for (line, cells), result in found]
        else:
            shown = preview(session, services.vault, row, SHOWN, here.now)
            lines = [(result.line, cells, result) for cells, result in shown]
    return render_template(
        "outcome_file.html",
        file=row,
        lines=lines,
        part=part,
        parts=imports.parts_of(row.rows),
        names=CHOICES,
        outcomes=OUTCOMES,
        words=import_queries.WORDS,
        by_place={place: name for name, place in row.plan.get("columns", {}).items()},
    )


@page("/outcomes/files/<id:import_id>/plan", "manager", ("POST",))
def plan_import(services: Services, here: Here, import_id: UUID) -> ResponseReturnValue:
    """Store how the file is to be read."""
    form = request.form
    chosen = [(form[name], int(name[3:])) for name in form if name.startswith("col") and form[name]]
    plan: dict[str, Any] = {"columns": dict(chosen)}
    if len(plan["columns"]) < len(chosen):
        plan["columns"] = {"": -1}
    plan |= {name: form[name] for name in ("mark", "outcome", "currency") if name in form}
    if "day_first" in form:
        plan["day_first"] = form["day_first"] == "yes"
    if form.get("look_back_days", "").isdecimal():
        plan["look_back_days"] = int(form["look_back_days"])
    with services.db.tenant(here.company.id) as session:
        imports.locked(session, here.company.id, import_id)
        try:
            if plan["columns"] == {"": -1}:
                raise BadInput("Two columns were given the same meaning; choose each one once.")
            if not form:
                raise BadInput("Choose what the columns are.")
            with session.begin_nested():
                imports.change_plan(session, here.company.id, import_id, plan)
        except (BadInput, Conflict) as problem:
            flash(f"Not stored. {problem}")
    return _to_file(here, import_id)


@page("/outcomes/files/<id:import_id>/run", "manager", ("POST",))
def run_import(services: Services, here: Here, import_id: UUID) -> ResponseReturnValue:
    """Try the file, or apply it; a worker does so."""
    is_dry = request.form.get("dry") != "no"
    with services.db.tenant(here.company.id) as session:
        imports.locked(session, here.company.id, import_id)
        try:
            with session.begin_nested():
                imports.start(session, here.company.id, import_id, here.who.email, here.now, dry=is_dry)
        except (BadInput, Conflict) as problem:
            flash(f"Not begun. {problem}")
            return _to_file(here, import_id)
    services.nudges.wake("import_outcomes", str(here.company.id), str(import_id))
    return _to_file(here, import_id)


@page("/outcomes/files/<id:import_id>/remove", "manager", ("POST",))
def remove_import(services: Services, here: Here, import_id: UUID) -> ResponseReturnValue:
    """Forget a file; what it said of calls stays."""
    with services.db.tenant(here.company.id) as session:
        imports.locked(session, here.company.id, import_id)
        if request.form.get("sure") != "yes":
            flash("Nothing was changed: the file stays.")
            return _to_file(here, import_id)
        imports.remove(session, here.company.id, import_id, here.who.email, here.now)
    flash("The file is removed. What it said of calls stays.")
    return redirect(url_for("dashboard.outcome_files", company_id=here.company.id), 303)


@page("/outcomes/files/<id:import_id>/results.csv", "manager")
def import_results(services: Services, here: Here, import_id: UUID) -> ResponseReturnValue:
    """Download the file with each line's result beside it."""
    with services.db.tenant(here.company.id) as session:
        row = import_queries.import_of(session, here.company.id, import_id)
    if row is None:
        abort(404)
    content = import_queries.result_file(services, row)
    answer = Response(stream_with_context(content), mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=results.csv"
    return answer


@page("/outcomes/inbox", "manager")
def outcome_inbox(services: Services, here: Here) -> ResponseReturnValue:
    """Show outcomes that led to no call when they came."""
    state = request.args.get("state", "unmatched")
    before = parse_id(request.args["before"]) if request.args.get("before") else None
    company_id = here.company.id
    wanted = state if state in inbox_queries.STATES else ""
    with services.db.tenant(company_id) as session:
        counts = inbox_queries.counts(session, company_id)
        rows = inbox_queries.find_entries(session, services.vault, company_id, wanted, before, A_PAGE + 1)
        recent = find_calls(session, services.vault, company_id, CallFilter(), most=30).rows
    return render_template(
        "outcome_inbox.html",
        rows=rows[:A_PAGE],
        next=rows[A_PAGE - 1].id if len(rows) > A_PAGE else None,
        state=wanted,
        counts=counts,
        recent=recent,
        kept_days=here.company.settings.inbox_days,
        forgotten_at=forgotten_at,
    )


@page("/outcomes/inbox/<id:inbox_id>/match", "manager", ("POST",))
def match_outcome(services: Services, here: Here, inbox_id: UUID) -> ResponseReturnValue:
    """Let an outcome count for the call a person chose."""
    typed = (request.form.get("call_id") or request.form.get("other") or "").strip()
    typed = typed.rstrip("/").rpartition("/")[2]
    with services.db.tenant(here.company.id) as session:
        inbox.present(session, here.company.id, inbox_id)
        try:
            with session.begin_nested():
                call_id = parse_id(typed)
                intake.match_by_hand(
                    session, services.vault, here.company.id, inbox_id, call_id, here.who.email, here.now
                )
            flash("Matched. The destinations are told now.")
        except (BadInput, Conflict, NotFound) as problem:
            flash(f"Not matched. {problem}")
    services.nudges.wake("handle_facts", str(here.company.id))
    return redirect(url_for("dashboard.outcome_inbox", company_id=here.company.id), 303)


@page("/outcomes/inbox/<id:inbox_id>/dismiss", "manager", ("POST",))
def dismiss_outcome(services: Services, here: Here, inbox_id: UUID) -> ResponseReturnValue:
    """Set an outcome aside with a reason."""
    with services.db.tenant(here.company.id) as session:
        inbox.present(session, here.company.id, inbox_id)
        try:
            reason = request.form.get("reason", "")
            inbox.dismiss(session, here.company.id, inbox_id, reason, here.who.email, here.now)
            flash("Set aside. It stays listed under Dismissed.")
        except (BadInput, Conflict) as problem:
            flash(f"Not set aside. {problem}")
    return redirect(url_for("dashboard.outcome_inbox", company_id=here.company.id), 303)


@page("/outcomes/crm", "owner")
def outcome_crm(services: Services, here: Here) -> ResponseReturnValue:
    """Show the CRM's address and how its messages are read."""
    with services.db.tenant(here.company.id) as session:
        door = doors.crm_door(session, services.vault, here.company.id)
    address = f"{services.settings.base_url}/hooks/crm/{door.token}" if door.token else ""
    return render_template(
        "outcome_crm.html", door=door, address=address, names=CHOICES, base_url=services.settings.base_url
    )


@page("/outcomes/crm/door", "owner", ("POST",))
def change_crm_door(services: Services, here: Here) -> ResponseReturnValue:
    """Make a new address, take it back, or make all one-click links useless."""
    require_password(here)
    wish, company_id, by = request.form.get("wish", ""), here.company.id, here.who.email
    with services.db.tenant(company_id) as session:
        if wish == "open":
            doors.open_crm_door(session, services.vault, company_id, by, here.now)
            flash("The address is there. Give it to your CRM; any address before is closed.")
        elif wish == "close":
            doors.close_crm_door(session, company_id, by, here.now)
            flash("The address is closed. Messages to it are refused.")
        elif wish == "links":
            doors.renew_link_secret(session, services.vault, company_id, by, here.now)
            flash("Every one-click link given out so far is useless now.")
        else:
            raise BadInput("Choose one of the buttons.")
    return redirect(url_for("dashboard.outcome_crm", company_id=company_id), 303)


@page("/outcomes/crm/mapping", "owner", ("POST",))
def change_crm_mapping(services: Services, here: Here) -> ResponseReturnValue:
    """Store how the CRM names its fields and outcomes."""
    fields = {name: request.form.get(f"field-{name}", "") for name, _ in CHOICES}
    lines = [line.partition("=") for line in request.form.get("words", "").splitlines() if line.strip()]
    words = {theirs.strip(): ours.strip().lower() for theirs, _, ours in lines}
    with services.db.tenant(here.company.id) as session:
        doors.set_mapping(session, here.company.id, fields, words, here.who.email, here.now)
    flash("Saved. Messages from now on are read this way.")
    return redirect(url_for("dashboard.outcome_crm", company_id=here.company.id), 303)


def _to_file(here: Here, import_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("dashboard.outcome_file", company_id=here.company.id, import_id=import_id), 303)
