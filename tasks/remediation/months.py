"""A ledger that is written for years, one chain a month: whoever reads it reads a month at most.

    <root><month>/000001.json

A chain that is damaged is left as it is, and another is begun beside it (`<month>b`).
"""

from __future__ import annotations

from tasks.remediation.case import Case
from tasks.remediation.context import Context


def months(context: Context, root: str) -> list[str]:
    """The chains there are, the oldest first; one that replaces a damaged one comes after it."""
    found = context.environment.storage.prefixes(context.environment.ops_bucket, root)
    return sorted(one.removeprefix(root).rstrip("/") for one in found)


def month(context: Context, root: str, name: str) -> Case:
    """The chain of that name, as `2026-11`, with nothing of it read. `root` ends with '/'."""
    environment = context.environment
    id_ = f"{root.rstrip('/').rpartition('/')[2]}-{name}"
    return Case(environment.storage, environment.ops_bucket, f"{root}{name}/", id_, context.actor)
