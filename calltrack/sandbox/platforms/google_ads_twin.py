"""The Google Ads API's twin: its gRPC server is started when somebody first asks where it listens."""

import threading
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from calltrack.sandbox.platforms.accounts import ACTION_NAMES
from calltrack.sandbox.platforms.google_ads_budgets import Budget, BudgetBook
from calltrack.sandbox.platforms.google_ads_rules import PLATFORM
from calltrack.sandbox.platforms.twin import Desk, Twin, as_json

if TYPE_CHECKING:
    from calltrack.sandbox.platforms.google_ads_server import Server


class _Started:
    """The server of this process, once it runs."""

    def __init__(self, desk: Desk, budgets: BudgetBook) -> None:
        self._desk = desk
        self._budgets = budgets
        self._lock = threading.Lock()
        self._server: Server | None = None

    def address(self) -> str:
        """Return host and port, starting the server if it does not run yet."""
        with self._lock:
            if self._server is None:
                # Imported here: it costs the sandbox 100 MB that most runs never need.
                from calltrack.sandbox.platforms.google_ads_server import Server

                self._server = Server(self._desk, self._budgets)
            return self._server.address


def _add(pages: Blueprint, desk: Desk) -> None:
    budgets = BudgetBook(desk.folder)
    started = _Started(desk, budgets)

    @pages.get("/google-ads/endpoint")
    def endpoint() -> Response:
        """Say where the gRPC server listens."""
        return Response(started.address(), mimetype="text/plain")

    @pages.get("/google-ads/budgets")
    def show_budgets() -> Response:
        """Show all budgets as they stand."""
        return as_json(budgets.plain())

    @pages.put("/google-ads/budgets/<customer>")
    def set_budgets(customer: str) -> Response:
        """Give an account other budgets, for trials and tests."""
        budgets.set(customer, [Budget(**one) for one in request.get_json()])
        return as_json(budgets.plain())


GOOGLE_ADS = Twin(PLATFORM, "Google Ads API", ("google_ads", "google_spend"), _add, ACTION_NAMES)
