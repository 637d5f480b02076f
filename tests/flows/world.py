"""What the tests of the flows share: running one, and asking Prefect and the buckets what it left behind."""

from __future__ import annotations

import contextvars
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

from prefect import tags
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import Artifact, FlowRun, State, TaskRun

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.gpu_capacity.capacity_record import ROOT as CAPACITY
from tasks.remediation.latest_page import CHECKS, PLANS

BUCKET, EXPORT = "sandbox-scenes", "genie-sim-export-pipeline"


class Saved:
    """The sandbox's environment as the block `default`, which the flows load."""

    def __init__(self, block: UUID, environment: PipelineEnvironment) -> None:
        self._block, self.environment = block, environment
        self.keep()

    def keep(self, **policy: Any) -> None:
        """Save it, with these changes of the policy."""
        self.environment.policy = self.environment.policy.model_copy(update=policy)
        data = self.environment.model_dump(mode="json", context={"include_secrets": True})
        with get_client(sync_client=True) as client:
            client.update_block_document(self._block, BlockDocumentUpdate(data=data))


def everything(sandbox: Sandbox) -> dict[str, int]:
    """Every object of every bucket with its generation, but for what that which only looks or plans leaves of itself."""
    return {
        f"{bucket}/{found.name}": found.generation
        for bucket in ("sandbox-scenes", "sandbox-ops", "sandbox-backup")
        for found in sandbox.store.list(bucket, "")
        if not found.name.startswith((CHECKS, PLANS, CAPACITY))
    }


def run(flow: Any, **parameters: Any) -> State[Any]:
    """Run a flow here to its final state, whatever that is."""
    return flow(return_state=True, **parameters)  # type: ignore[no-any-return]


def run_id(state: State[Any]) -> UUID:
    """The flow run a state belongs to."""
    assert state.state_details.flow_run_id is not None
    return state.state_details.flow_run_id


def artifacts(state: State[Any]) -> dict[str, Artifact]:
    """What the flow run left for people, by key."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id(state)])), limit=200
        )
    return {artifact.key: artifact for artifact in found if artifact.key}


def rows(artifact: Artifact) -> list[dict[str, str]]:
    """The rows of its list of entries: those that need a person stand first."""
    return listed(str(artifact.data).splitlines())


def has_row(artifact: Artifact, *values: str) -> bool:
    """Whether a row with all these values is in it, in whichever table or list."""
    lines = str(artifact.data).replace("\n  - ", " · ").splitlines()
    found = [line.strip("|- ").replace(" | ", " · ").split(" · ") for line in lines if line.startswith(("| ", "- "))]
    cells = [{cell.strip(" *").partition(": ")[2] or cell.strip(" *|") for cell in row} for row in found]
    return any(set(values) <= row for row in cells)


def actions(plan: Artifact) -> list[dict[str, str]]:
    """The actions of a plan's artifact, as a person puts them together: what a step has in common, and each row."""
    found: list[dict[str, str]] = []
    for step in str(plan.data).split("\n## ")[1:]:
        name, said, *lines = filter(None, step.split("\n"))
        common = dict(part.split(":** ", 1) for part in f" {said}".split(" · **"))
        common = {key.strip(" *"): value for key, value in common.items()}
        cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("|")]
        below = dict(line.removeprefix("- ").split(": ", 1) for line in lines if re.match(r"- \d+: ", line))
        folder = common.pop("in", "").strip("`")
        for row in cells[2:]:
            one = {"step": name, **common, **dict(zip(cells[0], row, strict=True))}
            details = [part.split(":** ", 1) for part in below.get(one["#"], "").split("; **") if part]
            one |= {key.strip(" *"): value for key, value in details}
            found.append(one | {"target": folder + one["target"].strip("`")})
        for row in listed(lines):
            found.append({"step": name, **common, **row, "#": row[""], "target": folder + row["target"].strip("`")})
    return found


def listed(lines: Iterable[str]) -> list[dict[str, str]]:
    """The entries of a list, as rows that did not fit are shown; the value that leads an entry has no name."""
    found: list[dict[str, str]] = []
    for line in lines:
        if line.startswith("- **"):
            lead, *others = line.removeprefix("- **").split(" · ")
            found.append({"": lead.removesuffix("**"), **dict(one.split(": ", 1) for one in others)})
        elif line.startswith("  - "):
            found[-1] |= dict([line.removeprefix("  - ").split(": ", 1)])
    return found


def generations(sandbox: Sandbox, prefix: str = "") -> dict[str, int]:
    """Every object of the data bucket with its generation."""
    return {found.name: found.generation for found in sandbox.store.list(BUCKET, prefix)}


def task_runs(state: State[Any], enough: Callable[[list[TaskRun]], bool] = bool) -> list[TaskRun]:
    """The flow run's task runs, once they are all final and `enough` of them (the server hears of them a bit later)."""
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run_id(state)]))

    def look() -> list[TaskRun] | None:
        with get_client(sync_client=True) as client:
            found = client.read_task_runs(flow_run_filter=wanted, limit=200)
        return found if all(one.state and one.state.is_final() for one in found) and enough(found) else None

    return wait_for(look, "the task runs to be recorded")


def wait_for(look: Callable[[], Any], what: str, seconds: float = 180.0) -> Any:
    """The first answer of `look` that is not empty."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.05)
    return found


class Started:
    """A flow that runs in a thread of its own, so that the test can act meanwhile."""

    def __init__(self, flow: Any, **parameters: Any) -> None:
        self._states: list[State[Any]] = []
        self._mark = f"started-{uuid4()}"
        here = contextvars.copy_context()

        def work() -> None:
            with tags(self._mark):
                self._states.append(run(flow, **parameters))

        self._thread = threading.Thread(target=here.run, args=(work,), daemon=True)
        self._thread.start()

    def paused(self) -> FlowRun:
        """The flow run, once it waits for a person."""

        mine = FlowRunFilter(tags=FlowRunFilterTags(all_=[self._mark]))

        def look() -> FlowRun | None:
            assert self._thread.is_alive(), f"it ended instead of pausing: {self._states}"
            with get_client(sync_client=True) as client:
                runs = client.read_flow_runs(flow_run_filter=mine)
            return next((one for one in runs if one.state is not None and one.state.is_paused()), None)

        return wait_for(look, "the flow to pause")  # type: ignore[no-any-return]

    def ended(self, seconds: float = 300.0) -> State[Any]:
        """Its final state."""
        self._thread.join(seconds)
        assert self._states, f"the flow has not ended after {seconds:.0f} s"
        return self._states[0]
