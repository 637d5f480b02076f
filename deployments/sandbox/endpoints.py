"""Where each service of a running sandbox is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Endpoints(BaseModel):
    """Where the sandbox's services are."""

    model_config = ConfigDict(frozen=True)

    storage: str
    workflows: str
    executions: str
    run: str
    eventarc: str
    scheduler: str
    pubsub: str
    transfer: str
    logging: str
    firestore: str
    monitoring: str
    registry: str
    projects: str
    kubernetes: str
    container: str
    compute: str
    genie_sim: str
    sinks: str
    control: str
