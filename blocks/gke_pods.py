"""What is known of a pod: whose it is, what it waits for, and how its containers ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class PodInfo:
    """One pod of the namespace."""

    name: str
    job: str
    """The Job that it is of; empty for pods of anything else."""
    phase: str
    """As Kubernetes says: Pending, Running, Succeeded, Failed, Unknown."""
    created: datetime
    waits: str = ""
    """Why it has no node or its container does not start, as in `Unschedulable: 0/2 nodes are available: ...`."""
    killed: str = ""
    """Why a container of it was ended last, as in `OOMKilled, exit code 137`; empty while none was, or all ended well."""
    killed_at: datetime | None = None
    labels: dict[str, str] = field(default_factory=dict)
    gpus: int = 0
    """GPUs that its containers want together."""
    node: str = ""
    """Where it runs; empty: nowhere yet."""
    selector: dict[str, str] = field(default_factory=dict)
    """Labels that its node must have."""
    tolerates: tuple[tuple[str, str], ...] = ()
    """Key and value of the taints that it tolerates; an empty key: all, a value `*`: any."""
    ready: bool = False
    """Whether Kubernetes sends it requests: it runs, and every readiness probe of its containers says yes."""
    ready_changed: datetime | None = None
    """Since when `ready` is as it is, to the second; None: Kubernetes does not say it."""
    probed: bool = False
    """Whether a container of it has a readiness probe: without one `ready` only says that it runs."""
    restarts: int = 0
    """How often containers of it were started again."""
    replica_set: str = ""
    """The ReplicaSet that it is of, whose name begins with that of its Deployment."""


def pod_from(pod: Any) -> PodInfo:
    """What the client's model says."""
    status = pod.status
    killed, at = _killed(status)
    owners = pod.metadata.owner_references or []
    containers = pod.spec.containers if pod.spec else []
    ready = next((one for one in status.conditions or [] if one.type == "Ready"), None)
    return PodInfo(
        name=pod.metadata.name,
        job=next((owner.name for owner in owners if owner.kind == "Job"), ""),
        phase=status.phase or "Unknown",
        created=pod.metadata.creation_timestamp,
        waits=_waits(status),
        killed=killed,
        killed_at=at,
        labels=dict(pod.metadata.labels or {}),
        gpus=gpus_of([{"resources": one.resources.to_dict()} for one in containers if one.resources]),
        node=(pod.spec.node_name if pod.spec else "") or "",
        selector=dict((pod.spec.node_selector if pod.spec else None) or {}),
        tolerates=tuple(
            (one.key or "", "*" if one.operator == "Exists" else one.value or "")
            for one in (pod.spec.tolerations if pod.spec else None) or []
        ),
        ready=ready is not None and ready.status == "True",
        ready_changed=ready.last_transition_time if ready is not None else None,
        probed=any(one.readiness_probe is not None for one in containers),
        restarts=sum(one.restart_count or 0 for one in status.container_statuses or []),
        replica_set=next((owner.name for owner in owners if owner.kind == "ReplicaSet"), ""),
    )


def gpus_of(containers: list[dict[str, Any]]) -> int:
    """GPUs that containers want together; a limit is a request too (kubernetes.io, "Schedule GPUs")."""
    asked = 0
    for one in containers:
        resources = one.get("resources") or {}
        text = str({**(resources.get("requests") or {}), **(resources.get("limits") or {})}.get(GPU, "0"))
        asked += int(text) if text.isdecimal() else 0
    return asked


def _waits(status: Any) -> str:
    for one in status.conditions or []:
        if one.type == "PodScheduled" and one.status == "False":
            return ": ".join(part for part in (one.reason, one.message) if part)
    for one in status.container_statuses or []:
        waiting = one.state.waiting if one.state else None
        if waiting is not None:
            return ": ".join(part for part in (waiting.reason, waiting.message) if part)
    return ""


def _killed(status: Any) -> tuple[str, datetime | None]:
    """A restarted container's last end is in `lastState`, one that ended for good has it in `state`."""
    containers = [*(status.init_container_statuses or []), *(status.container_statuses or [])]
    ends = [state.terminated for one in containers for state in (one.state, one.last_state) if state]
    for end in (end for end in ends if end is not None and end.exit_code):
        return f"{end.reason or 'Error'}, exit code {end.exit_code}", end.finished_at
    return "", None
