"""`make demo`: break a scene, let the event start its recovery, show before, plan and after, and where the time went."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from blocks.environment import PipelineEnvironment
from deployments.children import ChildFailed, stop_if_asked, stop_on_signals
from deployments.sandbox_environment import for_sandbox
from deployments.stack import Stack, call
from tasks.pipeline.scene_view import scene_view
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.report import plan_sentence
from tasks.remediation.runs import past_runs
from tasks.validation.findings import SceneReport
from tasks.validation.scene import validate_scene

SCENE, NEIGHBOUR = "kitchen_demo", "office_demo"
PATIENCE = 120.0
"""Seconds until the demo gives up on the recovery."""
STARTS = ("start_workflow:", "run_job:")


def demo() -> int:
    """Run the demo. Returns 0 when the scene is whole again and its neighbour untouched."""
    console = Console()
    stop_on_signals()
    stack = Stack(f"demo-{os.getpid()}")
    try:
        console.print("Starting the sandbox, a private Prefect server and a worker (about 20 s) ...")
        stack.start()
        code = play(stack, console)
    except ChildFailed as error:
        console.print(str(error), style="red", markup=False)
        code = 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        code = 1
    finally:
        stack.stop()
    if code == 0:
        shutil.rmtree(stack.folder, ignore_errors=True)
    else:
        console.print(f"Logs are in {stack.folder}.")
    return code


def play(stack: Stack, console: Console) -> int:
    """The demo itself, on a running stack."""
    assert stack.endpoints is not None
    environment = for_sandbox(stack.endpoints)
    stack.control("POST", "scenes", {"scene_id": SCENE, "kind": "kitchen"})
    stack.control("POST", "scenes", {"scene_id": NEIGHBOUR, "kind": "office"})
    neighbour = generations(environment, NEIGHBOUR)
    console.print(f"\n[bold]1. Break {SCENE}[/bold]: its export is cut short, then a failure marker appears.")
    stack.control("POST", f"scenes/{SCENE}/damage", {"name": "export_corrupt"})
    before = look(environment, SCENE)
    show_findings(console, before)
    emitted = datetime.now(UTC)
    stack.control("POST", f"scenes/{SCENE}/damage", {"name": "export_failed_marker"})
    console.print("\n[bold]2. The marker becomes an event, the event starts the flow.[/bold]")
    run = wait_for_run(stack, emitted)
    journal = journal_of(environment)
    after = look(environment, SCENE)
    if journal is not None:
        show_plan(console, journal)
        show_stages(console, before, after)
        show_time(console, emitted, run, journal)
    untouched = generations(environment, NEIGHBOUR) == neighbour
    recovered = journal is not None and journal.ended and journal.entries[-1].data["outcome"] == "done"
    whole = after.healthy and recovered
    console.print(f"\nFlow run: {run.get('name')}: {(run.get('state') or {}).get('message') or run.get('state_name')}")
    console.print(
        f"{SCENE} is {'whole' if whole else 'NOT whole'}; {NEIGHBOUR} is {'untouched' if untouched else 'CHANGED'}."
    )
    return 0 if whole and untouched else 1


def look(environment: PipelineEnvironment, scene_id: str) -> SceneReport:
    """Validate a scene fully."""
    return validate_scene(scene_view(environment, scene_id), environment.catalogue, "full")


def generations(environment: PipelineEnvironment, scene_id: str) -> dict[str, int | None]:
    """Every object of a scene with its generation."""
    return {path: file.generation for path, file in scene_view(environment, scene_id).files().items()}


def wait_for_run(stack: Stack, since: datetime) -> dict[str, Any]:
    """The flow run that the event started, once it has ended."""
    wanted = {
        "deployments": {"name": {"any_": ["export-recovery-on-failure"]}},
        "flow_runs": {"expected_start_time": {"after_": since.isoformat()}},
        "sort": "EXPECTED_START_TIME_ASC",
    }
    deadline = time.monotonic() + PATIENCE
    run: dict[str, Any] = {}
    while time.monotonic() < deadline:
        stop_if_asked()
        runs = call("POST", f"{stack.api_url}/flow_runs/filter", wanted)
        run = runs[0] if runs else {}
        if run.get("state_type") in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
            return run
        if ended := stack.children.ended():
            raise ChildFailed(f"{ended} ended. {stack.children.end_of_log(ended)}")
        time.sleep(0.1)
    return run


def journal_of(environment: PipelineEnvironment) -> Journal | None:
    """The journal of the scene's only run."""
    runs = past_runs(environment.storage, environment.ops_bucket, SCENE, hours=1)
    if not runs:
        return None
    return read_journal(environment.storage, environment.ops_bucket, SCENE, runs[-1].run, "demo")


def show_findings(console: Console, report: SceneReport) -> None:
    """What is wrong, one line a finding."""
    for finding in [f for f in report.findings if f.severity == "error"][:5]:
        console.print(f"   [red]{finding.code}[/red] {escape(finding.message)}")


def show_plan(console: Console, journal: Journal) -> None:
    """The plan, one line a step."""
    plan = journal.plan()
    console.print(f"\n[bold]3. The plan[/bold]: {plan_sentence(plan)}")
    table = Table("step", "actions", "first target", "undo")
    for step in plan.steps():
        first = step.actions[0]
        table.add_row(step.name, str(len(step.actions)), first.target, first.undo)
    console.print(table)


def show_stages(console: Console, before: SceneReport, after: SceneReport) -> None:
    """Stages before and after."""
    console.print("\n[bold]4. Before and after[/bold]")
    table = Table("stage", "before", "after")
    for stage, state in before.stages.items():
        if state != "never_ran" or after.stages[stage] != "never_ran":
            colour = "green" if after.stages[stage] == "complete" else "red"
            table.add_row(stage, state, f"[{colour}]{after.stages[stage]}[/{colour}]")
    console.print(table)


def show_time(console: Console, emitted: datetime, run: dict[str, Any], journal: Journal) -> None:
    """Where the time from the event to the proof went."""
    began, verified = datetime.fromisoformat(run["start_time"]), journal.entries[-1].at
    parts: dict[str, float] = {
        "event to flow run created": (datetime.fromisoformat(run["created"]) - emitted).total_seconds(),
        "flow run created to running (worker's poll and process start)": (
            began - datetime.fromisoformat(run["created"])
        ).total_seconds(),
        "observe and plan": (journal.begun_at - began).total_seconds(),
    }
    waiting = 0.0
    intent = journal.begun_at
    for entry in journal.entries:
        if entry.kind == "intent":
            intent = entry.at
        elif entry.kind == "outcome":
            seconds, results = (entry.at - intent).total_seconds(), entry.data["results"]
            assert isinstance(results, dict)
            parts[str(entry.data["step"])] = seconds
            waiting += seconds if any(key.startswith(STARTS) for key in results) else 0.0
            intent = entry.at
    parts["prove the whole scene"] = (verified - intent).total_seconds()
    total = (verified - emitted).total_seconds()
    table = Table("part", "seconds", title="Where the time went")
    for name, seconds in parts.items():
        table.add_row(name, f"{seconds:.2f}")
    table.add_row("[bold]event emitted to scene verified[/bold]", f"[bold]{total:.2f}[/bold]")
    console.print(table)
    console.print(f"Waiting on simulated workflows and jobs: {waiting:.2f} s ({100 * waiting / total:.0f} %).")
