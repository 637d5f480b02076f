"""The Cloud Run jobs: which are deployed, which can run, and what is set on them that should not be."""

from __future__ import annotations

from blocks.catalogue_gates import told
from tasks.doctor.examine import UNREADABLE, Look
from tasks.doctor.finding import Code
from tasks.pipeline.deployed import Deployed, Unread
from tasks.remediation.report import listed

MISSING = Code(
    "job-missing",
    "error",
    "The stage that it makes fails in every workflow that runs it, and cannot be recovered.",
    "Deploy the job, or correct its name in the catalogue's overlay.",
)
OPTIONAL_MISSING = Code(
    "optional-job-missing",
    "warning",
    "What it makes is missing from every scene; workflows that can do without it go on.",
    "Deploy the job, or remove it in the catalogue's overlay if this installation does not have it.",
)
NOT_READY = Code(
    "job-not-ready",
    "error",
    "Its last deployment failed, so Cloud Run refuses to run it.",
    "Deploy it with an image that is there: `remediate rollback job` finds the last that worked, `remediate restore job` "
    "brings last night's back.",
)
SHORT = Code(
    "job-timeout-short",
    "warning",
    "The job's own timeout is what counts where a workflow gives it none, and long stages are cut off in it.",
    "Set the timeout of the catalogue on the job: `gcloud run jobs update NAME --task-timeout=...`.",
)
BYPASS = Code(
    "job-gate-bypass",
    "warning",
    "Every run of this job goes past a quality gate or accepts a mock, and nothing in the scene says that it did.",
    "Take the variable off the job; give it to one execution when an override was approved.",
)
CODES = (MISSING, OPTIONAL_MISSING, NOT_READY, SHORT, BYPASS)


def look_at_jobs(deployed: Deployed, look: Look) -> None:
    """Each job of the catalogue."""
    for name, job in deployed.jobs().items():
        known = deployed.catalogue.jobs[name]
        if isinstance(job, Unread):
            look.say(UNREADABLE, name, job.sentence)
        elif job is None:
            stage = f", which makes {known.stage}," if known.stage else ""
            code = MISSING if known.criticality == "critical" else OPTIONAL_MISSING
            look.say(code, name, f"Job {name}{stage} is not deployed.")
        else:
            look.judge(NOT_READY, name, f"Job {name} cannot be run: {job.problem}", job.problem)
            said = f"Job {name} is cut off after {job.timeout_seconds:,} s; its stage may take {known.timeout_seconds or 0:,} s."
            look.judge(SHORT, name, said, job.timeout_seconds < (known.timeout_seconds or 0))
            passed = told(deployed.catalogue.gates.passed_by(job.env))
            look.judge(BYPASS, name, f"Job {name} has {listed(passed)} set.", passed)
