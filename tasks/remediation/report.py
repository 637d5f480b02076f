"""Runs that a tired person can read: a plan and a report in Markdown, shown by the Prefect UI as artifacts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os.path import commonprefix
from urllib.parse import quote

from prefect import runtime
from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext

from tasks.remediation.drawing import Picture
from tasks.remediation.plan import Effect, Plan
from tasks.remediation.run import Run
from tasks.remediation.table import PIXELS, Cell, escaped, fitting, table, width

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

COMMON = ("effect", "why", "only if", "undo")
"""Columns of a plan that are said once for a step when all its actions have the same."""
MOST_COLUMNS = 2  # of those that differ stand in the table, the others below it: no column is off the screen


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report that a procedure adds."""

    title: str
    """Empty: a paragraph without a heading."""
    text: str = ""
    rows: tuple[Mapping[str, Cell], ...] = ()
    """A table, one mapping a row; its first row names the columns."""
    picture: Picture | None = None
    """Shown between text and table."""

    def markdown(self) -> str:
        """The section as Markdown for an artifact."""
        picture = self.picture.markdown() if self.picture is not None else ""
        return "\n\n".join(part for part in (self.heading(), picture, fitting(self.rows)) if part)

    def document(self) -> str:
        """The section as Markdown for a file, whose readers wrap tables."""
        return "\n\n".join(part for part in (self.heading(), self.table()) if part)

    def heading(self) -> str:
        """Title and text."""
        return "\n\n".join(part for part in (f"## {self.title}" if self.title else "", self.text) if part)

    def table(self) -> str:
        """The rows as Markdown for a page, whose tables wrap."""
        return table(self.rows)


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


def plan_rows(plan: Plan) -> list[dict[str, Cell]]:
    """The plan as a table: one row an action, in order; what matters most is on the left, where narrow screens show it."""
    rows: list[dict[str, Cell]] = [
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
    """The plan as a page, and as the approval form shows it: its steps in order, each with its actions."""
    steps: dict[Cell, list[dict[str, Cell]]] = {}
    for row in plan_rows(plan):
        steps.setdefault(row.pop("step", ""), []).append(row)
    return "\n\n".join([plan_sentence(plan), *(step_markdown(str(name), rows) for name, rows in steps.items())])


def step_markdown(name: str, rows: Sequence[Mapping[str, Cell]]) -> str:
    """One step: what all its actions have in common in a line, the rest as a table, or as a list where that is too wide."""
    folder = common_folder([str(row["target"]) for row in rows])
    common = {key: rows[0].get(key, "") for key in COMMON if len({row.get(key, "") for row in rows}) == 1}
    said = common | {"in": f"`{folder}`" if folder else ""}
    line = " · ".join(f"**{key}:** {escaped(value)}" for key, value in said.items() if value)
    differ = [key for key in COMMON if key not in common]
    left, below = differ[:MOST_COLUMNS], differ[MOST_COLUMNS:]
    shown = step_rows(rows, left, folder)
    if width(shown) > PIXELS:
        return Section(name, line, tuple(step_rows(rows, differ, folder))).markdown()
    details = [
        f"- {row['#']}: " + "; ".join(f"**{key}:** {escaped(row[key])}" for key in below) for row in rows if row["#"]
    ]
    return "\n\n".join([Section(name, line, tuple(shown)).markdown(), *(["\n".join(details)] if below else [])])


def step_rows(rows: Sequence[Mapping[str, Cell]], columns: Sequence[str], folder: str) -> list[dict[str, Cell]]:
    """The actions of a step, with these columns beside number, target (below the folder) and bytes."""
    has_bytes = any(row.get("bytes") for row in rows)
    return [
        {
            "#": row["#"],
            "target": f"`{str(row['target'])[len(folder) :]}`" if row["#"] else row["target"],
            **{key: row.get(key, "") for key in columns},
            **({"bytes": f"{row.get('bytes', 0):,}"} if has_bytes else {}),
        }
        for row in rows
    ]


def common_folder(targets: Sequence[str]) -> str:
    """The folder that several targets are in, with its slash; empty for a single one."""
    start = commonprefix(targets) if len(targets) > 1 else ""  # noqa: RUF071  it is cut at a slash
    return start[: start.rfind("/") + 1]


def run_markdown(run: Run, sections: Iterable[Section] = ()) -> str:
    """The report of one run: how it ended and why, its plan, the procedure's own parts, and where the time went."""
    parts = [run_head(run), *(one.markdown() for one in (*sections, *closing(run)))]
    return "\n\n".join(part for part in parts if part)


def run_head(run: Run) -> str:
    """How a run ended and why."""
    parts = [f"# {run.subject}: {run.outcome}", run.summary, *[f"> {reason}" for reason in run.reasons]]
    if run.notes:
        parts.append("\n".join(f"- {note}" for note in run.notes))
    if run.plan is not None:
        parts.append(plan_sentence(run.plan))
    return "\n\n".join(part for part in parts if part)


def closing(run: Run) -> Iterator[Section]:
    """What every report ends with: how to undo it, and where the time went."""
    if run.begun:
        yield Section(
            "",
            f"Run `{run.id}` ({run.procedure}). Undo what can be undone: `remediate undo {run.subject} {run.id}`, or the "
            f"deployment `undo` with subject `{run.subject}` and run `{run.id}`.",
        )
    if run.seconds:
        rows = [{"step": name, "seconds": f"{seconds:.2f}"} for name, seconds in run.seconds.items()]
        yield Section("Where the time went", rows=tuple(rows))


def publish(run: Run, sections: Iterable[Section], key: str, plan_key: str = "plan") -> None:
    """Artifacts of a flow run, the plan, if it has actions, and the report, both named after the subject; and its page."""
    name, form = slug(run.subject), apply_form(run)
    if run.plan is not None and run.plan.actions:
        create_markdown_artifact(plan_shown(run.plan, form), f"{plan_key}-{name}", plan_sentence(run.plan))
    create_markdown_artifact(report_shown(run, sections, form), f"{key}-{name}", run.sentence())


def plan_shown(plan: Plan, form: str = "") -> str:
    """The plan as an artifact, with a link to the form that applies it."""
    return "\n\n".join(filter(None, [f"# Plan for {plan.subject}", form, plan_markdown(plan)]))


def report_shown(run: Run, sections: Iterable[Section], form: str = "") -> str:
    """The report as an artifact, with that link and one to its page, which is kept now, and with the run's timeline."""
    from tasks.remediation.latest_page import keep_report  # which are made of what is here
    from tasks.remediation.run_page import timeline

    found = list(sections)
    shown = [Section("", form), Section("", keep_report(run, found)), *found]
    return run_markdown(run, [*shown, timeline(run)] if run.begun else shown)


def apply_form(run: Run) -> str:
    """After a plan: a link to the deployment's form, filled in so that exactly this plan is applied; else nothing."""
    flow_run = FlowRunContext.get()
    if run.outcome != "planned" or run.plan is None or not (flow_run and flow_run.flow and runtime.deployment.id):
        return ""
    if "plan_digest" not in flow_run.flow.parameters.properties:
        return ""
    filled = {**runtime.flow_run.parameters, "mode": "apply", "plan_digest": run.plan.digest}
    asked = quote(json.dumps(filled, default=str))
    form = f"/v2/deployments/deployment/{runtime.deployment.id}/run?parameters={asked}"
    return f"When you have read it: [apply exactly this plan]({form}). The form opens filled in."


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
