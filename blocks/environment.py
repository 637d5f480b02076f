"""One installation of the pipeline: its names, how to reach it, and the limits of remediation there."""

from __future__ import annotations

from pydantic import Field, PrivateAttr, model_validator

from blocks.backup import BackupPolicy
from blocks.base import RemediationBlock
from blocks.catalogue import Catalogue
from blocks.catalogue_load import load_catalogue
from blocks.clients import Lazy
from blocks.compute_quotas import ComputeQuotas
from blocks.delivery import EventDelivery
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


class PipelineEnvironment(RemediationBlock):
    """Everything a remediation needs to know of one installation. Flows take this block and nothing else."""

    _block_type_name = "Remediation Environment"
    _block_type_slug = "remediation-environment"
    _description = "One installation of the pipeline: its project, buckets, systems, differences and limits."

    project: str = Field(default="", description="Google Cloud project; given to every nested block that names none.")
    region: str = Field(default="us-central1", description="Region of workflows, jobs and schedulers.")
    data_bucket: str = Field(default="", description="The pipeline's bucket, which holds scenes/.")
    ops_bucket: str = Field(
        default="", description="Bucket for journals, claims and reports. No trigger may listen to it."
    )
    backup_bucket: str = Field(default="", description="Bucket with the backups; empty: there are none.")
    backup_prefix: str = Field(default="", description="Where the backups begin in that bucket.")
    catalogue_overlay: str = Field(
        default="", description="YAML that says where this installation differs from the shipped catalogue."
    )
    storage: PipelineStorage = Field(default_factory=PipelineStorage, description="The buckets.")
    workflows: PipelineWorkflows = Field(default_factory=PipelineWorkflows, description="The workflows.")
    jobs: CloudRunJobs = Field(default_factory=CloudRunJobs, description="The Cloud Run jobs.")
    triggers: PipelineTriggers = Field(default_factory=PipelineTriggers, description="The Eventarc triggers.")
    schedulers: PipelineSchedulers = Field(default_factory=PipelineSchedulers, description="The Cloud Scheduler jobs.")
    delivery: EventDelivery = Field(
        default_factory=EventDelivery, description="The subscriptions the triggers' events travel through."
    )
    transfers: StorageTransfers = Field(
        default_factory=StorageTransfers, description="Large copies between buckets, made by Google."
    )
    access: ProjectAccess = Field(
        default_factory=ProjectAccess, description="What the remediation's account may do in the project."
    )
    cluster: GkeCluster = Field(default_factory=GkeCluster, description="The cluster of the GPU Jobs.")
    node_pools: GkeNodePools = Field(default_factory=GkeNodePools, description="The node pools of that cluster.")
    quotas: ComputeQuotas = Field(default_factory=ComputeQuotas, description="How many GPUs the project may have.")
    registry: ImageRegistry = Field(default_factory=ImageRegistry, description="The images of the jobs.")
    logs: PipelineLogs = Field(default_factory=PipelineLogs, description="The log of the project.")
    override_records: OverrideRecords = Field(
        default_factory=OverrideRecords, description="The pipeline's approval records in Firestore."
    )
    monitoring: PipelineMonitoring = Field(
        default_factory=PipelineMonitoring, description="Dashboards, alert policies and metrics of the project."
    )
    genie_sim: GenieSimEndpoint = Field(default_factory=GenieSimEndpoint, description="The Genie Sim server.")
    http_health: HttpHealth = Field(
        default_factory=HttpHealth, description="How the pipeline's HTTP services are asked how they are."
    )
    receiver: EventReceiver = Field(
        default_factory=EventReceiver,
        description="The receiver of events: what of it the watchdog and the doctor look at.",
    )
    heartbeat: Heartbeat = Field(
        default_factory=Heartbeat, description="Who outside is told that the remediation itself is alive."
    )
    notifier: Notifier = Field(default_factory=Notifier, description="The sinks that messages to people go to.")
    on_call: OnCall = Field(default_factory=OnCall, description="Who is told of an incident, in which order and when.")
    policy: RemediationPolicy = Field(default_factory=RemediationPolicy, description="The limits of remediation.")
    service_levels: ServiceLevels = Field(
        default_factory=ServiceLevels, description="What the pipeline promises: by this the runtime report judges."
    )
    backup: BackupPolicy = Field(default_factory=BackupPolicy, description="The rules of backups, restores and drills.")

    _catalogue: Lazy[Catalogue] = PrivateAttr(default_factory=Lazy)

    @model_validator(mode="after")
    def _name_the_project_once(self) -> PipelineEnvironment:
        """Nested blocks that name no project get the environment's, those that kept the default region likewise."""
        regional = (self.workflows, self.jobs, self.schedulers)
        for block in (
            self.storage,
            self.transfers,
            self.triggers,
            self.access,
            self.logs,
            self.monitoring,
            self.node_pools,
            self.quotas,
            self.override_records,
            *regional,
        ):
            if not block.project:
                block.project = self.project
        for one in regional:
            if "region" not in one.model_fields_set:
                one.region = self.region
        return self

    @model_validator(mode="after")
    def _journal_apart_from_data(self) -> PipelineEnvironment:
        if self.ops_bucket and self.ops_bucket == self.data_bucket:
            raise ValueError(
                f"ops_bucket is the data bucket {self.data_bucket!r}; name another one, because every object written "
                "to the data bucket starts workflows."
            )
        return self

    @classmethod
    def named(cls, name: str) -> PipelineEnvironment:
        """The saved block of that name. Raises ValueError when there is none, or it does not fit this version."""
        found = cls.load(name)
        assert isinstance(found, cls), "Prefect loads blocks asynchronously only where an event loop runs"
        return found

    @property
    def catalogue(self) -> Catalogue:
        """The shipped catalogue with this installation's differences. Raises ValueError with the line at fault."""
        return self._catalogue.get(lambda: load_catalogue(self.catalogue_overlay or None))

    def close(self) -> None:
        """Close every connection. The next call opens new ones."""
        events = (self.triggers, self.schedulers, self.delivery)
        for block in (
            self.storage,
            self.transfers,
            self.workflows,
            self.jobs,
            *events,
            self.access,
            self.cluster,
            self.registry,
            self.logs,
            self.monitoring,
            self.node_pools,
            self.quotas,
            self.override_records,
        ):
            block.close()
