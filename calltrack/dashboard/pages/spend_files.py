"""Spend that people bring: files, and costs of offline media."""

from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import typed
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.money import parse_money
from calltrack.kernel.origin import words_of
from calltrack.spend import files, page_queries
from calltrack.spend.entries import add_entry, locked_entry, remove_entry
from calltrack.spend.file_overlap import told_elsewhere
from calltrack.spend.file_rules import NAMES
from calltrack.spend.rules import read_days, today_in
from calltrack.spend.tables import LARGEST_FILE
from calltrack.wiring import Services

SHOWN_GOOD = 15
SHOWN_WRONG = 50


@page("/budget/spend/files", "manager")
def spend_files(services: Services, here: Here) -> ResponseReturnValue:
    """Show the uploaded files, and the form to upload one."""
    with services.db.tenant(here.company.id) as session:
        rows = page_queries.files(session, here.company.id)
    return render_template("spend_files.html", files=rows)


@page("/budget/spend/files", "manager", ("POST",))
def add_spend_file(services: Services, here: Here) -> ResponseReturnValue:
    """Store an uploaded file as a draft."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        flash("Choose a CSV or XLSX file first.")
        return redirect(url_for("dashboard.spend_files", company_id=here.company.id), 303)
    try:
        with services.db.tenant(here.company.id) as session:
            content = sent.stream.read(LARGEST_FILE + 1)
            id_ = files.store_file(session, here.company.id, content, sent.filename, here.who.email, here.now)
    except BadInput as problem:
        flash(f"Nothing was stored. {problem}")
        return redirect(url_for("dashboard.spend_files", company_id=here.company.id), 303)
    return _to_file(here, id_)


@page("/budget/spend/files/<id:file_id>", "manager")
def spend_file(services: Services, here: Here, file_id: UUID) -> ResponseReturnValue:
    """Show how a file is read, what its lines come to and which cannot be used."""
    with services.db.tenant(here.company.id) as session:
        try:
            row = files.locked(session, here.company.id, file_id)
        except NotFound:
            abort(404)
        before = files.seen_before(session, row)
        lines, problem = [], ""
        try:
            lines = files.look_at(row)
        except BadInput as found:
            problem = str(found)
        said = [one.says for one in lines if one.says is not None]
        elsewhere = told_elsewhere(session, here.company.id, row.plan.get("account", ""), said)
    wrong = [one for one in lines if one.says is None]
    good = [one for one in lines if one.says is not None]
    return render_template(
        "spend_file.html", file=row, before=before, problem=problem, names=NAMES, words_of=words_of,
        wrong=wrong[:SHOWN_WRONG], wrong_count=len(wrong), good=good[:SHOWN_GOOD], good_count=len(good),
        total=sum(one.cost_minor for one in said), elsewhere=elsewhere,
        by_place={place: name for name, place in row.plan.get("columns", {}).items()},
    )  # fmt: skip


@page("/budget/spend/files/<id:file_id>", "manager", ("POST",))
def change_spend_file(services: Services, here: Here, file_id: UUID) -> ResponseReturnValue:
    """Store how a file is read, apply it, or remove it."""
    wish = request.form.get("do", "plan")
    try:
        with services.db.tenant(here.company.id) as session:
            if wish == "remove":
                files.remove(session, here.company.id, file_id, here.who.email, here.now)
            elif wish == "apply":
                kept = files.apply(session, here.company.id, file_id, here.who.email, here.now)
            else:
                files.change_plan(session, here.company.id, file_id, _plan())
    except (BadInput, Conflict) as problem:
        flash(f"Not done. {problem}")
        return _to_file(here, file_id)
    if wish == "remove":
        flash("The file is removed. The costs it told stay.")
        return redirect(url_for("dashboard.spend_files", company_id=here.company.id), 303)
    if wish == "apply":
        flash(f"Applied. Days that are new: {kept.new}, changed: {kept.changed}, as before: {kept.same}.")
    return _to_file(here, file_id)


@page("/budget/spend/offline", "viewer")
def spend_offline(services: Services, here: Here) -> ResponseReturnValue:
    """Show the costs of offline media, and the form to add one."""
    return _offline(services, here, {}, "")


@page("/budget/spend/offline", "manager", ("POST",))
def add_offline_cost(services: Services, here: Here) -> ResponseReturnValue:
    """Add a cost of an offline medium; spread over its days to the minor unit."""
    form = typed("entry")
    try:
        first = form.text("month") if form.text("month").strip() else form.text("first_day")
        last = "" if form.text("month").strip() else form.text("last_day")
        days = read_days(first, last)
        cost = parse_money(form.text("cost"), form.text("currency") or here.company.currency)
        with services.db.tenant(here.company.id) as session:
            add_entry(
                session, here.company.id, form.text("name"), form.text("key"), days, cost,
                form.text("note"), here.who.email, here.now,
            )  # fmt: skip
    except (BadInput, Conflict) as problem:
        return _offline(services, here, dict(form.values), str(problem)), 400
    flash(f"Added: {(days.last - days.first).days + 1} days, to the last cent.")
    return redirect(url_for("dashboard.spend_offline", company_id=here.company.id), 303)


@page("/budget/spend/offline/<id:cost_id>/remove", "manager", ("POST",))
def remove_offline_cost(services: Services, here: Here, cost_id: UUID) -> ResponseReturnValue:
    """Take a cost back."""
    is_sure = request.form.get("sure") == "yes"
    with services.db.tenant(here.company.id) as session:
        locked_entry(session, here.company.id, cost_id)
        if is_sure:
            remove_entry(session, here.company.id, cost_id, here.who.email, here.now)
    flash("Taken back. Its days cost less now." if is_sure else "Nothing was changed: the cost stays.")
    return redirect(url_for("dashboard.spend_offline", company_id=here.company.id), 303)


def _offline(services: Services, here: Here, given: dict[str, str], problem: str) -> str:
    with services.db.tenant(here.company.id) as session:
        rows = page_queries.entries(session, here.company.id)
        statics = page_queries.static_keys(session, here.company.id)
    today = today_in(here.company.timezone, here.now)
    return render_template(
        "spend_offline.html", entries=rows, statics=statics, given=given, problem=problem, today=today,
        words_of=words_of,
    )  # fmt: skip


def _plan() -> dict[str, Any]:
    form = request.form
    chosen = [(form[name], int(name[3:])) for name in form if name.startswith("col") and form[name]]
    if len({name for name, _ in chosen}) < len(chosen):
        raise BadInput("Two columns were given the same meaning; choose each one once.")
    plan: dict[str, Any] = {"columns": dict(chosen), "day_first": form.get("day_first") != "no"}
    return plan | {name: form[name] for name in ("mark", "account", "currency") if name in form}


def _to_file(here: Here, file_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("dashboard.spend_file", company_id=here.company.id, file_id=file_id), 303)
