"""The pages of an overview, a recovery and a night in a browser, light and dark: `.venv/bin/python -m tests.ui.overview_pages`.

Takes the picture of the documentation; with a folder as argument, pictures of all pages in both widths into that folder.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from blocks.environment import PipelineEnvironment
from deployments.sandbox.pipeline.damage import damage
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.server import Sandbox
from tasks.backup.procedure import NightlyBackup
from tasks.incidents.entries import Updated
from tasks.incidents.incident import declare
from tasks.overview.check import PAGE, Overview, Question
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import RecoveryRequest
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.latest_page import PLANS, keep_report
from tasks.remediation.procedure import AnyProcedure
from tasks.remediation.run import Run
from tasks.remediation.run_page import keep_page, page_name
from tasks.remediation.runner import run
from tasks.survival.watchdog import beat
from tests.backup.world import back_up, verified
from tests.intake.world import pause
from tests.overview.world import swept
from tests.recovery.world import APPLY, SCENE
from tests.response.world import wanted
from tests.restore.world import DATA, drill, make_night, quick
from tests.ui.browser import CHROMIUM, opened

IMAGE = Path(__file__).resolve().parents[2] / "docs" / "images" / "overview.png"
BROKEN = {
    "cellar_001": "usd_missing",
    "kitchen_004": "export_missing",
    "kitchen_007": "export_missing",
    SCENE: "export_corrupt",
}
WIDTHS = (1280, 1920)


def main() -> None:
    """Make a world in which something of everything is the matter, and look at its pages."""
    if CHROMIUM is None:
        sys.exit("There is no Chromium: install one, as in apt-get install chromium.")
    with Sandbox(job_seconds=0.02, seed=7) as sandbox, tempfile.TemporaryDirectory() as folder:
        environment = quick(sandbox)
        pages = {name: Path(folder) / f"{name}.html" for name in ("overview", "recovery", "night", "plan")}
        for name, body in bodies(sandbox, environment).items():
            pages[name].write_bytes(body)
        environment.close()
        picture(pages["overview"], IMAGE, 1280, "light")
        picture(pages["plan"], IMAGE.with_name("plan-page.png"), 1280, "light")
        if len(sys.argv) > 1:
            for name, page in pages.items():
                for width in WIDTHS:
                    for colours in ("light", "dark"):
                        picture(page, Path(sys.argv[1]) / f"{name}-{width}-{colours}.png", width, colours)


def bodies(sandbox: Sandbox, environment: PipelineEnvironment) -> dict[str, bytes]:
    """The pages, of a world that was lived in for some weeks."""
    now = datetime.now(UTC)
    make_scene(sandbox.store, DATA, "office_001", "office", objects=2)
    for back in (*range(30, 9, -1), *range(7, 1, -1)):
        make_night(environment, sandbox.store, now - timedelta(days=back), outcome="partial" if back == 5 else "clean")
        if back % 6:
            verified(environment)
    drill(environment)
    beat(Context(environment, "watchdog"))
    for scene_id, how in BROKEN.items():
        make_scene(sandbox.store, DATA, scene_id, "kitchen", objects=2)
        damage(sandbox.store, DATA, scene_id, how)
    swept(environment, now - timedelta(minutes=12))
    recovered = kept(ExportRecovery(), run(ExportRecovery(), Context(environment, "ann"), APPLY))
    procedure = ExportRecovery()
    planned = run(procedure, Context(environment, "ann"), RecoveryRequest(scene_id="kitchen_004", mode="plan"))
    keep_report(planned, procedure.sections(planned))
    night = kept(NightlyBackup(), back_up(Context(environment, "a schedule")))
    pause(environment)
    incident = declare(Context(environment, "bo"), wanted().declaration())
    incident.say(Updated(impact="No exports", mitigation="paused", next_update_at=now - timedelta(minutes=9)))
    check(Overview(), Context(environment, "overview"), Question(keep=True))
    names = {"overview": PAGE, "recovery": page_name(recovered), "night": page_name(night)}
    names["plan"] = f"{PLANS}{planned.procedure}/{planned.subject}.html"
    return {name: environment.storage.read(environment.ops_bucket, stored) for name, stored in names.items()}


def kept(procedure: AnyProcedure, one: Run) -> Run:
    """The run, with its page."""
    keep_page(one, procedure.sections(one))
    return one


def picture(page: Path, to: Path, width: int, colours: Literal["light", "dark"]) -> None:
    """The page as it is seen in a window of that width; nothing may be wider."""
    with opened(width, 900) as browser:
        browser.emulate_media(color_scheme=colours)
        browser.goto(page.as_uri())
        wide = browser.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{page.name} is {wide} pixels wide in a window of {width}"
        browser.screenshot(path=to, full_page=True)


if __name__ == "__main__":
    main()
