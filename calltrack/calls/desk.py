"""The parts of one voice process, built together: routes, connections, spool."""

import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from calltrack.callflows.steps import Flow
from calltrack.calls.guard.desk import Guard, open_guard
from calltrack.calls.intake import Intake
from calltrack.calls.recent import Recent
from calltrack.calls.route_source import RouteSource
from calltrack.calls.route_table import Route
from calltrack.infra.bounded import BoundedPool
from calltrack.infra.crypto import Vault
from calltrack.kernel.clock import Clock
from calltrack.kernel.errors import NotFound
from calltrack.telephony.base import CallPlan
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
    guard: Guard
    vault: Vault
    clock: Clock
    begun: Recent[tuple[UUID, datetime]] = field(default_factory=Recent)
    """Which version of a flow answered a call, and when it came in."""
    picked_up: Recent[int] = field(default_factory=Recent)
    """Which phone of its group a leg is, once it answered."""

    def flow(self, route: Route, version: UUID) -> Flow:
        """Return a version of the company's flows.

        Raises:
            NotFound: this process does not know it (any more).
        """
        table = self.routes.table
        flow = table.flows.find(route.row.company_id, version) if table else None
        if flow is None:
            raise NotFound(f"version {version} of a call flow is not known here")
        return flow

    def with_logins(self, route: Route, plan: CallPlan) -> CallPlan:
        """Return the plan with what the company's telephone systems ask for before they take a call."""
        table = self.routes.table
        return plan if table is None else table.telephone_systems.with_logins(route.row.company_id, plan)

    def stop(self) -> None:
        """End the background threads and close the connections."""
        self.routes.stop()
        self.guard.stop()
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
    guard = open_guard(settings.system_url, settings.data_dir, services.vault)
    return Desk(settings.base_url, routes, intake, guard, services.vault, services.clock)
