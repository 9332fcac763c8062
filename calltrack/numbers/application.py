"""The one TwiML application of a company: where the carrier asks for every number that follows it.

Its addresses name no number: the voice hooks find it by what was dialled. See decision 0016.
"""

from uuid import UUID

from calltrack.config import Settings
from calltrack.numbers.health import Hooks
from calltrack.telephony.carrier import Application, ApplicationHooks, Carrier


def application_name(company_id: UUID) -> str:
    """Return the name under which the carrier keeps it; it is found again by this name only."""
    return f"calltrack {company_id.hex}"


def application_hooks(base_url: str) -> ApplicationHooks:
    """Return its addresses."""
    return ApplicationHooks(
        voice_url=f"{base_url}/voice/incoming",
        voice_fallback_url=f"{base_url}/voice/incoming/fallback",
        status_callback=f"{base_url}/voice/incoming/status",
        sms_url=f"{base_url}/voice/incoming/sms",
    )


def default_hooks(settings: Settings) -> Hooks:
    """Return what a new number gets: addresses of its own where static answers are kept for each number."""
    return "own" if settings.static_answers_dir or settings.voice_fallback_origin else "application"


def keep_application(carrier: Carrier, company_id: UUID, base_url: str) -> Application:
    """Find, correct or make the company's application at its carrier; raises CarrierError."""
    return carrier.ensure_application(application_name(company_id), application_hooks(base_url))
