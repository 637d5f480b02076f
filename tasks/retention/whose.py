"""Which bucket a run of the clean-up job worked on: two installations of the pipeline may share a project and its log."""

from __future__ import annotations

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from blocks.logs import LogLine

EXECUTION = "run.googleapis.com/execution_name"
"""Label by which Cloud Run names the execution that logged an entry (Google: Cloud Run, "Logging and viewing logs")."""
BUCKET = "GCS_BUCKET"
"""The variable of the job that names its bucket (the catalogue's `retention-cleanup-job`)."""


class Whose:
    """Answers for one look; each execution is asked for once."""

    def __init__(self, environment: PipelineEnvironment) -> None:
        """`environment`: whose data bucket is ours, and whose jobs are asked."""
        self._environment = environment
        self._known: dict[tuple[str, str], bool | None] = {}

    def ours(self, line: LogLine) -> bool | None:
        """Whether a line is about our data bucket; None when neither the line nor its execution tells.

        Raises `TemporaryError` when Cloud Run does not answer now.
        """
        job, execution = line.labels.get("job_name", ""), line.labels.get(EXECUTION, "")
        if not job or not execution:
            return None
        if (job, execution) not in self._known:
            self._known[job, execution] = self._asked(job, execution)
        return self._known[job, execution]

    def _asked(self, job: str, execution: str) -> bool | None:
        jobs = self._environment.jobs
        name = f"projects/{jobs.project}/locations/{jobs.region}/jobs/{job}/executions/{execution}"
        try:
            bucket = jobs.execution(name).env.get(BUCKET, "")
        except PermanentError:  # gone, since Google keeps only so many of them; or nobody may look
            return None
        return bucket == self._environment.data_bucket if bucket else None
