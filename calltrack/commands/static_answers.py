"""`calltrack static-answers`: files with which a plain web server answers calls while calltrack is down."""

from pathlib import Path

from calltrack.calls.static_answers import differences, files_of, static_rows, write_static
from calltrack.commands.running import settings_here
from calltrack.kernel.errors import Conflict
from calltrack.wiring import build


def write_answers(folder: Path) -> int:
    """Write the folder anew where something changed."""
    files = _files(folder)
    try:
        changed = write_static(folder, files)
    except (Conflict, OSError) as problem:
        raise SystemExit(f"Nothing was written: {problem}") from None
    answers = sum(path.startswith("bins/") for path in files)
    print(f"{answers} numbers have their answer in {folder}; {changed} files were changed.")
    return 0


def check_answers(folder: Path) -> int:
    """Print what in the folder is not current; 0 only if everything is."""
    found = differences(folder, _files(folder))
    for one in found:
        print(f"{one.path}: {one.what}")
    if found:
        print(f"{len(found)} files are not current. Run `calltrack static-answers --out {folder}`.")
        return 1
    print(f"Every answer in {folder} is current.")
    return 0


def _files(folder: Path) -> dict[str, bytes]:
    services = build(settings_here())
    try:
        with services.db.system() as system:
            return files_of(static_rows(system), folder)
    finally:
        services.close()
