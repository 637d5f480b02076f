"""What is known of one thing before it is rolled back: the same for all kinds, so that one plan serves them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.actions.definitions import Kept
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Action
from tasks.remediation.report import Section, listed
from tasks.rollback.evidence import Version, last_good
from tasks.rollback.request import RollbackRequest

STEP = "1 redeploy"
MOST_EXECUTIONS = 1000
"""How many executions are looked at, the newest first. Cloud Run keeps no more of a job."""


@dataclass(frozen=True, slots=True)
class Change:
    """What takes the thing to its target."""

    action: Action
    shown: Section
    """The difference, for a person."""
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class Canary:
    """One execution of a rolled back job on a test scene, or why there is none."""

    action: Action | None = None
    scene_id: str = ""
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """One thing that is deployed, what was deployed before, and what would be done."""

    present: Version
    former: tuple[Version, ...] = ()
    """Newest first; none is the present one."""
    target: Version | None = None
    change: Change | None = None
    """None: the target is what is live."""
    canary: Canary = field(default_factory=Canary)
    running: tuple[str, ...] = ()
    """What is at work now, and what it would go on doing: one sentence each."""
    notes: tuple[str, ...] = ()
    escalations: tuple[str, ...] = ()


def no_evidence(request: RollbackRequest, former: tuple[Version, ...], seen: int) -> str:
    """Why nobody can say what last worked, and what a person can do."""
    known = listed([one.id for one in former if not one.why_not], 5)
    looked = f"{seen:,} runs of it were looked at" if seen else "there is no run to go by"
    recorded = request.kind in ("job", "workflow")
    night = f", or put back what a night recorded with `remediate restore {request.kind} {request.name}`"
    return (
        f"No former version of {request.kind} {request.name} is known to have succeeded ({looked}), and none is guessed. "
        f"Former versions: {known}. Choose one that you know with --to{night if recorded else ''}."
    )


def chosen(request: RollbackRequest, versions: tuple[Version, ...]) -> Version | None:
    """The version to go to: the one that was named, else the one that last worked. None: nobody knows.

    `versions`: the present one first; where it is what was named, or works, there is nothing to do. Raises `Refused` for
    a name that fits none of them, or more than one.
    """
    if not request.to:
        return last_good(versions[0], versions[1:])
    fitting = [one for one in versions if one.id == request.to] or [
        one for one in versions if len(request.to) >= 12 and one.id.startswith(request.to)
    ]
    if len(fitting) != 1:
        what = "fits several versions" if fitting else "is no version"
        raise Refused(
            f"{request.to!r} {what} of {request.kind} {request.name}; it has {listed([one.id for one in versions], 8)}."
        )
    if fitting[0].why_not and fitting[0] is not versions[0]:
        raise Refused(fitting[0].why_not)
    return fitting[0]
