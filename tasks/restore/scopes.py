"""Which procedure restores what a scope names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.remediation.procedure import Procedure
from tasks.restore.definitions import RestoreDefinition
from tasks.restore.objects import RestoreObjects
from tasks.restore.request import RestoreRequest, ScopeKind
from tasks.restore.terraform import RestoreState

OTHERS: Mapping[str, type[Procedure[RestoreRequest, Any]]] = {
    "terraform-state": RestoreState,
    "workflow": RestoreDefinition,
    "job": RestoreDefinition,
}
"""All other scopes are about objects."""


def procedure_for(kind: ScopeKind) -> Procedure[RestoreRequest, Any]:
    """The procedure for a scope; a word that is none comes to the one for objects, which refuses it."""
    return OTHERS.get(kind, RestoreObjects)()
