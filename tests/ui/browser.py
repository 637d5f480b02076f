"""A headless Chromium that a test drives as a person would: it clicks, fills in, and waits for what it needs to see."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync", "--disable-background-networking")
PATIENCE_SECONDS = 180.0
"""How long anything may take to show: two cores under load start a flow run in half a minute."""


@contextmanager
def opened(width: int = 1400, height: int = 900) -> Iterator[Page]:
    """An empty page of a browser with a profile of its own; every look at it waits until it holds, or fails."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS), timeout=PATIENCE_SECONDS * 1000)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        yield page
        browser.close()
