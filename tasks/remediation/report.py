"""Runs that a tired person can read: a plan as a table, and a report in Markdown, shown by the Prefect UI as artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.remediation.plan import Effect, Plan
from tasks.remediation.run import Run

MAX_ROWS = 200
"""Rows of a plan shown in the UI; the journal has them all."""

EFFECTS: dict[Effect, str] = {
    "delete": "deletion",
    "start": "start",
    "write": "write",
    "configure": "setting",
    "notify": "message",
    "read": "check",
}
"""What one action with that effect is called."""

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report that a procedure adds."""

    title: str
    """Empty: a paragraph without a heading."""
    text: str = ""
    rows: tuple[Mapping[str, Cell], ...] = ()
    """A table, one mapping a row; its first row names the columns."""

    def markdown(self) -> str:
        """The section as Markdown."""
        head = [f"## {self.title}"] if self.title else []
        return "\n\n".join(part for part in [*head, self.text, table(self.rows)] if part)


def table(rows: Sequence[Mapping[str, Cell]]) -> str:
    """Rows as a Markdown table, which wraps where a table artifact would run off the screen."""
    if not rows:
        return ""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([escaped(row.get(name, "")) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(value: Cell) -> str:
    """A value that cannot break its table."""
    return str(value).replace("|", "\\|").replace("\n", " ")


def slug(text: str) -> str:
    """An artifact key: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "none"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Names in one line, long lists cut short: `a, b and 48 more`."""
    if len(names) <= most:
        return ", ".join(names) or "nothing"
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"


def counted(number: int, word: str) -> str:
    """`1 start`, `2 starts`."""
    return f"{number:,} {word}" + ("" if number == 1 else "s")


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
    deletions, replaced = plan.count("delete"), plan.replaced()
    parts = [f"{counted(deletions, 'deletion')} ({plan.deleted_bytes():,} bytes)" if deletions else ""]
    parts += [
        counted(plan.count(effect), word)
        for effect, word in EFFECTS.items()
        if effect != "delete" and plan.count(effect)
    ]
    parts += [f"{replaced:,} of them over live objects"] if replaced else []
    restart = plan.details.get("restart")
    return (
        f"Plan {plan.digest} for {plan.subject}: {', '.join(filter(None, parts)) or 'nothing to do'}; risk {plan.risk}"
        + (f"; restarts at {', '.join(map(str, restart))}." if isinstance(restart, list) and restart else ".")
    )


def plan_markdown(plan: Plan) -> str:
    """The plan as a Markdown table, for the approval form."""
    lines = ["| # | effect | target | only if |", "|---|---|---|---|"]
    rows = [
        f"| {r['#']} | {r.get('effect', '')} | `{r['target']}` | {escaped(r.get('only if', ''))} |"
        for r in plan_rows(plan)
    ]
    return "\n".join([plan_sentence(plan), "", *lines, *rows])


def run_markdown(run: Run, sections: Iterable[Section] = ()) -> str:
    """The report of one run: how it ended and why, its plan, the procedure's own parts, and where the time went."""
    parts = [f"# {run.subject}: {run.outcome}", run.summary, *[f"> {reason}" for reason in run.reasons]]
    if run.notes:
        parts.append("\n".join(f"- {note}" for note in run.notes))
    if run.plan is not None:
        parts.append(plan_sentence(run.plan))
    parts += [section.markdown() for section in sections]
    if run.begun:
        parts.append(
            f"Run `{run.id}` ({run.procedure}). Undo what can be undone: `remediate undo {run.subject} {run.id}`."
        )
    if run.seconds:
        rows = [{"step": name, "seconds": f"{seconds:.2f}"} for name, seconds in run.seconds.items()]
        parts.append(Section("Where the time went", rows=tuple(rows)).markdown())
    return "\n\n".join(part for part in parts if part)


def publish(run: Run, sections: Iterable[Section], key: str, plan_key: str = "plan") -> None:
    """Artifacts of a flow run: the plan, if it has actions, and the report, both named after the subject."""
    name = slug(run.subject)
    if run.plan is not None and run.plan.actions:
        create_table_artifact(table=plan_rows(run.plan), key=f"{plan_key}-{name}", description=plan_sentence(run.plan))
    create_markdown_artifact(run_markdown(run, sections), key=f"{key}-{name}")


def batch_rows(runs: Iterable[Run]) -> list[dict[str, Cell]]:
    """One row a subject, the ones that need a person first."""
    return [
        {
            "subject": run.subject,
            "outcome": run.outcome,
            "fault": str(run.plan.details.get("fault", "")) if run.plan else "",
            "plan": run.plan.digest if run.plan else "",
            "deletions": run.plan.count("delete") if run.plan else 0,
            "bytes": run.plan.deleted_bytes() if run.plan else 0,
            "seconds": round(sum(run.seconds.values()), 1),
            "why": " ".join(run.reasons),
        }
        for run in sorted(runs, key=lambda run: (run.good, run.subject))
    ]


def batch_sentence(runs: Iterable[Run]) -> str:
    """How many came out how."""
    counts: dict[str, int] = {}
    for run in runs:
        counts[run.outcome] = counts.get(run.outcome, 0) + 1
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(counts.items()))
