"""Sound files of announcements: at a signed address only, and a caller goes on when one is gone."""

import shutil
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from calltrack.callflows import audio, service
from calltrack.callflows.audio import Announcement, kind_of_sound
from calltrack.calls.desk import Desk
from calltrack.calls.sounds import create_blueprint, silence
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_company
from tests.calls.conftest import Carrier
from tests.calls.test_hooks import refresh

MP3 = b"\xff\xfb\x90\x64" + bytes(400)


def keep(services: Services, company: Company, sound: bytes = MP3) -> Announcement:
    data_dir, vault = services.settings.data_dir, services.vault
    return audio.store(data_dir, vault, company.id, "Saluto", sound, "test", NOON)


@pytest.fixture
def client(services: Services) -> FlaskClient:
    app = Flask("sounds")
    app.register_blueprint(create_blueprint(services.settings.data_dir, services.vault))
    return app.test_client()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (silence(), "wav"), (MP3, "mp3"), (b"ID3\x04" + bytes(20), "mp3"), (b"\xff\xf3\x44\xc4", "mp3"),
        (b"", None), (b"\xff", None), (b"\xff\xfb", None), (b"RIFF1234AVI ", None),
        (b"\xff\xd8\xff\xe0", None), (b"<script>", None),
        (b"\xff\xfb\xf0\x00", None),
        (b"\xff\xf1\x50\x80", None), (b"OggS", None),
    ],
)  # fmt: skip
def test_a_sound_is_told_by_its_first_bytes(head: bytes, kind: str | None) -> None:
    assert kind_of_sound(head) == kind


def test_the_carrier_fetches_a_file_whole_or_in_part(
    services: Services, company: Company, client: FlaskClient
) -> None:
    kept = keep(services, company)
    for method in ("GET", "POST"):
        answer = client.open(kept.path, method=method)
        assert (answer.status_code, answer.data, answer.mimetype) == (200, MP3, "audio/mpeg")
        answer.close()
    part = client.get(kept.path, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.data) == (206, MP3[:4])
    part.close()
    assert keep(services, company).path == kept.path, "the same sound is the same file"


def test_an_address_nobody_signed_is_not_there(
    services: Services, company: Company, client: FlaskClient
) -> None:
    kept = keep(services, company)
    head, _, file = kept.path.rpartition("/")
    other = make_company(services).id.hex
    hash_, _, rest = file.partition("-")
    for path in (
        f"{head}/{hash_}-{'0' * 32}.mp3", f"/announcements/{other}/{file}", f"{head}/{'0' * 32}-{rest}",
        f"{head}/..%2f{file}", f"{head}/{file}x", f"{head}/{file.upper()}", f"{head}/x", "/announcements/x/y",
    ):  # fmt: skip
        assert client.get(path).status_code == 404, path


def test_a_file_that_is_gone_is_silent_and_the_call_goes_on(
    services: Services, company: Company, client: FlaskClient
) -> None:
    kept = keep(services, company)
    shutil.rmtree(services.settings.data_dir / audio.FOLDER / company.id.hex)
    answer = client.get(kept.path)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, silence(), "audio/wav")


def test_a_file_in_use_is_kept(services: Services, company: Company) -> None:
    kept, loose = keep(services, company), keep(services, company, silence())
    data_dir, vault = services.settings.data_dir, services.vault
    plain: dict[str, Any] = {
        "start": "welcome", "steps": {"welcome": {"kind": "announce", "message": {"audio": kept.path}}}
    }  # fmt: skip
    with services.db.tenant(company.id) as session:
        flow_id = service.create(session, company.id, "Saluti", plain, "test", NOON)
        service.save(session, company.id, flow_id, plain | {"language": "en-GB"}, "test", NOON)
        with pytest.raises(Conflict, match="“Saluti” plays it"):
            audio.remove(session, data_dir, vault, company.id, kept.path)
        audio.remove(session, data_dir, vault, company.id, loose.path)
        for path in (loose.path, kept.path.replace(company.id.hex, "0" * 32), "/etc/passwd"):
            with pytest.raises(NotFound):
                audio.remove(session, data_dir, vault, company.id, path)
    assert audio.stored(data_dir, company.id) == (kept,)


def test_wrong_and_too_many_files_are_refused(services: Services, company: Company) -> None:
    with pytest.raises(BadInput, match="5 MB"):
        keep(services, company, MP3 + bytes(audio.LARGEST))
    with pytest.raises(BadInput, match="neither"):
        keep(services, company, b"hello")
    for number in range(audio.MOST_FILES):
        keep(services, company, MP3 + number.to_bytes(2))
    with pytest.raises(Conflict, match="at most 100 sound"):
        keep(services, company, silence())
    assert len(audio.stored(services.settings.data_dir, company.id)) == audio.MOST_FILES


def test_a_flow_tells_the_carrier_the_whole_address(
    services: Services, company: Company, desk: Desk, voice: FlaskClient
) -> None:
    kept = keep(services, company)
    plain = {
        "start": "welcome",
        "steps": {
            "welcome": {"kind": "announce", "message": {"audio": kept.path}, "then": "end"},
            "end": {"kind": "hang_up"},
        },
    }
    with services.db.tenant(company.id) as session:
        flow_id = service.create(session, company.id, "Saluti", plain, "test", NOON)
        service.assign(session, company.id, flow_id, "company", company.id, "test", NOON)
    refresh(desk)
    carrier = Carrier(voice, services.settings.base_url, company)
    answer = carrier.post("", carrier.call_fields())
    assert f"<Play>{services.settings.base_url}{kept.path}</Play>" in answer.text
