"""Take the README's pictures of a running demo: `make demo` first, then `make screenshots` beside it."""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from calltrack.config import DEMO_EMAIL, DEMO_PASSWORD, read_settings

PICTURES = Path(__file__).parent.parent / "docs" / "images"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def main() -> int:
    """Sign in and photograph overview, a call and the live view, light and dark."""
    origin = read_settings().base_url
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        for theme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme=theme)
            _photograph(page, origin, theme)
        browser.close()
    return 0


def _photograph(page: Page, origin: str, theme: str) -> None:
    page.goto(f"{origin}/login")
    page.get_by_label("E-mail").fill(DEMO_EMAIL)
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/app/**")
    company = page.url.split("?")[0].rstrip("/")
    _take(page, f"{company}?period=90d", f"overview-{theme}")
    page.goto(f"{company}/calls?brought=purchase")
    links = page.locator("main a[href*='/calls/']")
    if links.count():
        _take(page, origin + (links.first.get_attribute("href") or ""), f"call-{theme}")


def _take(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.wait_for_timeout(600)
    page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
