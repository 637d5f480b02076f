"""A backup for people: the table by class, and phrases."""

from __future__ import annotations

from tasks.backup.night import Night
from tasks.remediation.table import Cell
from tasks.snapshots.summary import Summary
from tasks.sync.progress import human


def class_rows(night: Night) -> list[dict[str, Cell]]:
    """One row for each class, and one for all."""
    rows: list[dict[str, Cell]] = []
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
