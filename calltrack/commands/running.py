"""What a command needs to know of the instance that runs here: its addresses and the demo's keys."""

import json
import os
from pathlib import Path
from typing import Any

from calltrack.config import Settings, read_settings, secrets_of

RUNNING, DEMO = "running.json", "demo.json"


def write_note(data_dir: Path, name: str, note: dict[str, Any]) -> None:
    """Leave a note for other commands in the data folder, readable by its owner only."""
    draft = data_dir / f"{name}.{os.getpid()}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(note, file, indent=1)
    draft.rename(data_dir / name)


def read_note(data_dir: Path, name: str) -> dict[str, Any]:
    """Return a note of this data folder, empty where there is none."""
    path = data_dir / name
    note: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return note


def settings_here() -> Settings:
    """Read the settings; what the environment leaves out comes from the instance running in DATA_DIR.

    Raises:
        SystemExit: nothing runs there and no address is set.
    """
    settings = read_settings()
    note = read_note(settings.data_dir, RUNNING)
    if not settings.database_url and not note:
        raise SystemExit(
            "No instance runs here. Start one with `make demo`, or set DATABASE_URL and the other variables."
        )
    kept = secrets_of(settings.data_dir) if note else {}
    for name, value in {**kept, **note}.items():
        os.environ.setdefault(name, value)
    return read_settings()
