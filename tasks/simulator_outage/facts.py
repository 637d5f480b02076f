"""What is known of the services and of the jobs' switches at one moment. Nothing here is asked or judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from blocks.catalogue_services import Service
from blocks.genie_sim import GenieSimHealth
from blocks.gke_pods import PodInfo
from blocks.http_health import HttpAnswer
from blocks.logs import LogLine

Word = Literal["serving", "not_serving", "down", "hung", "unknown", "restarting"]
WORDS: Mapping[Word, str] = {
    "serving": "It says that it is well, or its container's readiness probe does.",
    "not_serving": "It answers, and says that it is loading or failing.",
    "down": "Nobody takes the connection, or it is dropped.",
    "hung": "It takes the connection and does not answer in time.",
    "unknown": "It can be reached, and nothing says how it is; or it could not be asked.",
    "restarting": "A client is restarting it, or its pod has only just begun: wait.",
}
assert tuple(WORDS) == get_args(Word)
OUT: frozenset[Word] = frozenset({"not_serving", "down", "hung"})
"""Words of an outage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """What was seen of one service."""

    name: str
    rule: Service
    address: str = ""
    """Where it was asked; empty: nobody knows where it is, or it was not to be woken."""
    grpc: GenieSimHealth | None = None
    health: HttpAnswer | None = None
    ready: HttpAnswer | None = None
    debug: HttpAnswer | None = None
    pods: tuple[PodInfo, ...] = ()
    """Those that may run it and have not ended, by name."""
    lines: tuple[LogLine, ...] = ()
    """Of its log, those that hold a sign, newest first."""
    asleep: bool = False
    """It was not asked, because that would start it."""


@dataclass(frozen=True, slots=True)
class JobSettings:
    """The variables of one job."""

    kind: Literal["job", "gke-job"]
    name: str
    env: Mapping[str, str] = field(default_factory=dict)
    simulates: bool = False
    """It is a Job of the cluster whose stage talks to the simulator."""
    more: bool = False
    """It has variables whose values are not in its definition (ConfigMaps, Secrets)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorFacts:
    """Everything that is judged."""

    at: datetime
    services: tuple[ServiceFacts, ...] = ()
    jobs: tuple[JobSettings, ...] = ()
    unseen: tuple[str, ...] = ()
    """What could not be looked at, one sentence each: of that nothing is concluded."""


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The judgement of one service."""

    name: str
    address: str
    word: Word
    evidence: tuple[str, ...]
    against: tuple[str, ...] = ()
    """Signs of its log that what it makes is unusable."""
    warnings: tuple[str, ...] = ()
    looked: bool = True
    """Whether it was looked at; where not, its word says nothing."""
    ready_pod: str = ""
    """A pod of it that Kubernetes calls ready by a probe of its own."""

    @property
    def out(self) -> bool:
        """Whether somebody must act."""
        return self.looked and self.word in OUT

    @property
    def sentence(self) -> str:
        """Name, word, and what says so."""
        return f"{self.name} is {self.word.replace('_', ' ')}: {self.evidence[0]}"


@dataclass(frozen=True, slots=True)
class SwitchFinding:
    """A switch of a job that replaces the simulation, or leaves it unchecked."""

    kind: str
    job: str
    variable: str
    value: str
    production: bool
    """The job itself says that it is production's."""
    why: str

    @property
    def sentence(self) -> str:
        """What is on where."""
        where = "in production" if self.production else "and nothing of the job says that it is production's"
        return f"{self.kind} {self.job}: {self.why} {where}."
