"""`make up`: everything running until Ctrl-C, with the URLs and what to click first."""

from __future__ import annotations

import time
from typing import NoReturn

from rich.console import Console

from deployments.children import ChildFailed, stop_if_asked, stop_on_signals
from deployments.stack import Stack, is_free
from deployments.state import announce, running, withdraw

SCENES = {"kitchen_001": "kitchen", "office_001": "office", "warehouse_001": "warehouse"}


def up(ui_port: int, sandbox_port: int) -> int:
    """Start everything, print where it is, and wait for Ctrl-C. A free port is taken instead of one that is busy."""
    console = Console()
    stop_on_signals()
    if not announce("up", {}, alone=True):
        return already(console)
    try:
        stack = Stack("up", ui_port if is_free(ui_port) else 0, sandbox_port if are_free(sandbox_port) else 0)
        announce("up", {"ui_url": stack.ui_url, "api_url": stack.api_url})
        console.print("Starting the sandbox, a private Prefect server and a worker (about 20 s) ...")
        with stack:
            assert stack.endpoints is not None
            make_scenes(stack)
            announce("up", {"ui_url": stack.ui_url, "api_url": stack.api_url, **stack.endpoints.model_dump()})
            welcome(console, stack)
            watch(stack)
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        return 0
    except ChildFailed as error:
        console.print(str(error), style="red", markup=False)
        return 1
    finally:
        withdraw("up")


def already(console: Console) -> int:
    """Say where the one that runs is."""
    other = running("up") or {}
    where = f"at {other['ui_url']}" if "ui_url" in other else "and is just starting"
    console.print(
        f"It is running already {where}; use that one, or stop it with: kill {other.get('pid', '')}", soft_wrap=True
    )
    return 2


def watch(stack: Stack) -> NoReturn:
    """Wait for a signal. Raises `ChildFailed` when something ends by itself."""
    while True:
        stop_if_asked()
        if ended := stack.children.ended():
            raise ChildFailed(f"{ended} ended by itself. {stack.children.end_of_log(ended)}")
        time.sleep(0.2)


def are_free(port: int) -> bool:
    """The sandbox takes three neighbouring ports."""
    return all(is_free(port + offset) for offset in range(3))


def make_scenes(stack: Stack) -> None:
    """Three healthy scenes, one of which then loses its export."""
    for scene_id, kind in SCENES.items():
        stack.control("POST", "scenes", {"scene_id": scene_id, "kind": kind})
    stack.control("POST", "scenes/kitchen_001/damage", {"name": "export_missing"})


def welcome(console: Console, stack: Stack) -> None:
    """The URLs, and what to click first."""
    assert stack.endpoints is not None
    console.print(
        f"""
[bold]Prefect UI[/bold]      {stack.ui_url}
[bold]Sandbox[/bold]         {stack.endpoints.storage}  (Cloud Storage; control at {stack.endpoints.control})
[bold]Messages[/bold]        {stack.endpoints.control}/messages  (what the people on call of the sandbox were sent)
[bold]Logs and state[/bold]  {stack.folder}

Scene kitchen_001 has lost its export. To recover it:
  1. {stack.ui_url}/deployments - open [bold]export-recovery[/bold], Run, Custom run.
  2. scene_ids: kitchen_001, mode: plan. Open the run, then its Artifacts: the plan, action by action.
  3. In the plan: apply exactly this plan. The report shows before and after.
Or let an event do it:  curl -X POST {stack.endpoints.control}/scenes/office_001/damage -d '{{"name":"export_failed_marker"}}'
Validate:               remediate validate gs://sandbox-scenes/scenes/   with STORAGE_EMULATOR_HOST={stack.endpoints.storage}
Ctrl-C stops everything.""",
        highlight=False,
        soft_wrap=True,
    )
