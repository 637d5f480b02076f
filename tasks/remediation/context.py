"""What every step of one run needs, passed as one object instead of nine arguments."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from blocks.environment import PipelineEnvironment
from blocks.policy import RemediationPolicy
from tasks.remediation.lease import Holder, Lease, LeaseBusy, lasts, process_is_gone, take_lease
from tasks.remediation.outcome import Stopped

POLICY_SECONDS = 1.0
"""How old the policy may be by which a run goes on: the kill switch works within this time."""
UNREADABLE_SECONDS = 60.0
"""How long a run goes on by the policy it knows while the present one cannot be read, as in a restart of the server."""

T = TypeVar("T")


def new_run_id(now: datetime | None = None) -> str:
    """A sortable, label-safe id of one run, e.g. `20260118t031502z-9f3ac1d2`."""
    moment = (now or datetime.now(UTC)).strftime("%Y%m%dt%H%M%Sz")
    return f"{moment}-{secrets.token_hex(4)}"


class Context:
    """One run's surroundings: where it works, on whose behalf, and how it speaks.

    A plain class, so that Prefect hands it to tasks as it is instead of walking through it.
    """

    def __init__(
        self,
        environment: PipelineEnvironment,
        actor: str,
        *,
        flow_run_id: str = "",
        say: Callable[[str], None] = lambda _: None,
        policy: Callable[[], RemediationPolicy] | None = None,
        gone: Callable[[Holder], bool] = process_is_gone,
    ) -> None:
        """
        Args:
            environment: The pipeline's environment block.
            actor: Who asked: a person, a schedule or a trigger. Recorded, and not allowed to approve.
            flow_run_id: The Prefect flow run, if there is one.
            say: Where progress goes, one sentence at a time.
            policy: The policy as it is now, asked while a run goes on; by default the one that was loaded.
            gone: Whether the process of a lease's holder is proved to have ended.
        """
        self.environment = environment
        self.actor = actor
        self.flow_run_id = flow_run_id
        self.say = say
        self.gone = gone
        self._ask_policy = policy or (lambda: environment.policy)
        self._lock = threading.Lock()
        self._policy, self._asked, self._read = environment.policy, float("-inf"), time.monotonic()
        self._remembered: dict[type, object] = {}

    def policy(self, *, fresh: bool = False) -> RemediationPolicy:
        """The limits as they are now, at most a second old, or `fresh`. Raises `Stopped` when unreadable for a minute."""
        with self._lock:
            now = time.monotonic()
            if fresh or now - self._asked > POLICY_SECONDS:
                self._asked = now
                try:
                    self._policy, self._read = self._ask_policy(), now
                except Exception as error:  # whatever the reason is, nobody can tell whether the switch is on
                    if now - self._read > UNREADABLE_SECONDS:
                        raise Stopped(f"The policy cannot be read, so nothing more is done ({error}).") from error
            return self._policy

    def remember(self, kind: type[T], make: Callable[[], T]) -> T:
        """The one thing of its kind that this run shares among its steps and subjects, made when it is first needed."""
        with self._lock:
            found = self._remembered.setdefault(kind, None)
            if not isinstance(found, kind):
                found = self._remembered[kind] = make()
            return found

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
        with self._lease(subject, holder) as lease:
            yield lease

    def _lease(self, subject: str, wanted: Holder) -> Lease:
        """Take it; what an earlier process of this very flow run holds is waited for, once.

        An orchestrator that moves a flow run to another machine (a drained node) ends its first process and begins a
        second one before that lease has ended.
        """
        storage, bucket = self.environment.storage, self.environment.ops_bucket
        try:
            return take_lease(storage, bucket, subject, wanted, self.gone)
        except LeaseBusy as busy:
            if busy.holder is None or not self.flow_run_id or busy.holder.flow_run_id != self.flow_run_id:
                raise
            self.say(f"{subject}: waiting for the lease of this flow run's earlier process to end")
            time.sleep(max(lasts(busy.holder), 0.0))
        length = wanted.expires_at - wanted.taken_at
        now = datetime.now(UTC)
        again = wanted.model_copy(update={"taken_at": now, "expires_at": now + length})
        return take_lease(storage, bucket, subject, again, self.gone)
