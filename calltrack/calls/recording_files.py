"""Our own copies of recordings: one encrypted file each, in a folder per company below the data folder."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

from calltrack.infra.sealed_files import new_file_key, read_sealed, write_sealed
from calltrack.kernel.errors import NotFound
from calltrack.wiring import Services

FOLDER = "recordings"
SID = re.compile(r"[A-Za-z0-9]{2,64}")


def place_of(sid: str) -> str:
    """Return what the recording's key is sealed for, and its pieces are named after."""
    return f"recording.{sid}"


def path_of(services: Services, company_id: UUID, sid: str) -> Path:
    """Return where the copy lies; raises NotFound for what is no recording's name."""
    if not SID.fullmatch(sid):
        raise NotFound("There is no such recording.")
    return services.settings.data_dir / FOLDER / company_id.hex / f"{sid}.sealed"


def save(services: Services, company_id: UUID, sid: str, chunks: Iterable[bytes]) -> tuple[int, bytes]:
    """Write the copy; return its length in bytes and its sealed key. Raises OSError when the disk is full."""
    key = new_file_key()
    count = write_sealed(path_of(services, company_id, sid), key, place_of(sid), chunks)
    return count, services.vault.seal_bytes(company_id, place_of(sid), key)


def read(
    services: Services, company_id: UUID, sid: str, file_key: bytes, total: int, start: int, stop: int
) -> Iterator[bytes]:
    """Yield the sound from `start` up to `stop`."""
    key = services.vault.open_bytes(company_id, place_of(sid), file_key)
    return read_sealed(path_of(services, company_id, sid), key, place_of(sid), total, start, stop)


def remove(services: Services, company_id: UUID, sid: str) -> None:
    """Delete the copy; twice is harmless."""
    path_of(services, company_id, sid).unlink(missing_ok=True)
