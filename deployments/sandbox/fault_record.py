"""What was broken on purpose, and from when to when: the sandbox's own record, against which other records are held.

A fault begins when it is injected and ends when the state is right again. Both times are those that the broken thing itself
has: of a job its last change, of an object its creation or deletion, of a trigger that it is made again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from deployments.sandbox.names import DATA_BUCKET
from deployments.sandbox.pipeline.damage import damage

if TYPE_CHECKING:
    from deployments.sandbox.server import Sandbox
    from deployments.sandbox.services.executions import Execution


@dataclass(frozen=True)
class RecordedFault:
    """One fault; `ended` is None while it lasts."""

    name: str
    began: datetime
    ended: datetime | None


class FaultRecord:
    """Injects faults and remembers them."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Nothing is broken yet."""
        self._sandbox = sandbox
        self._faults: list[tuple[str, datetime, Callable[[], datetime | None]]] = []

    def faults(self) -> list[RecordedFault]:
        """Every fault as it stands now, in the order in which they were injected."""
        return [RecordedFault(name, began, ended()) for name, began, ended in self._faults]

    def lock_left(self, execution: Execution, scene_id: str, path: str) -> None:
        """Cancel an execution, which then never removes its lock at `path` of the scene. Raises LookupError without one."""
        name, store = f"scenes/{scene_id}/{path}", self._sandbox.store
        lock = store.get(DATA_BUCKET, name)
        if lock is None:
            raise LookupError(f"There is no lock {name}.")
        self._sandbox.workflows.executions.cancel(execution)

        def ended() -> datetime | None:
            gone = store.list(DATA_BUCKET, name, soft_deleted=True)
            return next((one.soft_delete_time for one in gone if one.generation == lock.generation), None)

        self._faults.append((f"{path} of {scene_id}", execution.ended or lock.time_created, ended))

    def object_damaged(self, scene_id: str, kind: str) -> None:
        """Do one of the damages that spoil one object of a scene."""
        store = self._sandbox.store
        (path,) = damage(store, DATA_BUCKET, scene_id, kind)
        name = f"scenes/{scene_id}/{path}"
        bad = store.bucket(DATA_BUCKET).need(name)

        def ended() -> datetime | None:
            live = store.get(DATA_BUCKET, name)
            return live.time_created if live is not None and live.generation != bad.generation else None

        self._faults.append((f"{path} of {scene_id}", bad.time_created, ended))

    def image_broken(self, job: str, image: str, says: str) -> None:
        """Deploy a job with an image with which every run fails and says so. Ends when a good one is deployed and ready."""
        run = self._sandbox.run
        run.images.broken[image] = says
        began = run.deploy_image(job, image)

        def ended() -> datetime | None:
            at = run.ready_since(job)
            return at if at is not None and at > began and not run.image_fault(job) else None

        self._faults.append((f"job {job}", began, ended))

    def trigger_deleted(self, name: str) -> None:
        """Delete a trigger of the sandbox's own region. Raises KeyError when there is none."""
        eventarc = self._sandbox.eventarc
        full = eventarc.deployed.named(name).message.name
        began = eventarc.delete(full)

        def ended() -> datetime | None:
            there = eventarc.deployed.get(full)
            return there.message.create_time if there is not None else None

        self._faults.append((f"trigger {name}", began, ended))

    def genie_sim_down(self) -> None:
        """Let Genie Sim's process end, in its pods if it has any: Kubernetes has when."""
        server = self._sandbox.genie_sim
        server.switch("down")
        began = server.since
        self._sandbox.simulator_pods.ended(began)
        self._faults.append(("genie sim", began, lambda: server.since if server.state == "serving" else None))
