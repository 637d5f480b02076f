"""The environment block for the sandbox: the same blocks as a real project's, with other addresses and quick limits."""

from __future__ import annotations

import secrets

from prefect.types import SecretDict
from pydantic import SecretStr

from blocks.calls import CallLimits
from blocks.compute_quotas import ComputeQuotas
from blocks.delivery import EventDelivery
from blocks.environment import PipelineEnvironment
from blocks.genie_sim import GenieSimEndpoint
from blocks.gke import GkeCluster
from blocks.image_registry import ImageRegistry
from blocks.logs import PipelineLogs
from blocks.monitoring import PipelineMonitoring
from blocks.node_pools import GkeNodePools
from blocks.notifier import Notifier
from blocks.on_call import OnCall
from blocks.override_records import OverrideRecords
from blocks.policy import RemediationPolicy
from blocks.project_access import ProjectAccess
from blocks.receiver import EventReceiver
from blocks.run_jobs import CloudRunJobs
from blocks.schedulers import PipelineSchedulers
from blocks.storage import PipelineStorage
from blocks.transfers import StorageTransfers
from blocks.triggers import PipelineTriggers
from blocks.workflows import PipelineWorkflows
from deployments.sandbox.endpoints import Endpoints
from deployments.sandbox.names import BACKUP_BUCKET, DATA_BUCKET, OPS_BUCKET, PROJECT, REGION

PUSH = f"projects/{PROJECT}/subscriptions/sandbox-push"
"""The subscription that pushes to the receiver of `remediate up`."""
SINKS = ("primary", "platform", "simulation", "updates")
"""The people of the sandbox, whose messages it keeps."""


def quick_policy(**changes: object) -> RemediationPolicy:
    """Limits for a pipeline whose jobs take a fraction of a second: short waits, no person to ask."""
    settings: dict[str, object] = {
        "approval": {"low": "automatic", "medium": "automatic", "high": "automatic"},
        "poll_seconds": 0.1,
        "settle_seconds": 1.0,
        "trigger_grace_seconds": 1.0,
        "lease_seconds": 15,
        "systematic_scenes": 100,  # trials break many scenes the same way on purpose
    }
    return RemediationPolicy.model_validate(settings | changes)


def for_sandbox(
    endpoints: Endpoints,
    policy: RemediationPolicy | None = None,
    limits: CallLimits | None = None,
    receiver_url: str = "",
) -> PipelineEnvironment:
    """The environment that stands for a running sandbox.

    Args:
        endpoints: Where its services are.
        policy: Limits of remediation; by default `quick_policy()`.
        limits: Retries and timeouts of calls.
        receiver_url: Where the receiver listens, for links in pages, the watchdog and the doctor; empty: there is none.
    """
    calls = limits or CallLimits(call_seconds=5.0, total_seconds=60.0, first_wait_seconds=0.05)
    return PipelineEnvironment(
        project=PROJECT,
        region=REGION,
        data_bucket=DATA_BUCKET,
        ops_bucket=OPS_BUCKET,
        backup_bucket=BACKUP_BUCKET,
        storage=PipelineStorage(project=PROJECT, endpoint=endpoints.storage, limits=calls),
        workflows=PipelineWorkflows(
            project=PROJECT,
            region=REGION,
            endpoint=endpoints.workflows,
            executions_endpoint=endpoints.executions,
            limits=calls,
        ),
        jobs=CloudRunJobs(project=PROJECT, region=REGION, endpoint=endpoints.run, limits=calls),
        triggers=PipelineTriggers(project=PROJECT, endpoint=endpoints.eventarc, limits=calls),
        schedulers=PipelineSchedulers(project=PROJECT, region=REGION, endpoint=endpoints.scheduler, limits=calls),
        delivery=EventDelivery(endpoint=endpoints.pubsub, limits=calls),
        transfers=StorageTransfers(project=PROJECT, endpoint=endpoints.transfer, limits=calls),
        access=ProjectAccess(project=PROJECT, endpoint=endpoints.projects, limits=calls),
        cluster=GkeCluster(endpoint=endpoints.kubernetes, limits=calls),
        node_pools=GkeNodePools(project=PROJECT, endpoint=endpoints.container, operation_seconds=20.0, limits=calls),
        quotas=ComputeQuotas(project=PROJECT, endpoint=endpoints.compute, limits=calls),
        registry=ImageRegistry(endpoint=endpoints.registry, limits=calls),
        logs=PipelineLogs(project=PROJECT, endpoint=endpoints.logging, limits=calls),
        override_records=OverrideRecords(project=PROJECT, endpoint=endpoints.firestore, limits=calls),
        monitoring=PipelineMonitoring(project=PROJECT, endpoint=endpoints.monitoring, limits=calls),
        receiver=EventReceiver(url=receiver_url, subscription=PUSH if receiver_url else ""),
        genie_sim=GenieSimEndpoint(address=endpoints.genie_sim),
        notifier=Notifier(
            sinks=SecretDict({name: f"{endpoints.sinks.replace('http', 'json', 1)}/{name}" for name in SINKS}),
            seconds=5.0,
        ),
        on_call=OnCall(
            updates_to=("updates",),
            overrides_to=("updates",),
            link_url=receiver_url,
            link_secret=SecretStr(secrets.token_hex(16) if receiver_url else ""),
        ),
        policy=policy or quick_policy(),
    )
