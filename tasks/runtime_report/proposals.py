"""Which timeouts should be others, with the evidence. Nothing is changed: a timeout is in a workflow's YAML.

Raised, when the P95 uses more than the warning's part of it or when a run was ended by it: so far that the P99 uses 80 %.
Lowered, when even the longest of at least 100 runs used less than a third: to the double of the P99, and half as much again as
the longest. In steps of five minutes. A run that was ended by its timeout would have taken longer, so that its P99 is only a
lower bound; the pipeline's own advice for large scenes is to double then.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from blocks.service_levels import ServiceLevels
from tasks.remediation.report import counted
from tasks.runtime_report.steps import Step

STEP_SECONDS = 300
WANTED_USAGE = 0.8
MANY = 100
"""Runs without which nothing is lowered: with fewer the P99 is nothing but the longest."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Another timeout for a step."""

    step: Step
    seconds: int
    why: str

    def sentence(self) -> str:
        """From what to what, and why."""
        verb = "Raise" if self.seconds > (self.step.timeout or 0) else "Lower"
        return (
            f"{verb} the timeout of {self.step.job} in {self.step.workflow or 'its workflow'} from "
            f"{self.step.timeout:g} s to {self.seconds:,} s: {self.why}."
        )


def proposals(steps: Iterable[Step], service: ServiceLevels) -> list[Proposal]:
    """What is proposed, in the order of the steps; a step with too few runs gets none, except when it timed out."""
    return [made for one in steps if (made := raised(one, service) or lowered(one)) is not None]


def raised(step: Step, service: ServiceLevels) -> Proposal | None:
    """A longer timeout, if it needs one."""
    if step.timeout is None or step.usage_p95 is None:
        return None
    near = step.runs >= service.enough_runs and 100 * step.usage_p95 > service.usage_warning_percent
    if not near and not step.timed_out:
        return None
    wanted = max(step.p99 / WANTED_USAGE, 2 * step.timeout if step.timed_out else 0.0)
    ended = (
        f", and {counted(step.timed_out, 'run')} took all of it, so the P99 is only a lower bound"
        if step.timed_out
        else ""
    )
    few = f" (only {counted(step.runs, 'run')})" if step.runs < service.enough_runs else ""
    return Proposal(step, _rounded(wanted), f"{evidence(step)}{ended}{few}")


def lowered(step: Step) -> Proposal | None:
    """A shorter timeout, so that a run that hangs is noticed earlier."""
    if step.timeout is None or step.runs < MANY or step.usage_max is None or step.usage_max > 1 / 3:
        return None
    seconds = _rounded(max(2 * step.p99, 1.5 * step.longest))
    if seconds > step.timeout / 2:
        return None
    earlier = f"a run that hangs would be noticed {(step.timeout - seconds) / 60:,.0f} minutes earlier"
    return Proposal(step, seconds, f"{evidence(step)}; {earlier}")


def evidence(step: Step) -> str:
    """The figures a proposal rests on."""
    return (
        f"of {counted(step.runs, 'run')} P95 {step.p95:,.0f} s, P99 {step.p99:,.0f} s, longest {step.longest:,.0f} s, "
        f"P95 usage {100 * (step.usage_p95 or 0):.0f} %"
    )


def _rounded(seconds: float) -> int:
    return max(STEP_SECONDS, math.ceil(round(seconds, 6) / STEP_SECONDS) * STEP_SECONDS)
