"""Setting numbers up: pools, the numbers you own, and the addresses Twilio must be told."""

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from calltrack.accounts import audit, queries
from calltrack.accounts.carrier import carrier_of
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import pretty, to_e164
from calltrack.numbers import service
from calltrack.numbers.application import application_hooks
from calltrack.numbers.hooks import setups
from calltrack.numbers.queries import numbers, pools
from calltrack.numbers.rules import near_in, numbers_in
from calltrack.wiring import Services

FOLLOWS = "Calls are answered within 15 seconds."


@page("/numbers/setup", "manager")
def number_setup(services: Services, here: Here) -> ResponseReturnValue:
    """Show pools and numbers with the forms that add to them, and each number's addresses."""
    return _page(services, here)


@page("/numbers/pools", "manager", ("POST",))
def add_pool(services: Services, here: Here) -> ResponseReturnValue:
    """Make a pool of a location."""
    form = typed("pool")
    try:
        with form.about("location"):
            location_id = parse_id(form.text("location"))
        with form.about("lease_seconds"):
            lease = form.whole("lease_seconds")
        with form.about("cooldown_seconds"):
            rest = form.whole("cooldown_seconds")
        with form.about("near"):
            near = near_in(form.text("near"), here.company.country)
        with form.about("name"), services.db.tenant(here.company.id) as session:
            name = form.text("name")
            service.create_pool(
                session, here.company.id, location_id, name, here.now,
                lease_seconds=lease, cooldown_seconds=rest, near=near,
            )  # fmt: skip
            audit.note(session, here.company.id, here.who.email, "pool.add", name, here.now)
    except WrongForm:
        return _page(services, here, form), form.status
    flash("The pool is there. Add the numbers you own to it.")
    return _back(here)


@page("/numbers/pools/<id:pool_id>/numbers", "manager", ("POST",))
def add_numbers(services: Services, here: Here, pool_id: UUID) -> ResponseReturnValue:
    """Add numbers to a pool: to be shown in turn, or one that visitors share while the pool is dry."""
    form = typed(f"p{pool_id.hex}")
    try:
        with form.about("numbers"), services.db.tenant(here.company.id) as session:
            if not any(pool.id == pool_id for pool in pools(session, here.company.id, here.now)):
                raise NotFound("There is no such pool.")
            carrier_id = _carrier_id(session, here)
            wanted = numbers_in(form.text("numbers"), here.company.country)
            if form.text("kind") == "overflow":
                if len(wanted) != 1:
                    raise BadInput("A pool has one overflow number; type one.")
                service.add_overflow_number(
                    session, here.company.id, pool_id, carrier_id, wanted[0], here.now
                )
            else:
                service.add_pool_numbers(session, here.company.id, pool_id, carrier_id, wanted, here.now)
            _note(session, here, wanted, kind=form.text("kind") or "pool")
    except WrongForm:
        return _page(services, here, form), form.status
    many = f"{len(wanted)} numbers are" if len(wanted) > 1 else f"{pretty(wanted[0])} is"
    flash(f"{many} added. {FOLLOWS} Paste the addresses below into Twilio's console.")
    return _back(here)


@page("/numbers/static", "manager", ("POST",))
def add_static(services: Services, here: Here) -> ResponseReturnValue:
    """Add a number that stands for one source."""
    form = typed("static")
    source, medium, campaign = (
        " ".join(form.text(name).split()) for name in ("source", "medium", "campaign")
    )
    try:
        with form.about("location"):
            location_id = parse_id(form.text("location"))
        with form.about("number"):
            e164 = to_e164(form.text("number"), here.company.country)
        with form.about("source"):
            if not source or max(map(len, (source, medium, campaign))) > 200:
                raise BadInput("Name the source, such as billboard; at most 200 characters in each field.")
        with form.about("number"), services.db.tenant(here.company.id) as session:
            carrier_id = _carrier_id(session, here)
            service.add_static_number(
                session, here.company.id, location_id, carrier_id, e164, source, medium, campaign, here.now
            )
            _note(session, here, [e164], kind="static", source=source, medium=medium, campaign=campaign)
    except WrongForm:
        return _page(services, here, form), form.status
    flash(f"{pretty(e164)} is added. {FOLLOWS} Paste its addresses below into Twilio's console.")
    return _back(here)


def _page(services: Services, here: Here, form: Typed | None = None) -> str:
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        rows = [row for row in numbers(session, company_id, here.now) if row.released_at is None]
        known = {
            setup.e164: setup
            for setup in setups(session, services.settings.base_url, services.settings.voice_fallback_origin)
        }
        branches = queries.locations(session, company_id)
        return render_template(
            "number_setup.html",
            pools=pools(session, company_id, here.now),
            numbers=rows,
            setups=known,
            locations=branches,
            branches=[(branch.id.hex, branch.name) for branch in branches],
            carrier=carrier_of(session, company_id),
            form=form,
            base_url=services.settings.base_url,
            application=application_hooks(services.settings.base_url),
            following=sum(row.hooks == "application" for row in rows),
        )


def _carrier_id(session: Session, here: Here) -> UUID:
    connected = carrier_of(session, here.company.id)
    if connected is None:
        raise Conflict("Connect a carrier first: Settings, Carrier.")
    return connected.id


def _note(session: Session, here: Here, added: list[str], **detail: str) -> None:
    for e164 in added:
        audit.note(session, here.company.id, here.who.email, "number.add", e164, here.now, **detail)


def _back(here: Here) -> ResponseReturnValue:
    return redirect(url_for("dashboard.number_setup", company_id=here.company.id), 303)
