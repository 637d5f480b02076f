"""The kinds `hold_delivery` and `release_delivery`, each the other's way back.

A run that writes between the two is undone by a hold, what puts the former back, and a release: in reverse order, the
inverse of the release comes first.
"""

from __future__ import annotations

from tasks.delivery.hold import HoldDelivery, apply_hold
from tasks.delivery.release import ReleaseDelivery, apply_release
from tasks.delivery.tickets import open_ticket
from tasks.remediation.kind import Doing, Kind
from tasks.remediation.plan import Action


def inverse_of_hold(doing: Doing, _params: HoldDelivery, _result: str) -> Action | None:
    """Give back what the run still holds; where it gave that back itself, what its undo holds."""
    ticket = open_ticket(doing.context.environment, doing.journal.run)
    if ticket is not None:
        return release_action(ReleaseDelivery(run=ticket.run), ticket.triggers)
    own = next((one for one in doing.journal.plan().actions if one.kind == release_delivery.name), None)
    if own is None or own.key not in doing.journal.outcomes():
        return None
    return release_action(ReleaseDelivery(), own.target)


def inverse_of_release(doing: Doing, params: ReleaseDelivery, _result: str) -> Action | None:
    """Hold again what the run had held, while it is undone. Giving back what another run held is not taken back."""
    held = next((one for one in doing.journal.plan().actions if one.kind == hold_delivery.name), None)
    if params.run or held is None:
        return None
    return held.model_copy(update={"step": "hold delivery", "why": "what is put back would start these workflows"})


def release_action(params: ReleaseDelivery, triggers: str) -> Action:
    """The action that gives a hold back, whatever else failed."""
    return release_delivery.action(
        params,
        step="release delivery",
        target=triggers,
        precondition="the ticket is not redeemed",
        undo="nothing to undo",
        why="own events are dropped, everybody else's delivered one by one, then it pushes as before",
        always=True,
    )


hold_delivery = Kind(
    name="hold_delivery",
    params=HoldDelivery,
    effect="configure",
    apply=apply_hold,
    inverse=inverse_of_hold,
    by_parts=True,
    task="hold_delivery",
)
release_delivery = Kind(
    name="release_delivery",
    params=ReleaseDelivery,
    effect="configure",
    apply=apply_release,
    inverse=inverse_of_release,
    task="release_delivery",
)
