"""The guard: reasons not to carry out a plan, found before its first action.

Refused are a plan over the caps (objects, bytes, share of the subject), a plan made while the kill switch is on or
outside the change window, one for a subject on which something is running, one that was tried too often, and one whose
fault shows on many subjects at once, because then the fault is elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from blocks.policy import RemediationPolicy
from tasks.remediation.plan import Plan


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the guard weighs a plan against."""

    total_objects: int
    """Objects of the subject now: what the percentage is of."""
    live: tuple[str, ...] = ()
    """Executions and jobs that are at work on the subject, one phrase each."""
    attempts: dict[str, int] = field(default_factory=dict)
    """How often each stage was restarted lately."""
    same_fault: int = 0
    """How many other subjects showed the plan's fault lately."""
    accept_systematic: bool = False
    """The operator knows that many are broken the same way and wants them rerun all the same."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


def refusals(plan: Plan, policy: RemediationPolicy, around: Surroundings) -> list[str]:
    """Every reason not to carry out `plan`, each one sentence. Empty means go."""
    if not plan.actions:
        return []
    return [*stopped(policy, around), *over_caps(plan, policy, around), *unwise(plan, policy, around)]


def stopped(policy: RemediationPolicy, around: Surroundings) -> list[str]:
    """The switches that stop everything."""
    found = []
    if policy.kill_switch:
        found.append(f"All remediation is stopped by the policy's kill switch: {'; '.join(policy.kill_switch)}.")
    if not policy.open_at(around.now):
        window = f"{policy.window_days} {policy.window_start}-{policy.window_end} {policy.window_timezone}"
        found.append(f"Now is outside the change window ({window}); run it then, or change the policy's window.")
    return found


def over_caps(plan: Plan, policy: RemediationPolicy, around: Surroundings) -> list[str]:
    """The blast radius, in number, in percent and in bytes."""
    deletes, size = plan.count("delete"), plan.deleted_bytes()
    found = []
    if deletes > policy.max_objects:
        found.append(f"It would delete {deletes} objects; the policy's max_objects is {policy.max_objects}.")
    if around.total_objects == 0 and deletes:
        found.append("It would delete objects of a subject that has none: what was observed cannot be right.")
    elif deletes and 100 * deletes > policy.max_objects_percent * around.total_objects:
        share = 100 * deletes / around.total_objects
        found.append(
            f"It would delete {deletes} of {around.total_objects} objects ({share:.0f} %); the policy's "
            f"max_objects_percent is {policy.max_objects_percent:g}."
        )
    if size > policy.max_bytes:
        found.append(f"It would delete {size:,} bytes; the policy's max_bytes is {policy.max_bytes:,}.")
    return found


def unwise(plan: Plan, policy: RemediationPolicy, around: Surroundings) -> list[str]:
    """Reasons that lie in what else is going on."""
    found = [f"{work} is at work on {plan.subject}; wait until it ends." for work in around.live]
    for stage in plan.restart:
        if (tried := around.attempts.get(stage, 0)) >= policy.attempts_per_stage:
            found.append(
                f"{stage} of {plan.subject} was restarted {tried} times in {policy.attempts_hours:g} h without lasting "
                "success; find the cause before trying again."
            )
    if around.same_fault + 1 >= policy.systematic_scenes and not around.accept_systematic:
        found.append(
            f"The fault '{plan.fault}' shows on {around.same_fault + 1} scenes within {policy.systematic_minutes:g} min: "
            "look for one common cause first, then run with accept_systematic if a rerun is right."
        )
    return found
