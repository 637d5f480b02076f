"""What is to be rolled back, as it is asked for, and what cannot be asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import JsonValue

from tasks.remediation.outcome import Refused
from tasks.remediation.procedure import Request

TargetKind = Literal["job", "workflow", "deployment", "gke-job", "terraform"]
KINDS: tuple[TargetKind, ...] = get_args(TargetKind)
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,126}[A-Za-z0-9])?")
"""Names of workflows (letters, digits, '_', '-'), of jobs, and of Kubernetes objects (with dots): none has a slash."""


TO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@:+-]{0,511}")
"""Revisions, digests, images and tags: what is shown in commands for a person must not be one itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest(Request):
    """What a rollback is asked."""

    kind: TargetKind
    name: str
    to: str = ""
    """A revision, an image's digest, or (terraform) a tag; empty: what last worked, as its executions show."""
    without_canary: bool = False
    """Do not run a rolled back job on a test scene, though the catalogue names one."""

    def asked(self) -> dict[str, JsonValue]:
        """All of it decides the plan."""
        return {"kind": self.kind, "name": self.name, "to": self.to, "without_canary": self.without_canary}


def request_of(asked: Mapping[str, JsonValue], reason: str) -> RollbackRequest:
    """The request that a journal has recorded. Raises `Refused` when it is none of this version's."""
    kind = next((known for known in KINDS if known == asked.get("kind")), None)
    if kind is None:
        raise Refused(f"This version rolls back no {asked.get('kind')!r}; use the version that began this run.")
    return RollbackRequest(
        kind=kind,
        name=str(asked.get("name", "")),
        to=str(asked.get("to", "")),
        without_canary=asked.get("without_canary") is True,
        mode="apply",
        reason=reason,
    )


def subject_of(request: RollbackRequest) -> str:
    """What is leased: two rollbacks of one thing exclude each other. Raises `Refused` for what cannot be asked."""
    if request.kind not in KINDS:
        raise Refused(f"{request.kind!r} cannot be rolled back; it is one of {', '.join(KINDS)}.")
    if not NAME.fullmatch(request.name):
        raise Refused(
            f"{request.name!r} is no name of a {request.kind}; give the short one, without project or path, as the "
            "console and `gcloud` or `kubectl` list it."
        )
    if request.to and not TO.fullmatch(request.to):
        raise Refused(f"{request.to!r} is neither a revision, a digest nor a tag; leave it out to have one found.")
    if request.mode == "apply" and not request.reason.strip():
        raise Refused("Say why with a reason: it is recorded, and whoever finds the rollback must know.")
    return f"@rollback.{request.kind}.{request.name}"
