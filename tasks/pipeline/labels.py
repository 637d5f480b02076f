"""The names by which a start is recognised as one of a remediation run."""

RUN_LABEL = "remediation-run"
"""Label of a workflow execution: the run's id."""
DIGEST_LABEL = "remediation-plan"
"""Label of a workflow execution: the plan's digest."""
RUN_VARIABLE = "REMEDIATION_RUN"
"""Environment variable of a job's execution: the run's id."""
