"""What the monitoring audit says: in sentences for a person, and as data."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

from blocks.catalogue_monitoring import Monitoring
from tasks.monitoring.finding import CODES, Finding
from tasks.remediation.report import Section, counted


def sentence(
    expected: Monitoring, findings: list[Finding], gates: dict[str, list[str] | None], unknown: list[str]
) -> str:
    """All in one line."""
    words: dict[str, Sized] = {
        "dashboard": expected.dashboards,
        "alert": expected.alerts,
        "log-based metric": expected.log_metrics,
    }
    looked = ", ".join(counted(len(things), word) for word, things in words.items())
    parts = [f"{counted(len(findings), 'finding')} on {looked}"]
    parts += [f"{counted(len(unknown), 'look')} without an answer"] if unknown else []
    return f"{'; '.join([*parts, *map(_gate, gates.items())])}."


def _gate(one: tuple[str, list[str] | None]) -> str:
    workflow, names = one
    state = "is not known to pass" if names is None else "stops every production run" if names else "passes"
    return f"the monitoring gate of {workflow} {state}"


def sections(findings: list[Finding], unknown: list[str]) -> list[Section]:
    """The tables of the report."""
    found = []
    if findings:
        rows = tuple({"code": one.code, "what": one.said, "do": one.fix or CODES[one.code][1]} for one in findings)
        found.append(Section("Findings", rows=rows))
    if unknown:
        found.append(Section("Not known", "\n".join(f"- {one}" for one in unknown)))
    return found


def as_data(findings: list[Finding], gates: dict[str, list[str] | None], unknown: list[str]) -> dict[str, Any]:
    """The same as data, with keys and codes that stay."""
    return {
        "findings": [
            {"code": one.code, "what": one.what, "said": one.said, "do": one.fix or CODES[one.code][1]}
            for one in findings
        ],
        "gates": [
            {"workflow": workflow, "passes": None if names is None else not names, "missing": names or []}
            for workflow, names in gates.items()
        ],
        "unknown": unknown,
    }
