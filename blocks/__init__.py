"""What the flows talk to and what they know: one Prefect block for each outside system, and the pipeline's catalogue.

The blocks are imported when they are first asked for, because Prefect and Google's clients take about two seconds to
import and much of this package (the catalogue) needs neither. `prefect block register -m blocks` still sees them all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blocks.backup import BackupPolicy
    from blocks.compute_quotas import ComputeQuotas
    from blocks.credentials import GoogleCredentials
    from blocks.delivery import EventDelivery
    from blocks.environment import PipelineEnvironment
    from blocks.genie_sim import GenieSimEndpoint
    from blocks.gke import GkeCluster
    from blocks.heartbeat import Heartbeat
    from blocks.http_health import HttpHealth
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
    from blocks.service_levels import ServiceLevels
    from blocks.storage import PipelineStorage
    from blocks.transfers import StorageTransfers
    from blocks.triggers import PipelineTriggers
    from blocks.workflows import PipelineWorkflows

__all__ = [
    "BackupPolicy",
    "CloudRunJobs",
    "ComputeQuotas",
    "EventDelivery",
    "EventReceiver",
    "GenieSimEndpoint",
    "GkeCluster",
    "GkeNodePools",
    "GoogleCredentials",
    "Heartbeat",
    "HttpHealth",
    "ImageRegistry",
    "Notifier",
    "OnCall",
    "OverrideRecords",
    "PipelineEnvironment",
    "PipelineLogs",
    "PipelineMonitoring",
    "PipelineSchedulers",
    "PipelineStorage",
    "PipelineTriggers",
    "PipelineWorkflows",
    "ProjectAccess",
    "RemediationPolicy",
    "ServiceLevels",
    "StorageTransfers",
]

_MODULES = {
    "BackupPolicy": "blocks.backup",
    "CloudRunJobs": "blocks.run_jobs",
    "ComputeQuotas": "blocks.compute_quotas",
    "EventDelivery": "blocks.delivery",
    "EventReceiver": "blocks.receiver",
    "GenieSimEndpoint": "blocks.genie_sim",
    "GkeCluster": "blocks.gke",
    "GkeNodePools": "blocks.node_pools",
    "GoogleCredentials": "blocks.credentials",
    "Heartbeat": "blocks.heartbeat",
    "HttpHealth": "blocks.http_health",
    "ImageRegistry": "blocks.image_registry",
    "Notifier": "blocks.notifier",
    "OnCall": "blocks.on_call",
    "OverrideRecords": "blocks.override_records",
    "PipelineEnvironment": "blocks.environment",
    "PipelineLogs": "blocks.logs",
    "PipelineMonitoring": "blocks.monitoring",
    "PipelineSchedulers": "blocks.schedulers",
    "PipelineStorage": "blocks.storage",
    "PipelineTriggers": "blocks.triggers",
    "PipelineWorkflows": "blocks.workflows",
    "ProjectAccess": "blocks.project_access",
    "RemediationPolicy": "blocks.policy",
    "ServiceLevels": "blocks.service_levels",
    "StorageTransfers": "blocks.transfers",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'blocks' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
