"""Results that a tired person can read: tables in Markdown, shown by the Prefect UI as artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.recovery.outcome import RecoveryResult
from tasks.remediation.plan import Plan

MAX_ROWS = 200
"""Rows of a plan shown in the UI; the journal has them all."""

MARK = {
    "complete": "✅ complete",
    "never_ran": "· never ran",
    "missing": "❌ missing",
    "corrupt": "❌ corrupt",
    "stale": "⚠️ stale",
    "failed": "❌ failed",
    "blocked": "🔒 blocked",
}


def slug(text: str) -> str:
    """An artifact key: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "none"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Names in one line, long lists cut short: `a, b and 48 more`."""
    if len(names) <= most:
        return ", ".join(names) or "nothing"
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"


def plan_rows(plan: Plan) -> list[dict[str, str | int]]:
    """The plan as a table: one row an action, in order."""
    rows: list[dict[str, str | int]] = [
        {
            "#": number,
            "step": action.step,
            "effect": action.effect,
            "target": action.target,
            "bytes": action.bytes,
            "only if": action.precondition,
            "undo": action.undo,
            "why": action.why,
        }
        for number, action in enumerate(plan.actions[:MAX_ROWS], 1)
    ]
    if len(plan.actions) > MAX_ROWS:
        rows.append({"#": "", "step": f"… and {len(plan.actions) - MAX_ROWS} more actions"})
    return rows


def plan_sentence(plan: Plan) -> str:
    """Counts, bytes, risk and digest in one line."""
    return (
        f"Plan {plan.digest} for {plan.subject}: {plan.count('delete')} deletions ({plan.deleted_bytes():,} bytes), "
        f"{plan.count('start')} starts, {plan.count('write')} writes, {plan.count('read')} checks; risk {plan.risk}; "
        f"restarts at {', '.join(plan.restart) or 'nothing'}."
    )


def plan_markdown(plan: Plan) -> str:
    """The plan as a Markdown table, for the approval form."""
    lines = ["| # | step | effect | target | only if |", "|---|---|---|---|---|"]
    rows = [
        f"| {r['#']} | {r['step']} | {r.get('effect', '')} | `{r.get('target', '')}` | {r.get('only if', '')} |"
        for r in plan_rows(plan)
    ]
    return "\n".join([plan_sentence(plan), "", *lines, *rows])


def stage_table(before: dict[str, str], after: dict[str, str]) -> str:
    """Stages before and after, side by side; stages that never ran are left out."""
    shown = [
        s
        for s in before | after
        if before.get(s, "never_ran") != "never_ran" or after.get(s, "never_ran") != "never_ran"
    ]
    lines = ["| stage | before | after |", "|---|---|---|"]
    return "\n".join(lines + [f"| {s} | {word(before.get(s))} | {word(after.get(s))} |" for s in shown])


def word(state: str | None) -> str:
    return MARK.get(state or "", "")


def result_markdown(result: RecoveryResult) -> str:
    """One scene's report."""
    parts = [f"# {result.scene_id}: {result.outcome}", *[f"> {reason}" for reason in result.reasons]]
    if result.plan is not None:
        parts.append(plan_sentence(result.plan))
        parts += [
            f"A good copy of `{offer.object}` is in {offer.source.replace('_', ' ')}: generation {offer.generation}, "
            f"{offer.size:,} bytes. Run with `restore_inputs` to put it back."
            for offer in result.plan.offers
        ]
    parts.append(stage_table(dict(result.before), dict(result.after)))
    if result.errors:
        parts.append("## What was wrong\n" + "\n".join(f"- {error}" for error in result.errors[:20]))
    if result.run:
        parts.append(f"Run `{result.run}`. Undo its deletions: `remediate undo {result.scene_id} {result.run}`.")
    if result.seconds:
        rows = "\n".join(f"| {name} | {seconds:.2f} |" for name, seconds in result.seconds.items())
        parts.append(f"## Where the time went\n| step | seconds |\n|---|---|\n{rows}")
    return "\n\n".join(part for part in parts if part)


def publish(results: Sequence[RecoveryResult]) -> None:
    """Artifacts of a flow run: the plan and the report of a single scene, or one table for a batch."""
    for result in results if len(results) == 1 else []:
        if result.plan is not None and result.plan.actions:
            create_table_artifact(
                table=plan_rows(result.plan),
                key=f"plan-{slug(result.scene_id)}",
                description=plan_sentence(result.plan),
            )
        create_markdown_artifact(result_markdown(result), key=f"recovery-{slug(result.scene_id)}")
    if len(results) > 1:
        create_table_artifact(table=batch_rows(results), key="recovery-batch", description=batch_sentence(results))


def batch_rows(results: Iterable[RecoveryResult]) -> list[dict[str, str | int | float]]:
    """One row a scene, the ones that need a person first."""
    ordered = sorted(results, key=lambda result: (result.good, result.scene_id))
    return [
        {
            "scene": result.scene_id,
            "outcome": result.outcome,
            "fault": result.plan.fault if result.plan else "",
            "restart": ", ".join(result.plan.restart) if result.plan else "",
            "plan": result.plan.digest if result.plan else "",
            "deletions": result.plan.count("delete") if result.plan else 0,
            "bytes": result.plan.deleted_bytes() if result.plan else 0,
            "seconds": round(sum(result.seconds.values()), 1),
            "why": " ".join(result.reasons),
        }
        for result in ordered
    ]


def batch_sentence(results: Iterable[RecoveryResult]) -> str:
    """How many came out how."""
    counts: dict[str, int] = {}
    for result in results:
        counts[result.outcome] = counts.get(result.outcome, 0) + 1
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(counts.items()))
