"""Pictures of what two checks leave, for the documentation: `.venv/bin/python -m tests.ui.check_pictures`."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.override_audit.check import OverrideAudit
from tasks.override_audit.check import Question as Overrides
from tasks.remediation.check import check, sections_of
from tasks.remediation.context import Context
from tasks.remediation.latest_page import day_name, keep_report
from tasks.runtime_report.check import RuntimeReport
from tasks.runtime_report.window import Question as Hours
from tests.override_audit.planted import KINDS
from tests.override_audit.world import IN_FIRESTORE
from tests.restore.world import quick
from tests.runtime_report.world import spread, write
from tests.ui.browser import CHROMIUM, opened

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SHOWN = ("gate-passed-silently", "self-approved", "thin-justification", "switch-in-run-gpu-job", "regressed-downstream")
JOBS = {
    ("usd-assembly-pipeline", "simready-job"): (1500, 3600),
    ("usd-assembly-pipeline", "usd-assembly-job"): (2100, 3600),
    ("genie-sim-export-pipeline", "genie-sim-export-job"): (1900, 2700),
    ("genie-sim-import-pipeline", "genie-sim-import-job"): (1450, 1800),
    ("dwm-preparation-pipeline", "dwm-preparation-job"): (900, 3600),
}
"""By workflow and job, a middling run and its timeout, in seconds."""


def main() -> None:
    """Make a week of runs and some overrides, and take a picture of each page, or of what is drawn on it."""
    if CHROMIUM is None:
        sys.exit("There is no Chromium: install one, as in apt-get install chromium.")
    with Sandbox(job_seconds=0.02, seed=7) as sandbox, tempfile.TemporaryDirectory() as folder:
        environment = quick(sandbox)
        environment.catalogue_overlay = IN_FIRESTORE
        for name, body in pages(sandbox, environment):
            page = Path(folder) / f"{name}.html"
            page.write_bytes(body)
            with opened(1280, 900) as browser:
                browser.goto(page.as_uri())
                drawn = browser.locator("svg")
                (drawn.first if drawn.count() else browser).screenshot(path=IMAGES / f"{name}.png")
        environment.close()


def pages(sandbox: Sandbox, environment: PipelineEnvironment) -> Iterator[tuple[str, bytes]]:
    """Each page with its name."""
    dice, now = random.Random(7), datetime.now(UTC)
    for (workflow, job), (middle, limit) in JOBS.items():
        seconds = [min(dice.lognormvariate(0, 0.25) * middle, limit) for _ in range(120)]
        write(sandbox, spread(seconds, until=now - timedelta(hours=1), job=job, workflow=workflow, limit=limit))
    for kind in SHOWN:
        scene, plant = KINDS[kind]
        plant(sandbox, environment, scene)
    asked: list[tuple[str, Any, Any]] = [
        ("runtime-report", RuntimeReport(), Hours()),
        ("override-audit", OverrideAudit(), Overrides(keep=True)),
    ]
    for name, one, question in asked:
        seen = check(one, Context(environment, "a schedule"), question)
        keep_report(seen, sections_of(seen))
        yield name, environment.storage.read(environment.ops_bucket, day_name(name, datetime.now(UTC)))


if __name__ == "__main__":
    main()
