"""Settings of what follows a call: alerts, questions to who answered, the text-back, tags, contacts."""

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit
from calltrack.accounts.follow_up import FollowUp
from calltrack.accounts.follow_up import change_follow_up as store
from calltrack.accounts.follow_up import follow_up as stored
from calltrack.accounts.queries import locations
from calltrack.calls.people.tags import make_tag, merge_tags, tags
from calltrack.calls.people.tags import rename_tag as rename
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.messages.contacts import set_contact
from calltrack.messages.queries import contacts
from calltrack.wiring import Services

ALERTS = (
    ("off", "Nobody"), ("owners", "The owners"), ("managers", "Owners and managers"),
    ("location", "The location's e-mail address"),
)  # fmt: skip
ASKS = (
    ("off", "Do not ask"), ("link", "A link: to their mobile, else by e-mail"),
    ("key", "A call that wants a key"),
)  # fmt: skip
NUMBERS = ("ask_seconds", "text_back_minutes")
TEXTS = ("alert_to", "ask_how", "text_back_text", "quiet_from", "quiet_until")
TICKS = ("text_back", "text_back_consent", "quiet_sundays")


@page("/settings/follow-up", "manager")
def follow_up(services: Services, here: Here) -> ResponseReturnValue:
    """Show the settings."""
    return _page(services, here, None)


@page("/settings/follow-up", "owner", ("POST",))
def change_follow_up(services: Services, here: Here) -> ResponseReturnValue:
    """Store the settings."""
    form = typed("follow_up")
    try:
        with form.about(""), services.db.tenant(here.company.id) as session:
            told = store(session, here.company.id, _wanted(form)).model_dump(mode="json")
            audit.note(
                session,
                here.company.id,
                here.who.email,
                "follow_up.change",
                here.company.name,
                here.now,
                **told,
            )
    except WrongForm:
        return _page(services, here, form), form.status
    return _back(here, "Saved. It counts for calls from now on.")


@page("/settings/follow-up/contact/<id:location_id>", "manager", ("POST",))
def change_contact(services: Services, here: Here, location_id: UUID) -> ResponseReturnValue:
    """Store where a location is written to."""
    form = typed(f"contact-{location_id.hex}")
    try:
        with form.about(""), services.db.tenant(here.company.id) as session:
            set_contact(
                session, here.company.id, location_id, form.text("email"), form.text("mobile"),
                here.company.country, here.now, by=here.who.email,
            )  # fmt: skip
    except WrongForm:
        return _page(services, here, form), form.status
    return _back(here, "Saved.")


@page("/settings/follow-up/tags", "manager", ("POST",))
def add_tag(services: Services, here: Here) -> ResponseReturnValue:
    """Make a tag."""
    form = typed("tag")
    try:
        with form.about("tag_name"), services.db.tenant(here.company.id) as session:
            make_tag(session, here.company.id, form.text("tag_name"), here.now, by=here.who.email)
    except WrongForm:
        return _page(services, here, form), form.status
    return _back(here, "The tag is made.")


@page("/settings/follow-up/tags/<id:tag_id>", "manager", ("POST",))
def change_tag(services: Services, here: Here, tag_id: UUID) -> ResponseReturnValue:
    """Rename a tag, or merge it into another."""
    form, company_id = typed(f"tag-{tag_id.hex}"), here.company.id
    into = form.text("into")
    try:
        with form.about("tag_name"), services.db.tenant(company_id) as session:
            if all(one.id != tag_id for one in tags(session, company_id)):
                raise NotFound("There is no such tag.")
            if into:
                count = merge_tags(session, company_id, tag_id, parse_id(into), here.now, by=here.who.email)
                words = f"Merged; {count} call{'' if count == 1 else 's'} carried it."
            else:
                rename(session, company_id, tag_id, form.text("tag_name"), here.now, by=here.who.email)
                words = "Renamed."
    except WrongForm:
        return _page(services, here, form), form.status
    services.nudges.wake("handle_facts", str(company_id))
    return _back(here, words)


def _page(services: Services, here: Here, form: Typed | None) -> str:
    company_id = here.company.id
    with services.db.tenant(company_id) as session:
        settings, known = stored(session, company_id), tags(session, company_id)
        branches, told = locations(session, company_id), contacts(session, company_id)
    return render_template(
        "follow_up.html", one=settings, fields=FollowUp.model_fields, form=form, alerts=ALERTS, asks=ASKS,
        tags=known, locations=branches, contacts=told,
    )  # fmt: skip


def _wanted(form: Typed) -> dict[str, Any]:
    wanted: dict[str, Any] = {name: form.text(name) for name in TEXTS if form.text(name)}
    for name in NUMBERS:
        try:
            wanted[name] = form.whole(name)
        except BadInput:
            raise BadInput(f"{FollowUp.model_fields[name].title}: write a whole number.") from None
    return wanted | {name: name in form.values for name in TICKS}


def _back(here: Here, words: str) -> ResponseReturnValue:
    flash(words)
    return redirect(url_for("dashboard.follow_up", company_id=here.company.id), 303)
