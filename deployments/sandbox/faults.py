"""Faults that a test or a person asks the sandbox to show, drawn once per request."""

import random
import threading
from collections.abc import Container
from fnmatch import fnmatchcase
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

FaultKind = Literal["latency", "status", "reset", "hang", "lost_answer", "late_listing"]
TROUBLES: frozenset[FaultKind] = frozenset(get_args(FaultKind)) - {"late_listing"}
"""The kinds that spoil a request or its answer."""


class FaultRule(BaseModel):
    """One kind of trouble, for the requests that match.

    * `latency`: wait `seconds`, then answer as usual.
    * `status`: answer with the HTTP (or gRPC) `status`; nothing takes effect.
    * `reset`: cut the connection; nothing takes effect.
    * `hang`: wait `seconds`, then cut the connection; nothing takes effect.
    * `lost_answer`: let the effect take place, then cut the connection.
    * `late_listing`: what the request starts is missing from listings for `seconds`. For `executions` `CreateExecution`
      and `run` `RunJob`, whoever starts it; it is drawn beside another kind, so an answer can be lost as well.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: str = Field("*", description="Service the rule is for, as a shell pattern: storage, workflows, run, ...")
    method: str = Field("*", description="Method the rule is for, as a shell pattern: objects.delete, objects.*, ...")
    kind: FaultKind = Field(description="What happens to a request that draws the rule.")
    status: int = Field(503, description="HTTP status a `status` fault answers with.")
    seconds: float = Field(0.0, ge=0, description="Of `latency`, `hang` and `late_listing`.")
    probability: float = Field(1.0, ge=0, le=1, description="Share of the matching requests that draw the rule.")
    times: int | None = Field(None, ge=1, description="How often the rule fires before it is spent; None = always.")

    def matches(self, service: str, method: str) -> bool:
        """Whether a request to `service` and `method` may draw this rule."""
        return fnmatchcase(service, self.service) and fnmatchcase(method, self.method)


class Faults:
    """The rules in force, thread-safe. The same seed and the same requests in the same order give the same faults."""

    def __init__(self, seed: int = 0) -> None:
        """`seed` starts the random numbers that rules with a probability below 1 use."""
        self.seed = seed
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._rules: list[tuple[FaultRule, list[int]]] = []

    def add(self, rule: FaultRule) -> None:
        """Put a rule in force, after those already there."""
        with self._lock:
            self._rules.append((rule, [rule.times or 0]))

    def clear(self) -> None:
        """Take every rule out of force."""
        with self._lock:
            self._rules.clear()

    @property
    def rules(self) -> list[FaultRule]:
        """The rules in force, in the order in which they are asked."""
        with self._lock:
            return [rule for rule, _ in self._rules]

    def draw(self, service: str, method: str, kinds: Container[str] | None = None) -> FaultRule | None:
        """The first rule that fires for this request, or None. A rule with `times` is spent by firing.

        `kinds` leaves out the rules of other kinds, for a request that cannot show them.
        """
        return self._draw(service, method, TROUBLES if kinds is None else kinds)

    def lag(self, service: str, method: str) -> float:
        """For how many seconds listings do not show what this request starts: the first `late_listing` that fires."""
        rule = self._draw(service, method, ("late_listing",))
        return 0.0 if rule is None else rule.seconds

    def _draw(self, service: str, method: str, kinds: Container[str]) -> FaultRule | None:
        if not self._rules:  # the usual case, kept free of the lock
            return None
        with self._lock:
            for position, (rule, left) in enumerate(self._rules):
                if rule.kind not in kinds:
                    continue
                if rule.matches(service, method) and self._fires(rule):
                    if rule.times is not None:
                        left[0] -= 1
                        if left[0] == 0:
                            del self._rules[position]
                    return rule
        return None

    def _fires(self, rule: FaultRule) -> bool:
        return rule.probability >= 1 or self._random.random() < rule.probability
