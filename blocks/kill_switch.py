"""The kill switch where every run reads it: `kill_switch` in the policy of an environment block, on the Prefect server.

Only that list is written, so that nothing else of the block is saved again, secrets least of all. A policy that is a
block of its own is changed there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from prefect.exceptions import ObjectNotFound

from blocks.errors import NotFound, PermanentError

if TYPE_CHECKING:
    from uuid import UUID

ENVIRONMENT = "remediation-environment"


def read_kill_switch(environment: str) -> list[str]:
    """The reasons why nothing may be changed now; empty: the switch is off. Raises `NotFound`."""
    return list(_policy(environment)[1].get("kill_switch") or [])


def set_kill_switch(environment: str, reasons: list[str]) -> None:
    """Make these the reasons, and read them again.

    Args:
        environment: Name of the Remediation Environment block.
        reasons: One sentence each; an empty list lifts the stop.

    Raises:
        NotFound: there is no such block.
        PermanentError: somebody else changed the block at the same moment; nothing can be said of the switch.
    """
    document, policy, nested = _policy(environment)
    changed = {"policy": {**policy, "kill_switch": reasons}} if nested else {"kill_switch": reasons}
    with get_client(sync_client=True) as client:
        client.update_block_document(document, BlockDocumentUpdate(data=changed, merge_existing_data=True))
    if read_kill_switch(environment) != reasons:
        raise PermanentError(
            f"The block {environment} was changed by somebody else just now: look at it, and try again."
        )


def _policy(environment: str) -> tuple[UUID, dict[str, Any], bool]:
    """The document that holds the policy, the policy, and whether it is a part of the environment's document."""
    try:
        with get_client(sync_client=True) as client:
            found = client.read_block_document_by_name(environment, ENVIRONMENT, include_secrets=False)
    except ObjectNotFound as error:
        raise NotFound(f"There is no Remediation Environment block called {environment!r}.") from error
    own = found.block_document_references.get("policy")
    if own is None:
        return found.id, dict(found.data.get("policy") or {}), True
    return own["block_document"]["id"], dict(found.data["policy"]), False
