"""Locks of the pipeline and whether their holders live. No lock is removed whose holder may."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from blocks.catalogue_rules import Lock
from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from tasks.validation.source import SceneFile


@dataclass(frozen=True, slots=True)
class LockFact:
    """A lock object of a scene and whether its holder still runs (None: cannot tell)."""

    path: str
    generation: int
    size: int
    holder: str
    alive: bool | None


def holder_of(body: bytes, lock: Lock) -> str:
    """The execution a lock names, or '' when it does not say."""
    try:
        payload = json.loads(body)
    except ValueError:
        return ""
    return str(payload.get(lock.holder_field) or "") if isinstance(payload, dict) else ""


def holder_lives(environment: PipelineEnvironment, lock: Lock, holder: str, file: SceneFile) -> bool | None:
    """Ask Workflows about the holder. A lock that names nobody is only known to be dead after its time to live."""
    if not holder:
        if lock.ttl_seconds is None or file.updated is None:
            return None
        return False if datetime.now(UTC) - file.updated > timedelta(seconds=lock.ttl_seconds) else None
    place = f"projects/{environment.workflows.project}/locations/{environment.workflows.region}"
    name = holder if "/" in holder else f"{place}/workflows/{lock.workflow}/executions/{holder}"
    try:
        return environment.workflows.execution(name).live
    except NotFound:
        return False
