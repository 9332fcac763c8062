"""Sound files of announcements, fetched by the carrier while a caller waits.

An address is signed (`callflows/audio.py`). A file that is gone is answered with a short silence: an error
would end the call, and so the caller goes on to the next step.
"""

import struct
from pathlib import Path

from flask import Blueprint, Response, request, send_file
from flask.typing import ResponseReturnValue

from calltrack.callflows.audio import signed_file
from calltrack.infra.crypto import Vault
from calltrack.infra.log import log

RATE = 8000


def create_blueprint(data_dir: Path, vault: Vault) -> Blueprint:
    """Return the route of the sound files kept below the data folder."""
    blueprint = Blueprint("announcements", __name__)

    @blueprint.route("/announcements/<company>/<file>", methods=["GET", "POST"])
    def announcement(company: str, file: str) -> ResponseReturnValue:
        """Play a file; what nobody signed is not there."""
        found = signed_file(data_dir, vault, request.path)
        if found is None:
            return Response(status=404)
        path, content_type = found
        if not path.is_file():
            log.error("the sound file %s is gone; its caller hears silence", path.name)
            return Response(silence(), mimetype="audio/wav", headers={"Cache-Control": "no-store"})
        answer = send_file(path.resolve(), mimetype=content_type, conditional=True, max_age=86_400)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer

    return blueprint


def silence(seconds: float = 0.5) -> bytes:
    """Return a WAV file of 16-bit silence, as the telephone knows it (8 kHz, mono)."""
    body = bytes(int(RATE * seconds) * 2)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(body), b"WAVE", b"fmt ", 16, 1, 1, RATE,
                       RATE * 2, 2, 16, b"data", len(body))  # fmt: skip
    return head + body
