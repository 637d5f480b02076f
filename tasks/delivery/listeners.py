"""Which deployed triggers listen to the data bucket, and which of them a written object fires."""

from __future__ import annotations

import re
from dataclasses import dataclass

from blocks.environment import PipelineEnvironment
from blocks.triggers import TriggerInfo


@dataclass(frozen=True, slots=True)
class Listener:
    """One deployed trigger that listens to the data bucket."""

    trigger: str
    workflow: str
    subscription: str
    """Through which its events travel; empty: unknown."""
    pattern: str | None
    """None: it fires for every object written."""

    def fires(self, name: str) -> bool:
        """Whether writing this object fires it. A pattern that cannot be read counts as firing."""
        if self.pattern is None:
            return True
        try:
            return re.search(self.pattern, name) is not None
        except re.error:
            return True


def listeners(environment: PipelineEnvironment) -> tuple[Listener, ...]:
    """The deployed triggers of the data bucket, as the project has them now and not as anybody planned them."""
    found = environment.triggers.list()
    return tuple(map(listener_of, filter(lambda one: one.bucket == environment.data_bucket, found)))


def by_catalogue(environment: PipelineEnvironment) -> tuple[Listener, ...]:
    """The triggers the catalogue calls deployed: what to count with when the project's own cannot be asked."""
    return tuple(
        Listener(name, one.workflow, "", one.name_regex)
        for name, one in environment.catalogue.triggers.items()
        if one.deployed and one.event == "object_finalized"
    )


def listener_of(trigger: TriggerInfo) -> Listener:
    """A trigger as a listener."""
    return Listener(trigger.name, trigger.workflow, trigger.subscription, trigger.name_pattern)
