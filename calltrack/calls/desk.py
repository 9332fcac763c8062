"""The parts of one voice process, built together: routes, connections, spool."""

import os
import re
from dataclasses import dataclass

from calltrack.calls.intake import Intake
from calltrack.calls.route_source import RouteSource
from calltrack.infra.bounded import BoundedPool
from calltrack.infra.crypto import Vault
from calltrack.kernel.clock import Clock
from calltrack.wiring import Services

POOL_SIZE = 8
SPOOL_FOLDER = "spool"
ROUTES_FILE = "routes.json"


@dataclass(frozen=True)
class Desk:
    """Where calls are answered; `stop` ends its threads."""

    base_url: str
    routes: RouteSource
    intake: Intake
    vault: Vault
    clock: Clock

    def stop(self) -> None:
        """End the background threads and close the connections."""
        self.routes.stop()
        self.intake.stop()


def open_desk(services: Services) -> Desk:
    """Build and start the parts; a database that is away delays this by seconds and stops nothing."""
    settings = services.settings
    name = re.sub(r"[^A-Za-z0-9-]", "-", f"voice-{os.uname().nodename}-{os.getpid()}")
    routes = RouteSource(
        settings.system_url, services.vault, settings.base_url, settings.data_dir / ROUTES_FILE
    )
    intake = Intake(
        BoundedPool(settings.app_url, POOL_SIZE),
        settings.data_dir / SPOOL_FOLDER,
        name,
        services.vault,
        services.nudges,
        services.clock,
    )
    routes.start()
    intake.start()
    return Desk(settings.base_url, routes, intake, services.vault, services.clock)
