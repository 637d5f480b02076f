"""A headless Chromium, driven by its command line: the page as text, or as a picture."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
)
PAGE_MILLISECONDS = 15_000
"""Time that passes for the page; the browser skips the parts in which it only waits."""


def text_of(url: str) -> str:
    """The page's HTML after its scripts have run."""
    return run("--dump-dom", url)


def picture_of(url: str, path: Path, width: int, height: int) -> None:
    """Write a PNG of the page."""
    run(f"--window-size={width},{height}", f"--screenshot={path}", url)


def run(*arguments: str) -> str:
    """One run of the browser with a profile of its own; what it printed."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory(prefix="remediation-ui-", ignore_cleanup_errors=True) as profile:
        command = [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}", f"--virtual-time-budget={PAGE_MILLISECONDS}"]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
