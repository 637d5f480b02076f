"""Results that a tired person can read: tables in Markdown, shown by the Prefect UI as artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.recovery.outcome import RecoveryResult
from tasks.remediation.plan import Effect, Plan

MAX_ROWS = 200
"""Rows of a plan shown in the UI; the journal has them all."""

EFFECTS: dict[Effect, str] = {"delete": "deletion", "start": "start", "write": "write", "read": "check"}
"""What one action with that effect is called."""

MARK = {
    "complete": "✅ complete",
    "never_ran": "· never ran",
    "expired": "⌛ expired",
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
    """The plan as a table: one row an action, in order; what matters most is on the left, where narrow screens show it."""
    rows: list[dict[str, str | int]] = [
        {
            "#": number,
            "effect": action.effect,
            "target": action.target,
            "why": action.why,
            "only if": action.precondition,
            "undo": action.undo,
            "bytes": action.bytes,
            "step": action.step,
        }
        for number, action in enumerate(plan.actions[:MAX_ROWS], 1)
    ]
    if len(plan.actions) > MAX_ROWS:
        rows.append({"#": "", "target": f"… and {len(plan.actions) - MAX_ROWS} more actions; the journal has them all"})
    return rows


def plan_sentence(plan: Plan) -> str:
    """Counts, bytes, risk and digest in one line."""
    deletions = plan.count("delete")
    parts = [f"{counted(deletions, 'deletion')} ({plan.deleted_bytes():,} bytes)" if deletions else ""]
    parts += [
        counted(plan.count(effect), word)
        for effect, word in EFFECTS.items()
        if effect != "delete" and plan.count(effect)
    ]
    return (
        f"Plan {plan.digest} for {plan.subject}: {', '.join(filter(None, parts)) or 'nothing to do'}; risk {plan.risk}"
        + (f"; restarts at {', '.join(plan.restart)}." if plan.restart else ".")
    )


def counted(number: int, word: str) -> str:
    """`1 start`, `2 starts`."""
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def plan_markdown(plan: Plan) -> str:
    """The plan as a Markdown table, for the approval form."""
    lines = ["| # | effect | target | only if |", "|---|---|---|---|"]
    rows = [f"| {r['#']} | {r.get('effect', '')} | `{r['target']}` | {r.get('only if', '')} |" for r in plan_rows(plan)]
    return "\n".join([plan_sentence(plan), "", *lines, *rows])


def stage_table(before: dict[str, str], after: dict[str, str]) -> str:
    """Stages before and, once there is one, after; stages that never ran are left out."""
    columns = {"before": before} | ({"after": after} if after else {})
    shown = [s for s in before | after if any(states.get(s, "never_ran") != "never_ran" for states in columns.values())]
    rows = [["stage", *columns], ["---"] * (1 + len(columns))]
    rows += [[stage, *(word(states.get(stage)) for states in columns.values())] for stage in shown]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) if shown else ""


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
