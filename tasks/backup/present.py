"""A backup's results for people: the table by class, and sentences."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.backup.night import Night
from tasks.backup.outcome import BackupResult, Result, VerifyResult
from tasks.recovery.present import plan_rows, plan_sentence
from tasks.snapshots.summary import Summary
from tasks.sync.meter import human


def class_rows(night: Night) -> list[dict[str, str | int]]:
    """One row for each class, and one for all."""
    rows: list[dict[str, str | int]] = []
    for name, count in sorted(night.source.classes.items()):
        rows.append(
            {
                "class": name,
                "objects": count.objects,
                "bytes": count.bytes,
                "new": count.new,
                "changed": count.changed,
                "wrong bytes": count.again,
                "bytes to copy": count.copy_bytes,
            }
        )
    numbers = [name for name in rows[0] if name != "class"] if rows else []
    rows.append({"class": "all", **{name: sum(int(row[name]) for row in rows) for name in numbers}})
    return rows


def planned_phrase(night: Night) -> str:
    """What would be done."""
    objects, size = night.source.counts.to_copy
    by = " by Storage Transfer Service" if night.engine == "transfer" else ""
    return f"{night.source.counts.seen:,} objects, {objects:,} to copy ({human(size)}){by}"


def captured_phrase(summary: Summary) -> str:
    """What was done."""
    return (
        f"night {summary.night}: {summary.objects:,} objects, {human(summary.bytes)}; copied "
        f"{summary.copied.objects:,}, {human(summary.copied.bytes)}"
        + ("" if summary.signature else "; not signed, because the policy has no signing_key")
    )


def publish_backup(result: BackupResult) -> None:
    """Artifacts of a flow run: the plan, the table by class, and the report."""
    if result.plan is not None and result.outcome in ("planned", "refused"):
        create_table_artifact(table=plan_rows(result.plan), key="plan-backup", description=plan_sentence(result.plan))
    if result.rows:
        create_table_artifact(table=result.rows, key="backup-classes", description=result.sentence())
    create_markdown_artifact(markdown(result), key="backup")


def markdown(result: Result) -> str:
    """The report of one run."""
    parts = [f"# {result.what}: {result.outcome}", result.told, *(f"> {reason}" for reason in result.reasons)]
    if result.notes:
        parts.append("\n".join(f"- {note}" for note in result.notes))
    if result.run:
        parts.append(
            f"Run `{result.run}`; its journal is `remediation/journal/backup/{result.run}/` in the ops bucket."
        )
    return "\n\n".join(part for part in parts if part)


def publish_result(result: Result, key: str) -> None:
    """Artifacts of an expiry or of the watch."""
    if result.plan is not None and result.plan.actions:
        create_table_artifact(table=plan_rows(result.plan), key=f"plan-{key}", description=plan_sentence(result.plan))
    create_markdown_artifact(markdown(result), key=key)


def publish_verification(result: VerifyResult) -> None:
    """Artifacts of a verification: the scorecard, the findings by object, and the report."""
    if result.scorecard:
        create_table_artifact(table=result.scorecard, key="backup-scorecard", description="Achieved beside targets")
    found = result.verification.findings if result.verification else ()
    if found:
        rows = [{"what": one.what, "object": one.object, "said": one.said} for one in found]
        create_table_artifact(table=rows, key="backup-findings", description=result.sentence())
    create_markdown_artifact(markdown(result), key="backup-verification")
