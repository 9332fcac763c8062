"""Hearing a call: its recordings streamed to those who may, deleted, paused while card data is said."""

from uuid import UUID

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from calltrack.calls.model import Recording
from calltrack.calls.recording_control import control_recording
from calltrack.calls.recording_keeping import ask_to_delete
from calltrack.calls.recording_sound import open_sound
from calltrack.dashboard.access import Here, page
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.telephony.carrier import Refused, Retry
from calltrack.wiring import Services

DONE = {
    "pause": "Paused: nothing is recorded until you let it go on.",
    "resume": "The call is recorded again.",
    "stop": "The recording has ended; the call goes on.",
}


@page("/calls/<id:call_id>/recordings/<sid>", "manager")
def hear_recording(services: Services, here: Here, call_id: UUID, sid: str) -> ResponseReturnValue:
    """Stream a recording, whole or a range of it; who heard it is written down."""
    sound = open_sound(
        services, here.company.id, call_id, sid, request.headers.get("Range"), by=here.who.email
    )
    answer = Response(sound.chunks, sound.status, sound.headers, content_type=sound.content_type)
    answer.headers["Content-Disposition"] = "inline"
    answer.call_on_close(sound.close)
    return answer


@page("/calls/<id:call_id>/recordings/<sid>/delete", "manager", ("POST",))
def delete_recording(services: Services, here: Here, call_id: UUID, sid: str) -> ResponseReturnValue:
    """Let a recording be deleted here and at the carrier."""
    back = redirect(url_for("dashboard.call", company_id=here.company.id, call_id=call_id), 303)
    with services.db.tenant(here.company.id) as session:
        if request.form.get("sure") != "yes":
            if session.get(Recording, (here.company.id, call_id, sid)) is None:
                raise NotFound("There is no such recording.")
            flash("Nothing was deleted.")
            return back
        ask_to_delete(session, here.company.id, call_id, sid, here.now, by=here.who.email)
    services.nudges.wake("keep_recordings", str(here.company.id))
    flash("The recording is being deleted, here and at the carrier.")
    return back


@page("/calls/<id:call_id>/recording", "manager", ("POST",))
def change_recording(services: Services, here: Here, call_id: UUID) -> ResponseReturnValue:
    """Pause, resume or stop the recording of a call that goes on."""
    wish = request.form.get("do", "")
    try:
        control_recording(services, here.company.id, call_id, wish, by=here.who.email)
        flash(DONE[wish])
    except (Conflict, Retry, Refused) as problem:
        flash(f"Not done. {problem}")
    return redirect(url_for("dashboard.call", company_id=here.company.id, call_id=call_id), 303)
