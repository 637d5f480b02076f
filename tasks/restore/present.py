"""A restore that a tired person can read: what would fire, where objects come from, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from prefect.artifacts import create_markdown_artifact

from tasks.recovery.present import plan_markdown, slug
from tasks.restore.outcome import RestoreResult

COUNTS = {
    "same": "already as they were",
    "missing": "missing, to be restored",
    "overwritten": "different, to be replaced",
    "left_alone": "different and newer, left alone",
    "withheld": "markers and trigger objects, not asked for",
    "never": "locks, idempotency records and failure markers, never restored",
    "lost": "lost: no good copy is left",
    "extra": "not there at that time",
    "kept": "under a hold or kept by retention: the service would not let them be replaced or removed",
}
"""What was found, in the order in which it matters."""
MAX_NAMES = 20
"""Names shown of each kind."""


def markdown(result: RestoreResult) -> str:
    """The report, or the plan to be approved."""
    parts = [f"# {result.scope}: {result.outcome}", *[f"> {reason}" for reason in result.reasons], result.achieved]
    parts += result.notes
    parts += [fires_table(result), counts_table(result)]
    if result.plan is not None and result.plan.actions:
        parts.append(plan_markdown(result.plan))
    if result.diff:
        parts.append(f"## From what is live to what was recorded\n```diff\n{result.diff}\n```")
    parts += [named(COUNTS[kind], names) for kind, names in result.shown.items() if names and kind in COUNTS]
    if result.told:
        rows = [(key.partition(":")[0], said) for key, said in result.told.items()]
        parts.append("## What was done\n" + table(("step", "result"), rows))
    if result.run:
        parts.append(f"Run `{result.run}`; its journal and lists are in the ops bucket.")
    if result.seconds:
        rows = [(name, f"{seconds:.2f}") for name, seconds in result.seconds.items()]
        parts.append("## Where the time went\n" + table(("step", "seconds"), rows))
    return "\n\n".join(part for part in parts if part)


def fires_table(result: RestoreResult) -> str:
    """How many executions the restore would set off, were nothing held."""
    if not result.fires:
        return ""
    rows = [(name, f"{count:,}") for name, count in sorted(result.fires.items())]
    total = sum(result.fires.values())
    return f"## Without a hold it would set off {total:,} executions\n" + table(("trigger", "executions"), rows)


def counts_table(result: RestoreResult) -> str:
    """Objects by what was found."""
    rows = [(words, f"{result.counts[kind]:,}") for kind, words in COUNTS.items() if result.counts.get(kind)]
    return table(("objects", "number"), rows) if rows else ""


def named(words: str, names: list[str]) -> str:
    """The first names of one kind."""
    more = "\n- …" if len(names) > MAX_NAMES else ""
    return f"## {words[0].upper()}{words[1:]}\n" + "\n".join(f"- `{name}`" for name in names[:MAX_NAMES]) + more


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def publish(result: RestoreResult) -> None:
    """The flow run's artifact."""
    create_markdown_artifact(markdown(result), key=f"restore-{slug(result.scope)}")
