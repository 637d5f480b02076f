"""Back up the pipeline every night: scenes by object class, what is deployed, Terraform's state; then let old nights go.

Handbook: 'Backup'. Documentation for the person on call: docs/operations/backup-and-restore.md.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect import State, flow

from flows.progress import show_bytes
from flows.running import as_task_run, flow_context, state_of
from tasks.backup.expiry import ExpireBackups, ExpiryRequest
from tasks.backup.leftovers import ExpireLeftovers
from tasks.backup.procedure import NightlyBackup
from tasks.remediation.procedure import AnyProcedure, Request
from tasks.remediation.report import publish
from tasks.remediation.run import Run
from tasks.remediation.runner import run_approved


@flow(name="nightly-backup", flow_run_name="{what} ({mode})")
def nightly_backup(
    mode: Literal["plan", "apply"] = "plan",
    what: Literal["backup and expiry", "backup", "expiry"] = "backup and expiry",
    environment: str = "default",
    requested_by: str = "",
) -> State[Any]:
    """Record one night, and remove nights that are too old.

    Args:
        mode: "plan" changes nothing and shows what would be copied and removed; "apply" does it and proves the night.
        what: The backup, the expiry of old nights, or one after the other. Expiry only follows a backup that is good.
        environment: Name of the Remediation Environment block, which says whose buckets these are.
        requested_by: Your name. It is recorded, and you cannot approve what you ask for.
    """
    context = flow_context(environment, requested_by)

    def carry_out(procedure: AnyProcedure, request: Request, key: str) -> Run:
        def show(one: Run) -> None:
            publish(one, procedure.sections(one), key, plan_key=f"plan-{key}")

        one = run_approved(procedure, context, request, as_task_run, show_bytes(key), show)
        show(one)
        return one

    runs: list[Run] = []
    if what != "expiry":
        runs.append(carry_out(NightlyBackup(), Request(mode=mode), "night"))
    if what != "backup" and all(one.good for one in runs):
        runs.append(carry_out(ExpireBackups(), ExpiryRequest(mode=mode), "expiry"))
        runs.append(carry_out(ExpireLeftovers(), ExpiryRequest(mode=mode), "expiry"))
    return state_of(runs, "; ".join(one.sentence() for one in runs))
