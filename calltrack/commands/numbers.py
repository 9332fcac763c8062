"""`calltrack numbers`: every tracking number with its hooks; and their call masses counted anew."""

import json

from calltrack.commands.running import settings_here
from calltrack.numbers.counting import count_company
from calltrack.numbers.hooks import NumberSetup, setups
from calltrack.numbers.keeping import companies_with_numbers
from calltrack.wiring import build


def print_numbers(*, as_json: bool) -> int:
    """Print the numbers of all companies on this server."""
    services = build(settings_here())
    with services.db.system() as system:
        rows = setups(system, services.settings.base_url, services.settings.voice_fallback_origin)
    services.close()
    if as_json:
        print(json.dumps([row.as_dict() for row in rows], indent=1))
    else:
        _print_table(rows)
    return 0


def recount_numbers() -> int:
    """Count the call masses of all companies' numbers anew from their leases."""
    services = build(settings_here())
    with services.db.system() as system:
        companies = companies_with_numbers(system)
    counted = sum(count_company(services.db, company_id, services.clock()) for company_id in companies)
    services.close()
    print(f"{counted} numbers counted anew.")
    return 0


def _print_table(rows: list[NumberSetup]) -> None:
    for row in rows:
        print(f"{row.e164:16} {row.kind:9} {row.location:20} {row.voice_url}")
