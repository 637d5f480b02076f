"""What the event receiver says of itself: whether it can work, events that wait, and those that it could not handle."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from blocks.base import RemediationBlock
from blocks.errors import TemporaryError

WAITING, AGE, DEAD = "receiver_spool_waiting", "receiver_spool_age_seconds", "receiver_dead_letters_kept"


@dataclass(frozen=True, slots=True)
class ReceiverFacts:
    """What its numbers say."""

    waiting: int
    """Events that are kept and not yet handled."""
    oldest_seconds: float
    """How long the oldest of them waits."""
    dead: int
    """Dead letters that nobody has looked after."""


class EventReceiver(RemediationBlock):
    """The event receiver, as the watchdog and the doctor ask it."""

    _block_type_name = "Remediation Receiver"
    _block_type_slug = "remediation-receiver"
    _description = "The receiver of events: where its numbers are read, so that an event that is stuck is noticed."

    url: str = Field(
        default="", description="Where it answers, as in http://remediation-receiver:8080; empty: it is not watched."
    )
    subscription: str = Field(
        default="",
        pattern=r"^(projects/[^/]+/subscriptions/[^/]+)?$",
        description="Subscription that pushes to it, as in projects/my-project/subscriptions/remediation-push; empty: the "
        "doctor does not look at it.",
    )
    seconds: float = Field(default=10.0, gt=0, description="Seconds to wait for the answer.")

    def facts(self) -> ReceiverFacts | None:
        """Its numbers (`/metrics`); None when it is not watched. Raises `TemporaryError` when it gives none."""
        if not self.url:
            return None
        import httpx
        from prometheus_client.parser import text_string_to_metric_families

        where = f"{self.url.rstrip('/')}/metrics"
        try:
            answer = httpx.get(where, timeout=self.seconds, trust_env=False).raise_for_status()
            families = text_string_to_metric_families(answer.text)
            numbers = {one.name: one.samples[0].value for one in families if one.samples}
            return ReceiverFacts(int(numbers[WAITING]), numbers[AGE], int(numbers[DEAD]))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
            raise TemporaryError(f"The event receiver gives no numbers at {where} ({type(error).__name__}).") from error

    def troubles(self) -> dict[str, str] | None:
        """What keeps it from working, by what it needs (`/readyz`), as in `{"prefect": "It has not answered lately."}`.

        {}: it is ready. None: no address is known. Raises `TemporaryError` when nothing there says how a receiver is.
        """
        if not self.url:
            return None
        import httpx

        where = f"{self.url.rstrip('/')}/readyz"
        try:
            answer = httpx.get(where, timeout=self.seconds, trust_env=False)
            said = answer.json() if answer.status_code in (200, 503) else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise TemporaryError(f"The event receiver does not answer at {where} ({type(error).__name__}).") from error
        if not isinstance(said, dict) or not {"spool", "prefect"} <= set(said):
            raise TemporaryError(f"What answers at {where} (status {answer.status_code}) is no event receiver.")
        return {str(what): str(word) for what, word in said.items() if word != "ok"}
