"""What every step of one remediation needs, passed as one object instead of nine arguments."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from blocks.environment import PipelineEnvironment
from tasks.remediation.lease import Holder, Lease, take_lease
from tasks.remediation.live import LiveBoard


def new_run_id(now: datetime | None = None) -> str:
    """A sortable, label-safe id of one remediation run, e.g. `20260118t031502z-9f3ac1d2`."""
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dt%H%M%Sz")
    return f"{moment}-{secrets.token_hex(4)}"


class Context:
    """One remediation run's surroundings: where it works, on whose behalf, and how it speaks.

    A plain class, so that Prefect hands it to tasks as it is instead of walking through it.
    """

    def __init__(
        self,
        environment: PipelineEnvironment,
        actor: str,
        *,
        flow_run_id: str = "",
        say: Callable[[str], None] = lambda _: None,
        kill_switch: Callable[[], list[str]] | None = None,
        holder_is_alive: Callable[[Holder], bool | None] = lambda _: None,
    ) -> None:
        """
        Args:
            environment: The pipeline's environment block.
            actor: Who asked: a person, a schedule or a trigger. Recorded, never checked.
            flow_run_id: The Prefect flow run, if there is one.
            say: Where progress goes, one sentence at a time.
            kill_switch: Asked before every step for reasons to stop; by default the policy that was loaded.
            holder_is_alive: Whether the holder of a lease still runs; None when that cannot be told.
        """
        self.environment = environment
        self.actor = actor
        self.flow_run_id = flow_run_id
        self.say = say
        self.kill_switch = kill_switch or (lambda: environment.policy.kill_switch)
        self.holder_is_alive = holder_is_alive
        self.live = LiveBoard(environment)

    @contextmanager
    def holding(self, subject: str, run: str) -> Iterator[Lease]:
        """The lease on a subject, for as long as the block lasts. Raises `LeaseBusy` naming who has it."""
        now = datetime.now(UTC)
        holder = Holder(
            owner=self.actor,
            flow_run_id=self.flow_run_id,
            run=run,
            taken_at=now,
            expires_at=now + timedelta(seconds=self.environment.policy.lease_seconds),
        )
        storage, bucket = self.environment.storage, self.environment.ops_bucket
        with take_lease(storage, bucket, subject, holder, self.holder_is_alive) as lease:
            yield lease
