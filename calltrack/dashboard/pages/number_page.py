"""One number: how it is, what it is for, and the ways to repair, move and give it up."""

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from calltrack.accounts import audit
from calltrack.accounts.queries import locations
from calltrack.calls.static_answers import answer_of, state_of, static_rows
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.number_forms import choice_of, use_choices, use_typed
from calltrack.dashboard.show import moment
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.phone import pretty
from calltrack.numbers import queries, service
from calltrack.numbers.application import application_hooks
from calltrack.numbers.hooks import NumberSetup, setups
from calltrack.numbers.keeping import repair_number
from calltrack.numbers.leaving import WAITS, ask_to_leave, keep_after_all, warnings_of
from calltrack.numbers.placing import move
from calltrack.numbers.queries import NumberRow
from calltrack.numbers.uses import past_uses
from calltrack.telephony.carrier import CarrierError
from calltrack.wiring import Services

WAIT_WORDS = {0: "at once", 1: "tomorrow", 7: "in a week", 30: "in 30 days", 90: "in 90 days"}


@page("/numbers/<id:number_id>", "manager")
def number(services: Services, here: Here, number_id: UUID) -> ResponseReturnValue:
    """Show one number: what it stands for, its health, its addresses, and the ways to change it."""
    return _page(services, here, number_id)


@page("/numbers/<id:number_id>/repair", "manager", ("POST",))
def repair_one(services: Services, here: Here, number_id: UUID) -> ResponseReturnValue:
    """Set a number right at the carrier."""
    one, _ = _number(services, here, number_id)
    try:
        left = repair_number(services, here.company.id, number_id, by=here.who.email)
    except (Conflict, CarrierError) as problem:
        flash(f"Nothing was changed. {problem}", "problem")
    else:
        if left:
            flash(left[0].words, "problem")
        else:
            flash(f"{pretty(one.e164)} is as it should be: its calls arrive here.")
    return _to_number(here, number_id)


@page("/numbers/<id:number_id>/move", "manager", ("POST",))
def move_number(services: Services, here: Here, number_id: UUID) -> ResponseReturnValue:
    """Give a number another use; its history stays."""
    one, _ = _number(services, here, number_id)
    form = typed("move")
    try:
        use = use_typed(form)
        with form.about("use"), services.db.tenant(here.company.id) as session:
            moved = move(session, here.company.id, number_id, use, here.now, by=here.who.email)
            audit.note(
                session, here.company.id, here.who.email, "number.move", one.e164, here.now, kind=use.kind
            )
            rests = moved.rests_until if moved.kind == "pool" else None
    except WrongForm:
        return _page(services, here, number_id, form), form.status
    flash("Changed. Calls follow within 15 seconds.")
    if rests is not None and rests > here.now:
        words = Markup("Visitors are shown it from {} on: until then people may still call its old use.")
        flash(words.format(moment(rests)))
    return _to_number(here, number_id)


@page("/numbers/<id:number_id>/leave", "manager", ("POST",))
def leave_number(services: Services, here: Here, number_id: UUID) -> ResponseReturnValue:
    """Give a number back to the carrier after some days, once it was typed to confirm."""
    one, _ = _number(services, here, number_id)
    form = typed("leave")
    try:
        with form.about("days"):
            days = form.whole("days")
        with form.about("confirm"), services.db.tenant(here.company.id) as session:
            ask_to_leave(
                session, here.company.id, number_id, form.text("confirm"), here.company.country, days,
                here.now, by=here.who.email, despite_warnings=form.text("despite") == "on",
            )  # fmt: skip
    except WrongForm:
        return _page(services, here, number_id, form), form.status
    services.nudges.wake("provide_numbers", str(here.company.id))
    flash(f"{pretty(one.e164)} is given back {WAIT_WORDS[days]}. Nobody is shown it from now on.")
    return redirect(url_for("dashboard.numbers", company_id=here.company.id), 303)


@page("/numbers/<id:number_id>/keep", "manager", ("POST",))
def keep_number(services: Services, here: Here, number_id: UUID) -> ResponseReturnValue:
    """Keep a number after all."""
    _number(services, here, number_id)
    try:
        with services.db.tenant(here.company.id) as session:
            keep_after_all(session, here.company.id, number_id, here.now, by=here.who.email)
    except Conflict as problem:
        flash(str(problem), "problem")
    else:
        flash("Kept. Visitors are shown it again.")
    return _to_number(here, number_id)


@page("/numbers/<id:number_id>/release", "manager", ("POST",))
def release_number(services: Services, here: Here, number_id: UUID) -> ResponseReturnValue:
    """Stop using a number here once that was confirmed; it stays in the carrier account."""
    one, _ = _number(services, here, number_id)
    if request.form.get("sure") != "yes":
        flash("Nothing was changed: the number stays in use.")
        return _to_number(here, number_id)
    with services.db.tenant(here.company.id) as session:
        service.release_number(session, here.company.id, number_id, here.now, by=here.who.email)
        audit.note(session, here.company.id, here.who.email, "number.release", one.e164, here.now)
    flash(f"{pretty(one.e164)} is released. Nobody is shown it from now on.")
    return redirect(url_for("dashboard.number_setup", company_id=here.company.id), 303)


def _page(services: Services, here: Here, number_id: UUID, form: Typed | None = None) -> str:
    one, setup = _number(services, here, number_id)
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        row = next(row for row in static_rows(session) if row.number_id == number_id)
        pools, branches = queries.pools(session, company_id, here.now), locations(session, company_id)
        against = warnings_of(session, company_id, number_id, here.now)
        uses = past_uses(session, company_id, number_id)
    return render_template(
        "number.html",
        number=one,
        setup=setup,
        application=application_hooks(services.settings.base_url),
        base_url=services.settings.base_url,
        static_state=state_of(row, services.settings.static_answers_dir),
        bin=answer_of(row).decode(),
        choices=use_choices(pools, branches, now=one),
        chosen=choice_of(one),
        against=against,
        waits=[(days, WAIT_WORDS[days]) for days in WAITS],
        uses=uses,
        form=form,
    )


def _number(services: Services, here: Here, number_id: UUID) -> tuple[NumberRow, NumberSetup]:
    settings = services.settings
    with services.db.tenant(here.company.id) as session:
        rows = queries.numbers(session, here.company.id, here.now)
        known = {one.e164: one for one in setups(session, settings.base_url, settings.voice_fallback_origin)}
    found = next((row for row in rows if row.id == number_id and row.released_at is None), None)
    if found is None:
        raise NotFound("There is no such number in use.")
    return found, known[found.e164]


def _to_number(here: Here, number_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("dashboard.number", company_id=here.company.id, number_id=number_id), 303)
