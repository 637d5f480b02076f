"""What the pipeline promises, and when a limit is close: the thresholds of the runtime report.

The handbook's "Alert escalation" and its dashboards: 99 % end to end, a stage within 900 s at P95, 98 % of the quality gates,
2 % of the error budget in 24 hours; usage of a timeout above 80 % is a warning, above 95 % critical.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from blocks.base import RemediationBlock


class ServiceLevels(RemediationBlock):
    """The service levels of one installation, by which the runtime report judges."""

    _block_type_name = "Remediation Service Levels"
    _block_type_slug = "remediation-service-levels"
    _description = "What the pipeline promises: success, durations, quality gates, and how close a timeout may come."

    success_percent: float = Field(
        default=99.0, gt=0, lt=100, description="Executions of workflows that must end well, in percent."
    )
    stage_seconds: float = Field(default=900.0, gt=0, description="Seconds in which 95 of 100 runs of stages must end.")
    quality_percent: float = Field(
        default=98.0, gt=0, lt=100, description="Runs of the quality gate that must pass, in percent."
    )
    quality_job: str = Field(default="quality-gate-job", description="The job that is the quality gate.")
    burn_percent: float = Field(
        default=2.0, gt=0, description="A day that spends more of the error budget of 30 days, in percent, is told."
    )
    usage_warning_percent: float = Field(
        default=80.0, gt=0, le=100, description="Usage of a timeout at P95 from which on it is a warning, in percent."
    )
    usage_critical_percent: float = Field(
        default=95.0, gt=0, le=100, description="Usage of a timeout at P95 from which on a person must act, in percent."
    )
    enough_runs: int = Field(
        default=20, ge=2, description="With fewer runs nothing is judged: the report says that there are too few."
    )

    @model_validator(mode="after")
    def _warned_before(self) -> ServiceLevels:
        if self.usage_warning_percent > self.usage_critical_percent:
            raise ValueError(
                f"usage_warning_percent ({self.usage_warning_percent:g}) is above usage_critical_percent "
                f"({self.usage_critical_percent:g}); a warning comes first."
            )
        return self
