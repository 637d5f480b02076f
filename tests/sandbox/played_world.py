"""A scene and a simulator without delays, and what the tests of the simulator ask of them."""

import threading
from dataclasses import dataclass, field
from typing import Any

from blocks.catalogue_load import load_catalogue
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.pipeline.simulator import Simulator
from deployments.sandbox.storage.store import ObjectStore

EVENTS = {
    "regen3d-pipeline": "assets/.assets_ready",
    "usd-assembly-pipeline": "assets/.regen3d_complete",
    "variation-assets-pipeline": "replicator/.replicator_complete",
    "genie-sim-export-pipeline": "variation_assets/.variation_pipeline_complete",
    "episode-generation-pipeline": "usd/.usd_complete",
    "upsell-features-pipeline": "episodes/.episodes_complete",
    "arena-export-pipeline": "usd/.usd_complete",
    "dwm-preparation-pipeline": "assets/.regen3d_complete",
    "dream2flow-preparation-pipeline": "assets/.regen3d_complete",
    "interactive-pipeline": "assets/scene_assets.json",
    "objects-pipeline": "layout/scene_layout.json",
    "scale-pipeline": "layout/scene_layout.json",
}


@dataclass
class Execution:
    """An execution as the services hand it to the simulator."""

    name: str = "projects/p/locations/us-central1/workflows/w/executions/e-1"
    cancelled: threading.Event = field(default_factory=threading.Event)


class World:
    """A scene with its reconstruction, and a simulator without delays."""

    def __init__(self, upto: str = "inputs", overlay: dict[str, Any] | None = None, **options: Any) -> None:
        self.store = ObjectStore()
        self.store.create_bucket("scenes")
        self.scene = make_scene(self.store, "scenes", "s1", "kitchen", upto=upto)
        self.simulator = Simulator(self.store, load_catalogue(overlay), "scenes", 0.0, **options)

    def run(self, workflow: str, handle: Execution | None = None, name: str | None = None, **more: Any) -> Any:
        event = {"bucket": "scenes", "name": name or f"scenes/s1/{EVENTS[workflow]}"}
        return self.simulator.run_workflow(workflow, {"data": event, **more}, handle or Execution())

    def spoil(self, path: str) -> None:
        self.scene.write(path, self.scene.read(path)[:-30])


def import_argument(world: World, **changes: Any) -> dict[str, Any]:
    job = world.scene.read_object("geniesim/job.json")["job_id"]
    argument = {
        "job_id": job,
        "status": "completed",
        "scene_id": "s1",
        "submission_mode": "local",
        "local_episodes_prefix": f"scenes/s1/episodes/geniesim_{job}",
        "job_metadata_path": "scenes/s1/geniesim/job.json",
        "wait_for_completion": "true",
        "min_quality_score": "0.85",
        "enable_validation": "true",
        "filter_low_quality": "true",
        "trigger_training": False,
    }
    return argument | changes
