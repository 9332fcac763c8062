from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.snippet.edge_double import Edge, Pages, Site, serve

MOVED = "layout shift"
# Every layout shift, as a browser counts them, told while it happens: a page may be left at once.
TELLS_SHIFTS = f"""new PerformanceObserver(list => list.getEntries().forEach(entry => console.debug(
    "{MOVED}", entry.value, ...entry.sources.map(one => one.node?.textContent)))).observe(
        {{ type: "layout-shift", buffered: true }});"""


@contextmanager
def published() -> Iterator[Site]:
    """Serve the pages of one customer, and the edge behind them."""
    site = Site()
    servers = [serve(Pages, site), serve(Edge, site)]
    site.page_port, site.edge_port = (server.server_address[1] for server in servers)
    yield site
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    with published() as site:
        yield site


@pytest.fixture
def elsewhere() -> Iterator[Site]:
    """A site of another origin."""
    with published() as site:
        yield site


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@dataclass
class Noise:
    """Everything a page complained about."""

    errors: list[str] = field(default_factory=list)
    shifts: list[str] = field(default_factory=list)
    network: list[str] = field(default_factory=list)
    moves_itself: bool = False
    """Whether the page under test moves what it shows by its own doing."""

    def said(self, message: ConsoleMessage) -> None:
        # The browser itself notes a request that failed; no script can keep it from doing so.
        if message.text.startswith(
            ("Failed to load resource", "Access to fetch", "Connecting to", "Fetch API")
        ):
            self.network.append(message.text)
        elif message.text.startswith(MOVED):
            self.shifts.append(message.text)
        elif message.type in ("error", "warning"):
            self.errors.append(message.text)


@pytest.fixture
def noise() -> Noise:
    return Noise()


@pytest.fixture
def page(context: BrowserContext, noise: Noise) -> Iterator[Page]:
    """A page that must stay silent and still.

    No console error, no uncaught exception, no unhandled rejection; and nothing moves on it.
    """
    page = context.new_page()
    page.add_init_script(TELLS_SHIFTS)
    page.set_default_timeout(30_000)
    page.on("console", noise.said)
    page.on("pageerror", lambda error: noise.errors.append(str(error)))
    yield page
    assert noise.errors == []
    assert noise.moves_itself or noise.shifts == []
