"""The company's name, time zone and limits."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit, service
from calltrack.accounts.queries import audit_trail
from calltrack.accounts.rules import CompanySettings
from calltrack.attribution.crediting import thresholds_of
from calltrack.attribution.evidence import settings_for
from calltrack.attribution.recrediting import ask_to_credit_again
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.audit_words import in_words
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.ids import parse_id
from calltrack.stages.versions import make_all_again
from calltrack.wiring import Services

A_PAGE = 25


@page("/settings", "manager")
def settings(services: Services, here: Here) -> ResponseReturnValue:
    """Show the limits and who changed what."""
    return _page(services, here)


def _page(services: Services, here: Here, form: Typed | None = None) -> str:
    older = request.args.get("before", "")
    with services.db.tenant(here.company.id) as session:
        before = parse_id(older) if older else None
        trail = audit_trail(session, here.company.id, A_PAGE + 1, before)
    return render_template(
        "settings.html",
        fields=fields(here.company.settings),
        trail=[in_words(line, here.company.id) for line in trail[:A_PAGE]],
        older=trail[A_PAGE - 1].id if len(trail) > A_PAGE else None,
        is_first=before is None,
        form=form,
    )


@page("/settings/company", "owner", ("POST",))
def change_settings(services: Services, here: Here) -> ResponseReturnValue:
    """Store the company's name, time zone and limits."""
    form = typed("settings")
    limits = {name: form.text(name).strip() for name in CompanySettings.model_fields if name in form.values}
    try:
        form.confirm(here)
        with form.about(""), services.db.tenant(here.company.id) as session:
            before = thresholds_of(settings_for(session, here.company.id))
            service.change_company(session, here.company.id, form.text("name"), form.text("timezone"), limits)
            if thresholds_of(settings_for(session, here.company.id)) != before:
                ask_to_credit_again(session, here.company.id, here.now)
            if form.text("timezone") != here.company.timezone:
                # The day of a first touch is a day of the company's own.
                make_all_again(session, here.company.id, here.now)
            audit.note(
                session, here.company.id, here.who.email, "company.settings", here.company.name, here.now,
                **limits,
            )  # fmt: skip
    except WrongForm:
        return _page(services, here, form), form.status
    flash("Saved. Calls from now on follow these limits.")
    return redirect(url_for("dashboard.settings", company_id=here.company.id), 303)


def fields(current: CompanySettings) -> list[dict[str, object]]:
    """Return the form fields of the limits, drawn from the class that checks them."""
    drawn: list[dict[str, object]] = []
    for name, info in CompanySettings.model_fields.items():
        value = getattr(current, name)
        extra = info.json_schema_extra
        choices = extra.get("choices") if isinstance(extra, dict) else None
        kind = "choice" if choices else "text" if isinstance(value, str) else "number"
        drawn.append(
            {
                "name": name,
                "label": info.title,
                "help": info.description,
                "kind": kind,
                "value": value,
                "choices": choices or {},
                "step": "0.01" if isinstance(value, float) else "1",
            }
        )
    return drawn
