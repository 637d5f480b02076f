"""Rules of the catalogue about services that run all the time: where each is, how it is asked, and what its log says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from blocks.catalogue_rules import Model


class LogSigns(Model):
    """Words of the log, as they are written there."""

    blocking: tuple[str, ...] = ()
    """What it makes is unusable."""
    warning: tuple[str, ...] = ()
    restart_begins: tuple[str, ...] = ()
    """A client has begun to restart the server by itself."""
    restart_ends: tuple[str, ...] = ()
    """That restart is over, well or not."""
    restart_seconds: float = Field(default=330.0, gt=0)
    """How long a restart may take at most; one whose end was not logged is over after that."""


class UrlSource(Model):
    """A variable of a Cloud Run job that holds the address of the service."""

    job: str
    variable: str


class Service(Model):
    """A service of the pipeline that others call."""

    speaks: Literal["grpc", "http"]
    """grpc: the server of the environment's Genie Sim block. http: GET."""
    url: str = ""
    """Of http: its address without a path; empty: `url_from` says it, or nobody knows it, and it is not looked at."""
    url_from: UrlSource | None = None
    health: str = "/healthz"
    """Path whose answer 200 means well."""
    ready: str = ""
    """Path that must answer 200 too; empty: there is none."""
    debug: str = ""
    """Path that says more to whoever has the token; empty: there is none."""
    wakes: bool = False
    """It is scaled to nothing when nobody calls, so that a look starts it, and that costs."""
    deployments: tuple[str, ...] = ()
    """Deployments of the cluster that may run it."""
    gke_jobs: bool = False
    """Jobs of the catalogue's `gke_jobs` whose stage talks to the simulator run it, too."""
    by_hand: str = ""
    """How a person starts it where it runs outside the cluster."""
    log: LogSigns = LogSigns()

    @model_validator(mode="after")
    def _one_address(self) -> Service:
        if self.speaks == "grpc" and (self.url or self.url_from):
            raise ValueError(
                "a service that speaks grpc has its address in the Genie Sim block: remove url and url_from"
            )
        return self


class SimulationSwitches(Model):
    """Variables of jobs by which the simulation is replaced, or not checked."""

    production: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Variables with the values that say that a job is production's."""
    forbidden: tuple[str, ...] = ()
    """None of them may be on in production."""
    required: dict[str, str] = Field(default_factory=dict)
    """What a job that simulates must have in production."""
