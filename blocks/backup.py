"""What backups cover, how long they are kept, when one is refused, and what is aimed at."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator, model_validator

from blocks.base import RemediationBlock
from blocks.catalogue_rules import ObjectClass

_LEFT_OUT: tuple[ObjectClass, ...] = ("lock", "idempotency_record")


class BackupPolicy(RemediationBlock):
    """The rules of backups, restores and drills of one installation."""

    _block_type_name = "Remediation Backup Policy"
    _block_type_slug = "remediation-backup-policy"
    _description = "What backups cover, how long they are kept, when one is refused, and what is aimed at."

    signing_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key by which each night's summary is signed (HMAC-SHA256); empty: not signed, and reports say so.",
    )
    prefix: str = Field(default="scenes/", description="What is backed up of the data bucket: names that begin so.")
    sentinel: str = Field(
        default="",
        description="Object that must exist in the data bucket, or nothing is backed up; empty: none is asked for.",
    )
    left_out: list[ObjectClass] = Field(
        default_factory=lambda: list(_LEFT_OUT), description="Object classes that are never copied."
    )
    shrink_objects: int = Field(
        default=1000,
        ge=0,
        description="A source with fewer objects than the last good night by more than this number and by more than "
        "shrink_percent is refused.",
    )
    shrink_percent: float = Field(default=10.0, ge=0, le=100, description="The other half of that rule, in percent.")
    max_copy_objects: int = Field(default=0, ge=0, description="The most objects one night may copy; 0: any number.")
    max_copy_bytes: int = Field(default=0, ge=0, description="The most bytes one night may copy; 0: any number.")
    workers: int = Field(default=16, ge=1, le=64, description="Requests to the storage at the same time.")
    max_failures: int = Field(default=100, ge=1, description="Copying stops after this many failed copies.")
    keep_nights: int = Field(default=30, ge=1, description="Nights that are kept.")
    keep_at_least: int = Field(
        default=7, ge=1, description="Good nights that are kept however old they are; the last good one always is."
    )
    expire_max_objects: int = Field(
        default=2_000_000,
        ge=0,
        description="The most objects one expiry may delete; 0: none. A plan with more is refused, and a person looks.",
    )
    expire_max_bytes: int = Field(
        default=200 * 1000**4, ge=0, description="The most bytes one expiry may delete; 0: none."
    )
    keep_leftovers_days: int = Field(
        default=30,
        ge=8,
        description="Days that a finished restore's lists and quarantined copies of deleted objects are kept; undoing a "
        "run that is older can need them.",
    )
    content_cycle_nights: int = Field(
        default=30, ge=1, description="Within so many verifications every copy's bytes are read again."
    )
    transfer_above_objects: int = Field(
        default=5_000_000,
        ge=0,
        description="From this many objects to copy on Storage Transfer Service copies them; 0: never.",
    )
    transfer_above_bytes: int = Field(
        default=50 * 1000**4, ge=0, description="From this many bytes to copy on likewise; 0: never."
    )
    transfer_wait_seconds: float = Field(
        default=72_000.0, gt=0, description="Seconds a transfer is waited for before the night is called partial."
    )
    terraform_state_bucket: str = Field(
        default="", description="Bucket with Terraform's remote state; empty: there is no remote state."
    )
    terraform_state_prefix: str = Field(
        default="", description="The prefix of Terraform's gcs backend: the folder of the WORKSPACE.tfstate objects."
    )
    terraform_lock_wait_seconds: float = Field(
        default=60.0, ge=0, description="Seconds to wait for Terraform to give its state lock back before reading on."
    )
    target_rpo_minutes: int = Field(
        default=1440, ge=1, description="The most work in minutes that a loss may cost: our own aim."
    )
    target_rto_minutes: int = Field(default=60, ge=1, description="The most minutes a restore may take: our own aim.")
    pipeline_rpo_minutes: int = Field(
        default=15,
        ge=1,
        description="The pipeline's own aim for the former (its docs/operations/disaster-recovery.md).",
    )
    pipeline_rto_minutes: int = Field(default=60, ge=1, description="The pipeline's own aim for the latter.")
    drill_scenes: int = Field(default=2, ge=1, description="Scenes that one restore drill brings back.")
    drill_prefix: str = Field(
        default="drills/", description="Where drills restore to; never where triggers listen, so never under scenes/."
    )
    hold_hours: float = Field(
        default=12.0, gt=0, le=24, description="Hours after which a hold must be over; Eventarc keeps events for 24."
    )

    @field_validator("prefix", "drill_prefix")
    @classmethod
    def _a_folder(cls, prefix: str) -> str:
        if not prefix.endswith("/") or prefix.startswith("/"):
            raise ValueError(f"{prefix!r} is not a folder: end it with '/', and do not begin it so, as in 'scenes/'.")
        return prefix

    @field_validator("terraform_state_prefix")
    @classmethod
    def _without_slashes(cls, prefix: str) -> str:
        return prefix.strip("/")

    @model_validator(mode="after")
    def _drills_apart(self) -> BackupPolicy:
        if self.drill_prefix.startswith(("scenes/", self.prefix)):
            raise ValueError(
                f"drill_prefix {self.drill_prefix!r} is where the pipeline's triggers listen; use another, as 'drills/'."
            )
        if self.drill_prefix.startswith("remediation/"):
            raise ValueError(
                f"drill_prefix {self.drill_prefix!r} is where leases, journals and records are, and a drill empties it; "
                "use another, as 'drills/'."
            )
        return self
