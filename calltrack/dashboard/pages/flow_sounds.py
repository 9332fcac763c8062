"""Sound files of announcements: upload, hear, delete."""

from contextlib import closing

from flask import Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from calltrack.accounts import audit
from calltrack.callflows import audio
from calltrack.dashboard.access import Here, page
from calltrack.dashboard.typed import Typed, WrongForm, typed
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.wiring import Services


@page("/flows/sounds", "manager")
def flow_sounds(services: Services, here: Here) -> ResponseReturnValue:
    """Show the company's sound files."""
    return _page(services, here)


@page("/flows/sounds", "manager", ("POST",))
def add_sound(services: Services, here: Here) -> ResponseReturnValue:
    """Keep an MP3 or WAV file, told by its content and not by its name."""
    form = typed("sound")
    try:
        with form.about("sound"):
            sent = request.files.get("sound")
            if sent is None or not sent.filename:
                raise BadInput("Choose an MP3 or WAV file.")
            name = form.text("name").strip() or sent.filename.rpartition(".")[0]
            with closing(sent):
                sound = sent.read(audio.LARGEST + 1)
            kept = audio.store(
                services.settings.data_dir, services.vault, here.company.id, name,
                sound, here.who.email, here.now,
            )  # fmt: skip
    except WrongForm:
        return _page(services, here, form), form.status
    with services.db.tenant(here.company.id) as session:
        audit.note(session, here.company.id, here.who.email, "sound.add", kept.name, here.now, path=kept.path)
    flash(f"“{kept.name}” is there. Choose it in a step that says something.")
    return redirect(url_for("dashboard.flow_sounds", company_id=here.company.id), 303)


@page("/flows/sounds/<file>", "manager")
def hear_sound(services: Services, here: Here, file: str) -> ResponseReturnValue:
    """Stream a sound file."""
    found = audio.signed_file(services.settings.data_dir, services.vault, _path(here, file))
    if found is None or not found[0].is_file():
        raise NotFound("There is no such sound file.")
    answer: Response = send_file(found[0].resolve(), mimetype=found[1], conditional=True)
    return answer


@page("/flows/sounds/<file>/delete", "manager", ("POST",))
def remove_sound(services: Services, here: Here, file: str) -> ResponseReturnValue:
    """Delete a sound file no flow plays."""
    form, path = typed(f"sound-{file}"), _path(here, file)
    company_id = here.company.id
    try:
        with form.about("sure"), services.db.tenant(company_id) as session:
            known = [
                one.name for one in audio.stored(services.settings.data_dir, company_id) if one.path == path
            ]
            if not known:
                raise NotFound("There is no such sound file.")
            if form.text("sure") != "yes":
                flash("Nothing was deleted.")
            else:
                audio.remove(session, services.settings.data_dir, services.vault, company_id, path)
                audit.note(session, company_id, here.who.email, "sound.remove", known[0], here.now, path=path)
                flash(f"“{known[0]}” is deleted.")
    except WrongForm:
        return _page(services, here, form), form.status
    return redirect(url_for("dashboard.flow_sounds", company_id=company_id), 303)


def _path(here: Here, file: str) -> str:
    return f"/announcements/{here.company.id.hex}/{file}"


def _page(services: Services, here: Here, form: Typed | None = None) -> str:
    sounds = audio.stored(services.settings.data_dir, here.company.id)
    return render_template("flow_sounds.html", sounds=sounds, form=form)
