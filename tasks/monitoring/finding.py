"""What is wrong with something by which people are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "missing",
    "points-nowhere",
    "cannot-fire",
    "counts-other",
    "disabled",
    "snoozed",
    "notifies-nobody",
    "gate-stops",
]
CODES: dict[Code, tuple[str, str]] = {
    "gate-stops": (
        "The gate of a workflow asks for things by name, and something is missing: every production run of it stops.",
        "Create what the sentence names.",
    ),
    "missing": (
        "Nothing of that exact name is there.",
        "Create it, with the pipeline's `infrastructure/monitoring/setup-monitoring.sh`, its Terraform, or the command given.",
    ),
    "points-nowhere": (
        "It looks at a metric, a job, a workflow or a namespace that is not there, so it never shows or counts anything.",
        "Correct its filter, or create what it names.",
    ),
    "cannot-fire": (
        "An alert whose condition can never be true: Google calls it invalid, or it asks for another kind of resource than the "
        "metric is written for.",
        "Correct its condition: the resource type must be the one in the filter of the metric.",
    ),
    "counts-other": (
        "A log-based metric of the expected name whose filter is not the pipeline's: it counts something else than its name says.",
        "Give it the filter of the command, or write the filter that you want into the overlay (`monitoring: log_metrics:`).",
    ),
    "disabled": ("It is switched off.", "Switch it on, or say in the overlay that the installation does without it."),
    "snoozed": ("It is silenced until the time that is given.", "End the snooze when its reason is gone."),
    "notifies-nobody": (
        "It has no channel that is there, enabled and verified: it opens incidents that nobody is told of.",
        "Give it a channel that works. The pipeline's Terraform gives none unless `monitoring_notification_channel_ids` is set.",
    ),
}
"""What each code means, and what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    code: Code
    what: str
    """As in `alert [Blueprint] High GPU Utilization`."""
    said: str
    """One sentence."""
    fix: str = ""
    """The command or change for just this one; empty: what the code says."""

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        return f"{self.said} {self.fix or CODES[self.code][1]}"
