"""`calltrack numbers`: every tracking number with the hooks its carrier must call."""

import json

from calltrack.commands.running import settings_here
from calltrack.numbers.hooks import NumberSetup, setups
from calltrack.wiring import build


def print_numbers(*, as_json: bool) -> int:
    """Print the numbers of all companies on this server."""
    services = build(settings_here())
    with services.db.system() as system:
        rows = setups(system, services.settings.base_url)
    services.db.close()
    if as_json:
        print(json.dumps([row.as_dict() for row in rows], indent=1))
    else:
        _print_table(rows)
    return 0


def _print_table(rows: list[NumberSetup]) -> None:
    for row in rows:
        print(f"{row.e164:16} {row.kind:9} {row.location:20} {row.voice_url}")
