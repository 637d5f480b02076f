"""How often the stages of a scene were really started lately. A run that started nothing was no attempt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from blocks.environment import PipelineEnvironment
from tasks.remediation.journal import ROOT, PastRun


def attempts(environment: PipelineEnvironment, scene_id: str, past: Iterable[PastRun]) -> dict[str, int]:
    """Starts without lasting success within the policy's `attempts_hours`, by the stage that was restarted."""
    since = datetime.now(UTC) - timedelta(hours=environment.policy.attempts_hours)
    counts: Counter[str] = Counter()
    for run in past:
        if (
            run.begun_at > since
            and run.outcome not in ("recovered", "done")
            and started(environment, scene_id, run.run)
        ):
            counts.update(run.restart)
    return dict(counts)


def started(environment: PipelineEnvironment, scene_id: str, run: str) -> bool:
    """Whether the run's journal notes an execution, or a start of which nobody knows what became."""
    prefix = f"{ROOT}{scene_id}/{run}/"
    for stored in environment.storage.list(environment.ops_bucket, prefix):
        if not stored.name.endswith("-note.json"):
            continue
        body = environment.storage.read(environment.ops_bucket, stored.name, generation=stored.generation)
        try:
            data = json.loads(body)["data"]
        except (ValueError, KeyError, TypeError):
            return True  # unknown: count it
        if "execution" in data or "unknown" in data:
            return True
    return False
