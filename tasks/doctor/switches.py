"""What stops work on purpose: the pipeline's own pause, the kill switch, and a change window that never opens."""

from __future__ import annotations

from blocks.errors import NotFound
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.pipeline.deployed import Deployed
from tasks.validation.stages.guards import bucket_guards, judge

PIPELINE_PAUSED = Code(
    "pipeline-paused",
    "warning",
    "The pipeline's daily automation answers PAUSED and starts nothing, and a recovery is escalated while it says so.",
    "Find the cause first. Then delete .paused and set paused to false in state.json: it takes both.",
)
KILL_SWITCH = Code(
    "kill-switch-on",
    "warning",
    "No remediation changes anything while the switch is on. Looking, planning and backups go on.",
    "Ask who turned it on; `remediate kill-switch off` lifts it.",
)
NEVER_OPEN = Code(
    "window-never-open",
    "error",
    "The policy's change window has no day, so every change is refused at any time.",
    "Name days in window_days of the policy, as in mon,tue,wed.",
)
CODES = (PIPELINE_PAUSED, KILL_SWITCH, NEVER_OPEN)


def look_at_switches(deployed: Deployed, look: Look) -> None:
    """The policy, then every guard that stands outside all scenes."""
    policy, environment = deployed.environment.policy, deployed.environment
    said = f"The kill switch is on: {'; '.join(policy.kill_switch)}."
    look.judge(KILL_SWITCH, "policy", said, policy.kill_switch)
    look.judge(NEVER_OPEN, "policy", "The policy's window_days is empty.", not policy.window_days.strip())
    for path, guard in bucket_guards(deployed.catalogue):
        with look.asking(path):
            try:
                data = environment.storage.read(environment.data_bucket, path)
            except NotFound:
                look.good += 1
                continue
            stop = judge(guard, path, data)
            active = stop is not None and stop.active
            look.judge(PIPELINE_PAUSED, path, stop.sentence if stop else "", active)
