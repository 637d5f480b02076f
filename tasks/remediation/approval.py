"""Approval by a person, bound to the plan they saw.

The policy says which risks need one. The approver sees the plan as a table, and the form carries its digest: what they
approve is that plan and no other. Resuming without filling in the form means no, and so does letting the time run out.
Prefect's open-source server knows no identities, so the name is what the approver typed, and the record says 'claimed'. Where
the receiver stands behind Identity-Aware Proxy it sees who decides, and proves it (`tasks.remediation.approval_link`): then
the record says 'verified', and the policy may want that.
"""

from __future__ import annotations

from typing import Literal

from prefect import runtime
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from blocks.policy import RemediationPolicy
from blocks.signing import fits
from tasks.remediation.plan import Plan


class Approval(RunInput):
    """The form an approver fills in."""

    decision: Literal["reject", "approve"] = Field(
        default="reject", description="approve: exactly this plan is carried out; reject: the run ends"
    )
    approver: str = Field(default="", description="Your name; it must not be the requester's")
    plan_digest: str = Field(default="", description="The plan's digest, as shown above the form")
    comment: str = Field(default="", description="Why you decided so; it is recorded")
    proof: str = Field(default="", description="Leave it empty: the receiver's word for who decided")

    def proved(self, secret: bytes, flow_run: str) -> bool:
        """Whether the receiver has seen that this person decided so, of this flow run."""
        return fits(
            secret, self.proof, "decided", flow_run, self.decision, self.approver, self.plan_digest, self.comment
        )


def needs_person(plan: Plan, policy: RemediationPolicy) -> bool:
    """Whether the policy wants a person to approve a plan of this risk. A risk it does not know needs one."""
    return dict(policy.approval).get(plan.risk, "person") == "person"  # type: ignore[call-overload, no-any-return]


def objection(approval: Approval, plan: Plan, requester: str, *, unproved: bool = False) -> str:
    """Why an approval does not count: only a clear yes to this very plan by somebody else than the requester does.

    `unproved`: the policy wants to know who it is, and nobody vouches for the name.
    """
    who = approval.approver.strip()
    if approval.decision != "approve":
        return f"Plan {plan.digest} was rejected by {who or 'somebody'}: {approval.comment or 'no reason'}."
    if not who:
        return f"Plan {plan.digest} was approved without a name; run it again and give one."
    if who.casefold() == requester.strip().casefold():
        return f"{who} asked for plan {plan.digest} and cannot approve it too; ask somebody else."
    if approval.plan_digest != plan.digest:
        return f"{who} approved plan {approval.plan_digest}, but the plan is now {plan.digest}."
    if unproved:
        return (
            f"The name {who} is only claimed, and the policy's verified_approvers wants it seen by the receiver: decide by the "
            "link above the form, or, where there is none, set link_url and link_secret of the on-call block."
        )
    return ""


def ask(plan: Plan, policy: RemediationPolicy, requester: str, table: str, link: str = "") -> Approval:
    """Stop the flow run until a person decides; return what they said.

    A deployed run is suspended (its process ends and the flow starts again from the top when resumed, finding the same
    answer under the same key); a run without a deployment waits in its process. `link`: where the receiver sees who decides.
    """
    there = f" Or decide where it is seen who you are: {link}" if link else ""
    form = Approval.with_initial_data(
        description=f"**Approve this plan?** Requested by {requester}. The form is below the plan; left as it is, it means "
        f"no.{there}\n\n{table}",
        plan_digest=plan.digest,
    )
    timeout, key = int(policy.approval_minutes * 60), f"approve-{plan.digest}"
    approval: Approval
    if runtime.deployment.id:
        approval = suspend_flow_run(wait_for_input=form, timeout=timeout, key=key)
    else:
        approval = pause_flow_run(wait_for_input=form, timeout=timeout, key=key, poll_interval=1)
    return approval
