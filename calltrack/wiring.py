"""The one place where real parts are built and handed to the rooms."""

from dataclasses import dataclass

from calltrack.config import Settings, require_complete
from calltrack.infra.crypto import Vault
from calltrack.infra.db import Database
from calltrack.infra.queue import Nudges
from calltrack.kernel.clock import Clock, utc_now


@dataclass(frozen=True)
class Services:
    """What use cases take: settings, database, vault, nudges and the time."""

    settings: Settings
    db: Database
    vault: Vault
    nudges: Nudges
    clock: Clock


def build(settings: Settings, *, pool_size: int = 5, statement_timeout_ms: int = 15_000) -> Services:
    """Build the parts of one process; stops the program when a setting is missing."""
    require_complete(settings)
    return Services(
        settings=settings,
        db=Database(
            settings.app_url,
            settings.system_url,
            pool_size=pool_size,
            statement_timeout_ms=statement_timeout_ms,
        ),
        vault=Vault(settings.master_key()),
        nudges=Nudges(settings.redis_url),
        clock=utc_now,
    )
