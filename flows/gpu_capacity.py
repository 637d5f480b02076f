"""GPU capacity: what can wait waits, node pools grow within the policy, and a person is told what only he can do.

Handbook: 'GPU capacity exhaustion'. Documentation for the person on call: docs/operations/gpu-capacity.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from flows.running import as_task_run, flow_context, state_of
from tasks.gpu_capacity.procedure import GpuCapacity, GpuRequest
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run_approved


@flow(name="gpu-capacity", flow_run_name="gpu capacity ({mode})")
def gpu_capacity(
    mode: Literal["plan", "apply"] = "plan",
    reason: str = "",
    stays: bool = False,
    environment: str = "default",
    plan_digest: str = "",
    requested_by: str = "",
) -> State[Any]:
    """Make room for critical work that waits for GPUs.

    Args:
        mode: "plan" changes nothing and shows what would be done; "apply" does it and proves it.
        reason: Why you do it; needed with mode "apply", and recorded.
        stays: Leave it in force until a person ends it: the GPU watch only tells of it.
        environment: Name of the Remediation Environment block, which says whose cluster it is.
        plan_digest: Of the plan that you have read: no other is applied. Empty: whatever the plan is by then.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context, procedure = flow_context(environment, requested_by), GpuCapacity()
    request = GpuRequest(mode=mode, reason=reason, stays=stays, plan_digest=plan_digest)

    def show(one: Run) -> None:
        publish(one, procedure.sections(one), "gpu")

    one = run_approved(procedure, context, request, as_task_run, publish=show)
    show(one)
    return state_of(one)
