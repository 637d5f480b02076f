"""A restore's own part of the report: what would fire, where objects come from, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from tasks.remediation.narrow import diff_block
from tasks.remediation.plan import Plan
from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.remediation.table import Cell

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


def summary(plan: Plan) -> str:
    """What it is about, and which time is brought back."""
    return f"{plan.subject}. {plan.details.get('achieved', '')}".rstrip()


def sections(run: Run) -> Iterator[Section]:
    """The parts of one restore's report, from its plan, so that a continued run shows them too."""
    if run.plan is None:
        return
    details = run.plan.details
    yield fires(mapping(details.get("fires")))
    counts = mapping(details.get("counts"))
    found: list[Mapping[str, Cell]] = [
        {"objects": words, "number": f"{counts[kind]:,}"} for kind, words in COUNTS.items() if counts.get(kind)
    ]
    yield Section("", rows=tuple(found))
    if diff := details.get("diff"):
        yield Section("From what is live to what was recorded", diff_block(str(diff)))
    for kind, names in mapping(details.get("shown")).items():
        if isinstance(names, list) and names and kind in COUNTS:
            yield named(COUNTS[kind], list(map(str, names)))
    if run.done:
        rows = [{"step": key.partition(":")[0], "result": said} for key, said in run.done.items()]
        yield Section("What was done", rows=tuple(rows))


def mapping(value: JsonValue) -> dict[str, JsonValue]:
    """A mapping of a plan's details; empty when it is none."""
    return value if isinstance(value, dict) else {}


def fires(counts: Mapping[str, JsonValue]) -> Section:
    """How many executions the restore would set off, were nothing held."""
    found = {name: count for name, count in sorted(counts.items()) if isinstance(count, int)}
    title = f"Without a hold it would set off {sum(found.values()):,} executions" if found else ""
    return Section(title, rows=tuple({"trigger": name, "executions": f"{n:,}"} for name, n in found.items()))


def named(words: str, names: list[str]) -> Section:
    """The first names of one kind."""
    more = ["- …"] if len(names) > MAX_NAMES else []
    shown = [*(f"- `{name}`" for name in names[:MAX_NAMES]), *more]
    return Section(f"{words[0].upper()}{words[1:]}", "\n".join(shown))
