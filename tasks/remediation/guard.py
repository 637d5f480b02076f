"""The guard: reasons not to carry out a plan, found before its first action, and again before a run is continued.

Refused are a plan over the caps (objects, bytes, share of the subject), a plan made while the kill switch is on or
outside the change window, and one for a subject on which something is at work. What else speaks against a plan, its
procedure says (`Procedure.guard`). The guard knows no scene, stage or night.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from blocks.policy import RemediationPolicy
from tasks.remediation.plan import Plan


@dataclass(frozen=True, slots=True)
class Scope:
    """What a plan is weighed against."""

    total_objects: int | None = 0
    """Objects of the subject now: what the percentage is of. None: a percentage means nothing here."""
    at_work: tuple[str, ...] = ()
    """What is at work on the subject, one phrase each."""
    max_objects: int | None = None
    """A cap of the procedure's own instead of the policy's `max_objects`."""
    max_bytes: int | None = None
    """Likewise for `max_bytes`."""


def refusals(plan: Plan, policy: RemediationPolicy, scope: Scope) -> list[str]:
    """Every reason not to carry out `plan`, each one sentence. Empty means go."""
    if not plan.actions:
        return []
    busy = [f"{work} is at work on {plan.subject}; wait until it ends." for work in scope.at_work]
    return [*stopped(policy), *over_caps(plan, policy, scope), *busy]


def stopped(policy: RemediationPolicy, now: datetime | None = None) -> list[str]:
    """The switches that stop everything: kill switch and change window."""
    found = []
    if policy.kill_switch:
        found.append(f"All remediation is stopped by the policy's kill switch: {'; '.join(policy.kill_switch)}.")
    if not policy.open_at(now or datetime.now(UTC)):
        window = f"{policy.window_days} {policy.window_start}-{policy.window_end} {policy.window_timezone}"
        found.append(f"Now is outside the change window ({window}); run it then, or change the policy's window.")
    return found


def over_caps(plan: Plan, policy: RemediationPolicy, scope: Scope) -> list[str]:
    """The blast radius, in number, in percent and in bytes: what live objects would be deleted or replaced."""
    deletes, replaced = plan.count("delete"), plan.replaced()
    size = plan.deleted_bytes() + plan.replaced_bytes()
    most = policy.max_objects if scope.max_objects is None else scope.max_objects
    most_bytes = policy.max_bytes if scope.max_bytes is None else scope.max_bytes
    what = " and ".join(
        [f"delete {deletes:,}"] * bool(deletes or not replaced) + [f"replace {replaced:,}"] * bool(replaced)
    )
    found = []
    if deletes + replaced > most:
        found.append(f"It would {what} objects; the policy's max_objects is {most:,}.")
    if deletes:
        found += over_share(deletes, scope.total_objects, policy.max_objects_percent)
    if size > most_bytes:
        found.append(f"It would {what} objects of {size:,} bytes; the policy's max_bytes is {most_bytes:,}.")
    return found


def over_share(deletes: int, total: int | None, percent: float) -> list[str]:
    """The part of the subject that would be deleted."""
    if total is None:
        return []
    if total == 0:
        return ["It would delete objects of a subject that has none: what was observed cannot be right."]
    if 100 * deletes > percent * total:
        share = 100 * deletes / total
        return [
            f"It would delete {deletes:,} of {total:,} objects ({share:.0f} %); the policy's max_objects_percent is "
            f"{percent:g}."
        ]
    return []
