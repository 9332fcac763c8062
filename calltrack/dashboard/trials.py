"""What people read after a trial run; a new destination that fails its trial is not switched on."""

from uuid import UUID

from calltrack.dashboard.access import Here
from calltrack.delivery import accounts
from calltrack.delivery.trial import Trial, try_out
from calltrack.wiring import Services

SWITCH_ON = "Mend it under Settings, try again, then let it run; conversions wait here meanwhile."


def first_trial(services: Services, here: Here, destination_id: UUID) -> str:
    """Try a destination that was just connected; returns the sentence to show. A failed trial pauses it."""
    trial = try_out(services, here.company.id, destination_id)
    if trial.ok is False:
        reason = f"Not switched on yet: the trial run failed. {trial.said}"
        with services.db.tenant(here.company.id) as session:
            accounts.pause(session, here.company.id, destination_id, reason, here.now, by=here.who.email)
        return f"Connected, but not switched on. {trial.said} {SWITCH_ON}"
    tried = "The trial run worked. " if trial.ok else f"{trial.said} "
    return f"Connected. {tried}Leads and purchases are sent there from now on."


def in_words(trial: Trial) -> str:
    """Return the sentence to show after a trial that somebody asked for."""
    if trial.ok is None:
        return trial.said
    return f"The trial run worked. {trial.said}" if trial.ok else f"The trial run failed. {trial.said}"
