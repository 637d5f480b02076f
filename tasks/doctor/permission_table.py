"""Which permission is for what: docs/security.md, 'Who may do what', as far as a service can be asked about it."""

from __future__ import annotations

from typing import NamedTuple


class Need(NamedTuple):
    """One permission, and what does not work without it."""

    permission: str
    without_it: str
    optional: bool = False
    """Given only to who wants what it is for."""


_READS = (
    Need("storage.objects.list", "nothing of it can be looked at: a missing object even looks forbidden"),
    Need("storage.objects.get", "nothing of it can be read"),
    Need("storage.buckets.get", "nobody can tell whether deletions can be undone or leases given back"),
)
_CREATES = Need("storage.objects.create", "nothing can be written to it")
_DELETES = Need("storage.objects.delete", "nothing of it can be deleted or replaced")

BUCKETS: dict[str, tuple[Need, ...]] = {
    "data": (
        *_READS,
        Need("storage.objects.create", "neither a marker nor a restored object can be written"),
        Need("storage.objects.delete", "no recovery can clear bad outputs and markers"),
        Need("storage.objects.restore", "what was deleted cannot be undone from soft delete"),
    ),
    "ops": (
        *_READS,
        Need("storage.objects.create", "no lease can be taken and no journal written, so no run can begin"),
        Need("storage.objects.delete", "no lease can be renewed or given back, so scenes stay locked"),
    ),
    "backup": (
        *_READS,
        Need("storage.objects.create", "no night can be backed up"),
        Need("storage.objects.delete", "old nights are never let go"),
    ),
    "state": (*_READS[:2], _CREATES, _DELETES),
}
"""By the role of the bucket."""
JOBS = (
    Need("run.jobs.get", "nobody can tell whether the job is deployed"),
    Need("run.jobs.runWithOverrides", "no stage can be made again by its job alone"),
    Need("run.executions.list", "nobody can tell whether the job is at work, so starts are refused"),
    Need(
        "run.executions.get",
        "nobody can tell how a start ended whose answer was lost, nor with which variables a run was made",
    ),
    Need("run.jobs.update", "a recorded job cannot be put back", optional=True),
)
"""Of a Cloud Run job."""
SUBSCRIPTIONS = (
    Need("pubsub.subscriptions.get", "delivery cannot be held, so a restore or a pause is escalated"),
    Need(
        "pubsub.subscriptions.update",
        "delivery cannot be held or given back: no pause, and restored markers start work",
    ),
    Need(
        "pubsub.subscriptions.consume", "what waits cannot be looked at, so a pause cannot be resumed at a limited rate"
    ),
)
"""Of a trigger's subscription."""
EVENTS = (
    Need(
        "pubsub.subscriptions.get", "nobody can tell whether events are pushed to the receiver, and lost", optional=True
    ),
)
"""Of the subscription that pushes to the receiver."""
PROJECT = (
    Need("workflows.executions.create", "recoveries cannot start workflows"),
    Need("cloudscheduler.jobs.pause", "intake cannot be paused"),
    Need("cloudscheduler.jobs.enable", "a pause of intake cannot be resumed"),
    Need("container.clusters.get", "nobody can tell whether node pools are full", optional=True),
    Need("compute.regions.get", "nobody can tell whether a GPU quota is used up, so no room is made", optional=True),
    Need("container.clusters.update", "node pools cannot be raised when GPUs are short", optional=True),
    Need("datastore.entities.list", "overrides that are recorded in Firestore are not seen", optional=True),
    Need("workflows.workflows.update", "a recorded workflow cannot be put back", optional=True),
    Need(
        "artifactregistry.dockerimages.get",
        "a rollback cannot tell whether a former image is still there, and says so",
        optional=True,
    ),
    Need(
        "logging.logEntries.list", "no log can be read: diagnoses see less, and what retention removed is not recorded"
    ),
    Need("monitoring.alertPolicies.list", "nobody can tell whether an alert would reach anybody", optional=True),
    Need("logging.logMetrics.list", "nobody can tell whether what alerts watch is there", optional=True),
    Need("storagetransfer.jobs.create", "large nights are copied object by object", optional=True),
)
"""Of the project: these services have no question of their own for it."""
NOT_ASKED = (Need("iam.serviceAccounts.actAs", "a recorded workflow or job cannot be put back"),)
"""What is given on each service account that a workflow or a job runs as, and is not asked there."""
