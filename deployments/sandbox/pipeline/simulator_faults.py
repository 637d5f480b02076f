"""What a simulated workflow or job can be told to do wrong."""

from __future__ import annotations

import threading
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from blocks.catalogue import Catalogue
from blocks.catalogue_query import class_of, matches
from deployments.sandbox.pipeline.stage_writers_base import Alter

FaultKind = Literal["skipped", "failed_result", "raise", "corrupt_output", "no_output", "slow", "stock_out", "hold"]

SIGNS = ("completion_marker", "failure_marker", "lock")
"""Classes of objects that are no output of a stage but say something about it."""


class SimulatorFault(BaseModel):
    """One rule of misbehaviour.

    * `skipped`: the run answers SKIPPED and does nothing.
    * `failed_result`: the first stage fails, and the run returns a result that says so, even where the workflow raises.
    * `raise`: the first stage fails, and the run raises, even where the workflow returns normally.
    * `corrupt_output`: the run succeeds, but half of each matching output's bytes are missing.
    * `no_output`: the run succeeds, but the matching outputs are not written.
    * `slow`: every job takes `seconds` longer.
    * `stock_out`: the GPU job (or, without one, the first job) cannot be started for lack of machines.
    * `hold`: the run stays where it is, after it took its lock, for `seconds` or (0) until `forgive()`.
    """

    model_config = ConfigDict(extra="forbid")

    workflow: str = Field(
        default="*", description="Name of a workflow or of a Cloud Run job; * = every one that is run."
    )
    scene_id: str = Field(default="*", description="Scene it happens to; * = every one.")
    kind: FaultKind = Field(description="What goes wrong.")
    output: str | None = Field(
        default=None,
        description="Pattern of the outputs that are hit, relative to the scene; None = every output but the markers.",
    )
    seconds: float = Field(default=0.0, ge=0, description="For slow and hold, in seconds.")
    times: int | None = Field(default=None, ge=1, description="How often it happens; None = until forgiven.")


class FaultBoard:
    """The rules in force. Safe to use from threads."""

    def __init__(self) -> None:
        """Start without rules."""
        self._lock = threading.Lock()
        self._rules: list[SimulatorFault] = []
        self._forgiven = threading.Event()

    def add(self, fault: SimulatorFault) -> None:
        """Put a rule in force, behind those that are there."""
        with self._lock:
            self._rules.append(fault.model_copy())

    def clear(self) -> None:
        """Forget every rule and let everything that is held go on."""
        with self._lock:
            self._rules.clear()
            self._forgiven.set()
            self._forgiven = threading.Event()

    def draw(self, name: str, scene_id: str, *, wildcard: bool = True) -> tuple[SimulatorFault | None, threading.Event]:
        """The first rule for a workflow or job, used up once, and the event that its forgiveness will set.

        `wildcard` False: only a rule that names it. A job inside a workflow is asked for so, as the workflow was asked.
        """
        with self._lock:
            for rule in self._rules:
                named = rule.workflow == name or (wildcard and rule.workflow == "*")
                if named and rule.scene_id in ("*", scene_id):
                    if rule.times is not None:
                        rule.times -= 1
                    if rule.times == 0:
                        self._rules.remove(rule)
                    return rule, self._forgiven
            return None, self._forgiven


def altering(fault: SimulatorFault | None, catalogue: Catalogue) -> Alter | None:
    """How a rule changes what is written, None when it does not."""
    if fault is None or fault.kind not in ("corrupt_output", "no_output"):
        return None

    def alter(path: str, data: bytes) -> bytes | None:
        hit = matches(fault.output, path) if fault.output else class_of(catalogue, path) not in SIGNS
        if not hit:
            return data
        return data[: len(data) // 2] if fault.kind == "corrupt_output" else None

    return alter
