"""The sweep: look at every scene on a schedule and say which are broken. Read-only unless told to recover them.

Handbook: the daily check for incomplete exports. Documentation: docs/operations/export-recovery.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner
from tasks.recovery.batch import BatchRefused, check_batch, recover_batch
from tasks.recovery.present import batch_sentence, publish
from tasks.recovery.recover import Wanted

from blocks.environment import PipelineEnvironment
from flows.running import flow_context, flow_wave, show_progress
from tasks.recovery.sweep import Verdict, chunks, fault_table, look_at_all, scene_ids, systematic_faults
from tasks.remediation.context import Context

MAX_ROWS = 500
"""Broken scenes shown in the table; the message counts them all."""


@task(name="validate_scenes", cache_policy=NO_CACHE, persist_result=False, retries=2, retry_delay_seconds=5)
def validate_scenes(context: Context, wanted: list[str]) -> list[Verdict]:
    """One chunk of scenes."""
    return look_at_all(context.environment, wanted)


@flow(name="export-sweep", task_runner=ThreadPoolTaskRunner(max_workers=8))
def export_sweep(mode: Literal["look", "recover"] = "look", environment: str = "default") -> State[Any]:
    """Validate every scene; list the broken ones, and recover them only if told to.

    Args:
        mode: "look" changes nothing and ends as failed when a scene is broken or could not be looked at; "recover"
            runs the recovery of every broken scene within the policy's limits.
        environment: Name of the Remediation Environment block.
    """
    logger = get_run_logger()
    loaded = PipelineEnvironment.load(environment)
    context = flow_context(loaded, environment, "")
    seen, bad = 0, []
    for chunk in chunks(scene_ids(loaded)):
        verdicts = validate_scenes(context, chunk)
        seen += len(verdicts)
        bad += [verdict for verdict in verdicts if not verdict.healthy]
        logger.info("%d scenes looked at, %d need attention", seen, len(bad))
    if seen == 0:
        return Failed(message=f"gs://{loaded.data_bucket}/scenes/ holds no scene; check the environment's data bucket.")
    show(bad, seen)
    broken = [verdict for verdict in bad if not verdict.unseen]
    if mode == "look" or not broken:
        return verdict(seen, len(broken), len(bad) - len(broken))
    return recover_broken(context, broken, systematic_faults(bad, seen, loaded.policy))


def verdict(seen: int, broken: int, unseen: int) -> State[Any]:
    """How a sweep that changes nothing ends: only when every scene was looked at and is whole it is completed."""
    message = f"{seen} scenes looked at, {broken} broken, {unseen} not readable"
    if broken:
        return Failed(name="Broken scenes", message=f"{message}; see the artifact export-sweep, then recover them.")
    if unseen:
        return Failed(name="Not all seen", message=f"{message}; see the artifact export-sweep for the reason.")
    return Completed(message=message)


def show(bad: list[Verdict], seen: int) -> None:
    """The table of scenes that need attention."""
    create_table_artifact(
        table=fault_table(bad, MAX_ROWS),
        key="export-sweep",
        description=f"{seen} scenes looked at, {len(bad)} need attention",
    )


def recover_broken(context: Context, broken: list[Verdict], everywhere: dict[str, int]) -> State[Any]:
    """Recover them as a batch, under the same limits as a batch asked for by hand; not what is broken everywhere."""
    policy = context.environment.policy
    common = [f"'{fault}' shows on {count} scenes: look for one common cause." for fault, count in everywhere.items()]
    try:
        wanted = check_batch([v.scene_id for v in broken if v.fault not in everywhere], policy)
    except BatchRefused as error:
        return Failed(message=" ".join(common) or f"{error} Recover them in smaller batches.")
    results = recover_batch(wanted, policy, flow_wave(context, Wanted("apply")), show_progress("sweep"))
    publish(results)
    good = all(result.good for result in results) and not common
    return (Completed if good else Failed)(message=" ".join([batch_sentence(results), *common]))
