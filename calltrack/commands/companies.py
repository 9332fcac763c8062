"""`calltrack new-company`: the first owner of a real company."""

import secrets

from calltrack.accounts.service import NewCompany, add_member, create_agency, create_company, create_user
from calltrack.commands.running import settings_here
from calltrack.infra.db import enter_tenant
from calltrack.kernel.errors import CalltrackError
from calltrack.wiring import build


def new_company(name: str, email: str, country: str, timezone: str, currency: str) -> int:
    """Make an agency of one, its company and an owner; prints the owner's first password once."""
    services = build(settings_here())
    password, now = secrets.token_urlsafe(12), services.clock()
    try:
        with services.db.shared() as session:
            agency_id = create_agency(session, name, now)
            wanted = NewCompany(agency_id, name, country, timezone, currency)
            company_id = create_company(session, wanted, now)
            user_id = create_user(session, email, email.partition("@")[0], password, now)
            enter_tenant(session, company_id)
            add_member(session, company_id, user_id, "owner")
    except CalltrackError as problem:
        raise SystemExit(str(problem)) from None
    finally:
        services.close()
    print(f"{name} is ready. Sign in at {services.settings.base_url}/login as {email}")
    print(f"First password (change it under Settings): {password}")
    return 0
