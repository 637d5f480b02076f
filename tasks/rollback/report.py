"""What a person sees of a rollback: which versions there are, how sure the choice is, and what changes."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue

from tasks.remediation.report import Section
from tasks.remediation.run import Run
from tasks.remediation.table import Cell
from tasks.rollback.evidence import Version, sure_words, sureness
from tasks.rollback.facts import Facts

MOST_VERSIONS = 20
MOST_RUNNING = 20


def details_of(facts: Facts) -> dict[str, JsonValue]:
    """What the plan keeps for its report, which a run that is continued shows too. Not part of the digest."""
    found: dict[str, JsonValue] = {
        "versions": [row(one, facts) for one in (facts.present, *facts.former)[:MOST_VERSIONS] if one.shown],
        "running": list(facts.running[:MOST_RUNNING]),
        "more_running": max(0, len(facts.running) - MOST_RUNNING),
        "canary": facts.canary.scene_id,
        "no_canary": facts.canary.why_not,
    }
    if facts.target is not None and facts.change is not None:
        sure = sureness(facts.target, facts.present)
        words = sure_words(facts.target, facts.present)
        found |= {"sure": sure, "sure_words": words, "target": facts.target.shown, "former": facts.present.shown}
        found["change"] = facts.change.shown.markdown()
    return found


def row(version: Version, facts: Facts) -> dict[str, JsonValue]:
    """One version."""
    is_target = facts.target is not None and version.id == facts.target.id
    what = "live" if version is facts.present else "target" if is_target else "no target" if version.why_not else ""
    return {
        "version": version.shown,
        "it is": what,
        "succeeded": version.succeeded,
        "failed": version.failed,
        "last success": f"{version.last_success:%Y-%m-%d %H:%M} UTC" if version.last_success else "",
        **({"in the registry": version.registry} if any(one.registry for one in facts.former) else {}),
    }


def sections(run: Run) -> Iterator[Section]:
    """Its part of the report."""
    details = run.plan.details if run.plan is not None else {}
    if words := details.get("sure_words"):
        yield Section("", f"**How sure:** {words}")
    if isinstance(change := details.get("change"), str):
        yield Section("", change)
    if isinstance(versions := details.get("versions"), list) and versions:
        rows: list[dict[str, Cell]] = [
            {key: value if isinstance(value, int) else str(value) for key, value in one.items()}
            for one in versions
            if isinstance(one, dict)
        ]
        yield Section("Versions", rows=tuple(rows))
    if isinstance(running := details.get("running"), list) and running:
        more = details.get("more_running")
        lines = [f"- {one}" for one in running] + ([f"- And {more} more."] if more else [])
        yield Section("At work now", "\n".join(lines))
    if why := details.get("no_canary"):
        yield Section("", f"No canary: {why}")
