"""The address of a call's one-click link."""

from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.conversions import doors
from calltrack.conversions.links import sign_link
from calltrack.kernel.errors import NotFound
from calltrack.wiring import Services


def make_address(services: Services, session: Session, company_id: UUID, call_id: UUID) -> str:
    """Return a new link of the call, good for fourteen days; raises NotFound when there is no such call."""
    if session.get(Call, (company_id, call_id)) is None:
        raise NotFound("There is no such call.")
    now = services.clock()
    secret = doors.link_secret(session, services.vault, company_id, now)
    key = services.settings.secret_key.get_secret_value()
    return f"{services.settings.base_url}/o/{sign_link(key, secret, company_id, call_id, now)}"
