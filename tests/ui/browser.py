"""A headless Chromium that a test drives as a person would: it clicks, fills in, and waits for what it needs to see."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from playwright.sync_api import Error, Page, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-sync", "--disable-background-networking")
PATIENCE_SECONDS = 240.0
"""How long anything may take in all: two cores under load start a flow run in half a minute."""
LOOK_SECONDS = 30.0
"""How long one look may take before the page is loaded again."""
T = TypeVar("T")


@contextmanager
def opened(width: int = 1400, height: int = 900) -> Iterator[Page]:
    """An empty page of a browser with a profile of its own."""
    expect.set_options(timeout=LOOK_SECONDS * 1000)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS), timeout=PATIENCE_SECONDS * 1000)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(LOOK_SECONDS * 1000)
        yield page
        browser.close()


def insist(page: Page, act: Callable[[], T]) -> T:
    """What `act` returns, which is what a person does: when nothing comes of it, he loads the page again and does it again.

    Prefect's SQLite is locked now and then, and its pages keep lists that they read too early.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except (AssertionError, Error):
            if time.monotonic() > deadline:
                raise
            with contextlib.suppress(Error):
                page.reload()
