"""Five faults at once, each with its beginning and end in the sandbox's own record, and the person who sees them through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.cloud import eventarc_v1
from google.cloud.eventarc_v1.services.eventarc.transports import EventarcGrpcTransport

from blocks.clients import plain_channel
from blocks.environment import PipelineEnvironment
from deployments.sandbox.names import LOCATION
from deployments.sandbox.server import Sandbox
from tasks.incidents.entries import Acknowledged
from tasks.incidents.incident import incident_ids, read_incident
from tasks.response.forms import Mitigation, Resolution, Update
from tests.diagnosis.world import (
    BAD_IMAGE,
    DATA,
    EXPORT,
    PXR,
    SIMREADY,
    TRIGGER,
    USD,
    held,
    run_job,
    scene,
    start,
    until,
)
from tests.response.world import heir
from tests.simulator_outage.world import deploy_server

LOCK = "locks/usd-assembly.lock"
FIVE = ("bad-image", "trigger-missing", "genie-sim-down", "stale-lock", "manifest-damaged")
"""Rows of the table of symptoms, the heaviest first."""
HURT = ("locked", "damaged", "simulated", "image")
"""The scenes that come to harm."""
RECORDED = {
    "bad-image": f"job {SIMREADY}",
    "trigger-missing": f"trigger {TRIGGER}",
    "genie-sim-down": "genie sim",
    "stale-lock": f"{LOCK} of locked",
    "manifest-damaged": "assets/scene_manifest.json of damaged",
}
"""By row, how the sandbox's record calls it."""


def inject(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    """Break five things, and let the pipeline stumble over each."""
    deploy_server(sandbox)
    for name in HURT:
        scene(sandbox, name, upto="genie-sim-export")
    running = held(sandbox, environment, USD, "locked")
    until(lambda: sandbox.store.get(DATA, f"scenes/locked/{LOCK}") is not None)
    sandbox.record.lock_left(running, "locked", LOCK)
    start(sandbox, environment, USD, "locked")  # answers SKIPPED
    sandbox.record.trigger_deleted(TRIGGER)
    sandbox.record.object_damaged("damaged", "manifest_truncated")
    start(sandbox, environment, USD, "damaged")
    sandbox.record.genie_sim_down()
    start(sandbox, environment, EXPORT, "simulated")
    run_job(sandbox, environment, SIMREADY, "image")
    sandbox.record.image_broken(SIMREADY, BAD_IMAGE, PXR)
    for _ in range(2):
        run_job(sandbox, environment, SIMREADY, "image")


def make_trigger(sandbox: Sandbox) -> None:
    """What the remedy's gcloud command does."""
    client = eventarc_v1.EventarcClient(
        transport=EventarcGrpcTransport(channel=plain_channel(sandbox.endpoints.eventarc))
    )
    filters = {"type": "google.cloud.storage.object.v1.finalized", "bucket": DATA}
    wanted = eventarc_v1.Trigger(
        event_filters=[eventarc_v1.EventFilter(attribute=key, value=value) for key, value in filters.items()],
        destination=eventarc_v1.Destination(workflow=f"{LOCATION}/workflows/{USD}"),
    )
    client.create_trigger(parent=LOCATION, trigger=wanted, trigger_id=TRIGGER)
    client.transport.close()


@dataclass
class OnCall:
    """Somebody who acknowledges, then does what each page asks for; some answers come with an act of their own."""

    environment: PipelineEnvironment
    answers: Sequence[tuple[Any, Callable[[], object] | None]]
    pages: list[str] = field(default_factory=list)

    def __call__(self, form: type[Any], key: str, page: str, /) -> Any:
        if not self.pages:
            self.incident().say(Acknowledged(by="bo", how="command"))
        if len(self.pages) == len(self.answers):
            return None
        self.pages.append(page)
        answer, act = self.answers[len(self.pages) - 1]
        if act is not None:
            act()
        made = answer() if callable(answer) else answer
        assert isinstance(made, form), f"asked for {form.__name__}, but {made!r} comes next"
        return made

    def incident(self) -> Any:
        """The newest, as its record stands."""
        newest = incident_ids(heir(self.environment))[0]
        return read_incident(heir(self.environment), newest)

    def over(self) -> Resolution:
        """It was over when the last fault was."""
        ends = [end.ended_at for _, end in self.incident().faults]
        return Resolution(choice="resolved", how="all five are right again", at=max(ends), by="bo")


def on_call(sandbox: Sandbox, environment: PipelineEnvironment) -> OnCall:
    """Whoever sees the five through: flows where there are any, the person's own hands where not."""
    down = Mitigation(choice="wait", by="bo")
    trigger = Mitigation(choice="by_hand", text="made the trigger again with gcloud", by="bo")
    simulator = Mitigation(choice="by_hand", text="Genie Sim was started again", by="cy")
    one = OnCall(environment, ())
    one.answers = [
        (Mitigation(choice="roll_back", thing=f"job {SIMREADY}", by="bo"), None),
        (trigger, lambda: make_trigger(sandbox)),
        (down, None),  # Genie Sim is not up yet
        (simulator, lambda: sandbox.genie_sim.switch("serving")),
        (Mitigation(choice="recover", scenes=list(HURT), by="bo"), None),
        (Mitigation(choice="go_on", by="bo"), None),
        (Update(impact="four scenes were late", mitigation="mended", eta="now", by="bo"), None),
        (one.over, None),
    ]
    return one
