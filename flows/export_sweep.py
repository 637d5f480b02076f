"""The sweep: look at every scene on a schedule and say which are broken. Read-only unless told to recover them.

Handbook: the daily check for incomplete exports. Documentation: docs/operations/export-recovery.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from flows.running import as_task_run, flow_context, flow_wave, show_progress, side_by_side
from tasks.recovery.batch_report import publish_batch
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import PROCEDURE, RecoveryRequest
from tasks.recovery.sweep import Verdict, chunks, look_at_all, scene_ids, systematic_faults
from tasks.recovery.sweep_page import keep_sweep
from tasks.recovery.sweep_record import now, write_sweep
from tasks.remediation.batch import check_batch, run_batch
from tasks.remediation.context import Context
from tasks.remediation.outcome import GOOD, Outcome, Refused, worst
from tasks.remediation.report import batch_sentence
from tasks.remediation.run import Run
from tasks.remediation.run_page import keep_page
from tasks.remediation.runner import run


@task(name="validate_scenes", cache_policy=NO_CACHE, persist_result=False, retries=2, retry_delay_seconds=5)
def validate_scenes(context: Context, wanted: list[str]) -> list[Verdict]:
    """One chunk of scenes."""
    return look_at_all(context.environment, wanted)


@flow(name="export-sweep", flow_run_name="sweep of all scenes ({mode})", task_runner=side_by_side())
def export_sweep(mode: Literal["look", "recover"] = "look", environment: str = "default") -> State[Any]:
    """Validate every scene; list the broken ones, and recover them only if told to.

    Args:
        mode: "look" changes nothing but its own record and fails when a scene is broken or unseen; "recover" recovers the broken ones within
            the policy's limits.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
    """
    logger = get_run_logger()
    context = flow_context(environment, "")
    loaded = context.environment
    seen, bad, stopped, began = 0, [], [], now()
    for chunk in chunks(scene_ids(loaded)):
        verdicts = validate_scenes(context, chunk)
        seen += len(verdicts)
        bad += [verdict for verdict in verdicts if not verdict.healthy]
        stopped += [verdict for verdict in verdicts if verdict.healthy and verdict.stopped]
        logger.info("%d scenes looked at, %d need attention", seen, len(bad))
    if seen == 0:
        return ended(
            "refused", f"gs://{loaded.data_bucket}/scenes/ holds no scene; check the environment's data bucket."
        )
    try:
        write_sweep(loaded, began, seen, [*bad, *stopped])
    except OutsideError as error:  # what was seen counts all the same
        logger.warning("What this sweep has seen could not be kept for `remediate status`: %s", error)
    show(loaded, bad, seen)
    broken = [verdict for verdict in bad if not verdict.unseen]
    if mode == "look" or not broken:
        return verdict(seen, len(broken), len(bad) - len(broken))
    return recover_broken(context, broken, systematic_faults(bad, seen, loaded.policy))


def verdict(seen: int, broken: int, unseen: int) -> State[Any]:
    """How a sweep that changes nothing ends: only when every scene was looked at and is whole it is completed."""
    message = f"{seen} scenes looked at, {broken} broken, {unseen} not readable"
    if broken:
        return ended("failed", f"{message}; see the artifact export-sweep, then recover them.")
    if unseen:
        return ended("partial", f"{message}; see the artifact export-sweep for the reason.")
    return ended("nothing_to_do", message)


def ended(outcome: Outcome, message: str) -> State[Any]:
    """The state for a word."""
    good = outcome in GOOD
    return (Completed if good else Failed)(message=message, data={"outcome": outcome})


def show(environment: PipelineEnvironment, bad: list[Verdict], seen: int) -> None:
    """The scenes that need attention and the map of their stages, which is a page too."""
    said = f"{seen} scenes looked at, {len(bad)} need attention"
    create_markdown_artifact(keep_sweep(environment, bad, seen), key="export-sweep", description=said)


def recover_broken(context: Context, broken: list[Verdict], everywhere: dict[str, int]) -> State[Any]:
    """Recover them as a batch, under the same limits as a batch asked for by hand; not what is broken everywhere."""
    common = [f"'{fault}' shows on {count} scenes: look for one common cause." for fault, count in everywhere.items()]
    try:
        names = check_batch([v.scene_id for v in broken if v.fault not in everywhere], context.policy().max_scenes)
    except Refused as error:
        return ended("refused", " ".join(common) or f"{error} Recover them in smaller batches.")

    def recover(scene_id: str) -> Run:
        one = run(ExportRecovery(), context, RecoveryRequest(scene_id=scene_id, mode="apply"), as_task_run)
        keep_page(one, ExportRecovery().sections(one))
        return one

    runs = run_batch(names, context, PROCEDURE, flow_wave(recover), show_progress("sweep"))
    publish_batch(runs, context.environment)
    word = worst([one.outcome for one in runs])
    return ended("partial" if common and word in GOOD else word, " ".join([batch_sentence(runs), *common]))
