"""The one place where real parts are built and handed to the rooms."""

from dataclasses import dataclass, field

from calltrack.config import Settings, require_complete
from calltrack.infra.crypto import Vault
from calltrack.infra.db import Database
from calltrack.infra.queue import Nudges
from calltrack.kernel.clock import Clock, utc_now
from calltrack.telephony.carriers import Carriers


@dataclass(frozen=True)
class Services:
    """What use cases take: settings, database, vault, nudges, the time and the carriers."""

    settings: Settings
    db: Database
    vault: Vault
    nudges: Nudges
    clock: Clock
    carriers: Carriers = field(default_factory=Carriers)

    def close(self) -> None:
        """Close what `build` opened: hand over the last nudges, let go of Redis, database and carriers."""
        self.nudges.close()
        self.db.close()
        self.carriers.close()


def build(settings: Settings, *, pool_size: int = 5, statement_timeout_ms: int = 15_000) -> Services:
    """Build the parts of one process; stops the program when a setting is missing."""
    require_complete(settings)
    vault = Vault(settings.master_key())
    db = Database(
        settings.app_url,
        settings.system_url,
        pool_size=pool_size,
        statement_timeout_ms=statement_timeout_ms,
    )
    db.carried["vault"] = vault
    return Services(
        settings=settings,
        db=db,
        vault=vault,
        nudges=Nudges(settings.redis_url),
        clock=utc_now,
        carriers=Carriers(settings.carrier_base),
    )
