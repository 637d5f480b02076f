"""What is known of a pod: whose it is, what it waits for, and how its containers ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


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


def pod_from(pod: Any) -> PodInfo:
    """What the client's model says."""
    status = pod.status
    killed, at = _killed(status)
    owners = pod.metadata.owner_references or []
    return PodInfo(
        name=pod.metadata.name,
        job=next((owner.name for owner in owners if owner.kind == "Job"), ""),
        phase=status.phase or "Unknown",
        created=pod.metadata.creation_timestamp,
        waits=_waits(status),
        killed=killed,
        killed_at=at,
        labels=dict(pod.metadata.labels or {}),
    )


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
