"""Connecting, changing and removing destinations; the form is drawn from the destination's own class."""

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.dashboard.access import Here, page
from calltrack.dashboard.trials import first_trial
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.delivery import accounts, sign_in
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.queries import HealthRow
from calltrack.delivery.queries import destinations as connected
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.settings import FormField
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services

TRUE = "on"
# What a sign-in brings, so that nobody is asked to type it.
GRANTED_FIELDS = frozenset(("client_id", "client_secret", "refresh_token", "access_token"))
# Beside a secret that may be empty: takes the stored one away.
ERASE = "erase-"


@page("/destinations/connect", "owner")
def connect(services: Services, here: Here) -> ResponseReturnValue:
    """Let an owner choose what to connect, then show its form."""
    kind = request.args.get("kind", "")
    signed_in = request.args.get("signed_in", "")
    return _connect_page(services, here, kind if kind in DESTINATIONS else "", signed_in=signed_in)


@page("/destinations/connect", "owner", ("POST",))
def connect_destination(services: Services, here: Here) -> ResponseReturnValue:
    """Connect a destination: it hears of every lead and purchase from now on."""
    form = typed("destination")
    kind = form.text("kind")
    if kind not in DESTINATIONS:
        raise NotFound("There is no such destination.")
    signed_in = form.text("signed_in")
    try:
        form.confirm(here)
        with form.about("name"), services.db.tenant(here.company.id) as session:
            given, until = _read(form, kind) | twin_addresses(services, kind), None
            if signed_in:
                granted, until = sign_in.use(
                    session, services, here.company.id, parse_id(signed_in), kind, here.now
                )
                given |= granted
            destination_id = accounts.connect_destination(
                session, services.vault, here.company.id, kind, form.text("name"), given,
                here.now, sandbox=services.settings.is_demo, by=here.who.email,
            )  # fmt: skip
            accounts.set_access_until(session, here.company.id, destination_id, until)
    except WrongForm:
        return _connect_page(services, here, kind, form, signed_in), form.status
    flash(first_trial(services, here, destination_id))
    return _back(here)


@page("/destinations/<id:destination_id>/settings", "owner")
def destination_settings(services: Services, here: Here, destination_id: UUID) -> ResponseReturnValue:
    """Show a destination's settings as a form; secrets are never shown again."""
    return _settings_page(services, here, _one(services, here, destination_id))


@page("/destinations/<id:destination_id>/settings", "owner", ("POST",))
def change_destination(services: Services, here: Here, destination_id: UUID) -> ResponseReturnValue:
    """Store a destination's name and settings; empty secrets stay as they are."""
    one, form = _one(services, here, destination_id), typed("destination")
    drawn = {field.name for field in DESTINATIONS[one.kind].Settings.form()}
    # What the form does not draw (the twins' addresses) stays as it was stored.
    kept = {name: value for name, value in one.settings.items() if name not in drawn}
    try:
        form.confirm(here)
        with form.about("name"), services.db.tenant(here.company.id) as session:
            accounts.change_destination(
                session, services.vault, here.company.id, destination_id, form.text("name"),
                kept | _read(form, one.kind), here.now, sandbox=services.settings.is_demo, by=here.who.email,
            )  # fmt: skip
    except WrongForm:
        return _settings_page(services, here, one, form), form.status
    services.nudges.wake("handle_facts", str(here.company.id))
    flash("Saved. What is sent from now on follows these settings.")
    return _back(here)


@page("/destinations/<id:destination_id>/rotate", "owner", ("POST",))
def rotate_secret(services: Services, here: Here, destination_id: UUID) -> ResponseReturnValue:
    """Make a new signing secret and show it this once; the old one signs beside it for a week."""
    one, form = _one(services, here, destination_id), typed("rotate")
    try:
        form.confirm(here)
    except WrongForm:
        return _settings_page(services, here, one, form), form.status
    with services.db.tenant(here.company.id) as session:
        secret = accounts.rotate_secret(
            session, services.vault, here.company.id, destination_id, here.now,
            sandbox=services.settings.is_demo, by=here.who.email,
        )  # fmt: skip
    return _settings_page(services, here, _one(services, here, destination_id), fresh_secret=secret)


