"""Runs that were left: find every remediation that began and has not ended, and carry on those that nobody works on.

Started when a flow run crashes, and every ten minutes. Documentation for the person on call: docs/operations/survival.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from prefect import State, flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Failed
from pydantic import Field

from flows.running import as_task_run, flow_context, side_by_side, state_of_error
from tasks.remediation.context import Context
from tasks.remediation.latest_page import day_name, put
from tasks.remediation.outcome import GOOD
from tasks.remediation.page import sections_page
from tasks.remediation.report import Section, counted
from tasks.survival.left import Left, continue_all, continue_left, what_is_left


@task(name="continue_run", task_run_name="continue {name}", cache_policy=NO_CACHE, persist_result=False)
def continue_run(context: Context, one: Left, name: str, by_hand: bool) -> None:
    """One of them; its steps are task runs of their own."""
    continue_left(context, one, as_task_run, hands_off=(lambda _: "") if by_hand else hands_off)


@flow(name="continue-runs", flow_run_name="{mode} runs that were left", task_runner=side_by_side())
def continue_runs(
    mode: Literal["look", "continue"] = "look",
    patience_seconds: Annotated[float, Field(ge=0)] = 0.0,
    by_hand: bool = False,
    environment: str = "default",
    requested_by: str = "",
) -> State[Any]:
    """Find runs that began and have not ended; carry on those that nobody works on.

    Args:
        mode: "look" changes nothing; "continue" carries them on, each under its own guard and lease.
        patience_seconds: Seconds to wait for leases that nobody renews any more, as right after a crash.
        by_hand: Carry on those too that a person cancelled or began on a command line.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        requested_by: Your name. It is recorded.
    """
    context = flow_context(environment, requested_by)

    def wave(group: list[Left]) -> None:
        for future in [continue_run.submit(context, one, one.found.subject, by_hand) for one in group]:
            future.wait()

    try:
        found = what_is_left(context, patience_seconds)
        word = continue_all(context, found, wave) if mode == "continue" else looked(found)
    except Exception as error:
        return state_of_error(error)
    if found:
        create_markdown_artifact(page_of(context, found), key="runs-left", description=told(found))
    get_run_logger().info(told(found))
    return (Completed if word in GOOD else Failed)(message=told(found), data={"outcome": word})


def page_of(context: Context, found: list[Left]) -> str:
    """The list as Markdown, with the address of the same as a page in the ops bucket, the last one of its day."""
    now, section = datetime.now(UTC), Section(told(found), rows=tuple(map(row, found)))
    head = f"# Runs that were left\n\n{now:%Y-%m-%d %H:%M:%S} UTC"
    page = sections_page("Runs that were left", head, [section])
    kept = put(context.environment, day_name("runs-left", now), page, f"This list as a page, the last of {now:%d %B}")
    return f"{section.markdown()}\n\n{kept}"


def hands_off(flow_run_id: str) -> str:
    """Why a run is a person's: he cancelled it, or began it himself and is there to continue it."""
    whose = "continue it by running it again, or undo it"
    if not flow_run_id:
        return f"It was not begun by a flow run; {whose}."
    with get_client(sync_client=True) as client:
        try:
            run = client.read_flow_run(UUID(flow_run_id))
        except (ObjectNotFound, ValueError):
            return f"The flow run {flow_run_id} that began it is not on this server; {whose}."
    if run.state is not None and (run.state.is_cancelled() or run.state.is_cancelling()):
        return f"Its flow run {run.name} was cancelled by a person; {whose}."
    return "" if run.deployment_id else f"Its flow run {run.name} was begun on a command line; {whose}."


def looked(found: list[Left]) -> Literal["failed", "nothing_to_do"]:
    """A run that nobody continues is no good news."""
    return "failed" if any(one.found.state in ("left", "damaged") for one in found) else "nothing_to_do"


def told(found: list[Left]) -> str:
    """One sentence for all."""
    left = [one for one in found if one.found.state in ("left", "damaged")]
    if not left:
        return f"No run was left; {counted(len(found), 'run')} at work or just over." if found else "No run was left."
    return f"{counted(len(left), 'run')} left: " + "; ".join(f"{one.found.subject}: {one.told}" for one in left[:3])


def row(one: Left) -> dict[str, str]:
    """One line of the table."""
    found = one.found
    return {
        "subject": found.subject,
        "procedure": found.procedure,
        "run": found.run,
        "since": f"{found.since:%Y-%m-%d %H:%M} UTC",
        "was": found.state,
        "now": one.outcome or "",
        "what to know": one.told,
    }