@page("/destinations/<id:destination_id>/remove", "owner", ("POST",))
def remove_destination(services: Services, here: Here, destination_id: UUID) -> ResponseReturnValue:
    """Disconnect a destination once its effect was read and confirmed; without the yes nothing is done."""
    one = _one(services, here, destination_id)
    if request.form.get("sure") != "yes":
        flash("Nothing was changed: the destination stays connected.")
        return _back(here)
    form = typed("remove")
    try:
        form.confirm(here)
    except WrongForm:
        return _settings_page(services, here, one, form), form.status
    with services.db.tenant(here.company.id) as session:
        accounts.remove(session, services.vault, here.company.id, destination_id, here.now, by=here.who.email)
    flash(f"{one.name} is removed. Nothing more is sent there.")
    return _back(here)


def _connect_page(
    services: Services, here: Here, kind: str, form: Typed | None = None, signed_in: str = ""
) -> str:
    settings = DESTINATIONS[kind].Settings if kind else None
    granted = bool(kind) and is_signed_in(services, here, signed_in, kind)
    fields = settings.form() if settings else []
    return render_template(
        "connect.html",
        choices={name: DESTINATIONS[name].description for name in sorted(DESTINATIONS)},
        kind=kind,
        fields=[field for field in fields if not (granted and field.name in GRANTED_FIELDS)],
        fresh=settings.fresh_secrets() if settings else {},
        form=form,
        provider=sign_in.provider_for(services, kind) if kind else None,
        signed_in=signed_in if granted else "",
    )


def _settings_page(
    services: Services, here: Here, one: HealthRow, form: Typed | None = None, fresh_secret: str = ""
) -> str:
    settings = DESTINATIONS[one.kind].Settings
    return render_template(
        "destination_settings.html",
        destination=one,
        kind=one.kind,
        fields=settings.form(),
        form=form,
        provider=sign_in.provider_for(services, one.kind),
        account=_account(services, here, one.id),
        can_rotate=bool(settings.fresh_secrets()),
        fresh_secret=fresh_secret,
    )


def is_signed_in(services: Services, here: Here, signed_in: str, kind: str) -> bool:
    """Tell whether this sign-in brought access to an account of this kind and still waits for its form."""
    if not signed_in:
        return False
    with services.db.tenant(here.company.id) as session:
        return sign_in.is_ready(session, here.company.id, parse_id(signed_in), kind, here.now)


def twin_addresses(services: Services, kind: str) -> dict[str, str]:
    """Return the settings that point at the twin of the demo's sandbox; nothing outside the demo."""
    settings = services.settings
    if not settings.is_demo:
        return {}
    origin = settings.local_origin or settings.base_url
    return {name: origin + path for name, path in DESTINATIONS[kind].twin_paths.items()}


def _account(services: Services, here: Here, destination_id: UUID) -> DestinationAccount | None:
    with services.db.tenant(here.company.id) as session:
        found = session.get(DestinationAccount, (here.company.id, destination_id))
        if found is not None:
            session.expunge(found)
        return found


def _one(services: Services, here: Here, destination_id: UUID) -> HealthRow:
    with services.db.tenant(here.company.id) as session:
        rows = connected(session, here.company.id, here.now)
    found = next((row for row in rows if row.id == destination_id), None)
    if found is None or found.kind not in DESTINATIONS:
        raise NotFound("There is no such destination.")
    return found


def _read(form: Typed, kind: str) -> dict[str, Any]:
    """Return the settings as the class wants them; what is needed but empty is left out, and so missed."""
    read: dict[str, Any] = {}
    for field in DESTINATIONS[kind].Settings.form():
        value = _value(form, field)
        if value is not None or f"{ERASE}{field.name}" in form.values:
            read[field.name] = value
    return read


def _value(form: Typed, field: FormField) -> Any:
    if field.kind == "checkbox":
        return form.text(field.name) == TRUE
    text = form.text(field.name).strip()
    if text or not (field.required or field.secret or field.kind in ("number", "choice")):
        return text
    return None


def _back(here: Here) -> ResponseReturnValue:
    return redirect(url_for("dashboard.destinations", company_id=here.company.id), 303)
