"""Every stage's writer: which jobs make it, what its workflow writes at the end, and how its failures are called.

The simulator and `make_scene` use the same table, so a generated scene is what a simulated run leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deployments.sandbox.pipeline import stage_writers_assets as assets
from deployments.sandbox.pipeline import stage_writers_delivery as delivery
from deployments.sandbox.pipeline import stage_writers_geniesim as geniesim
from deployments.sandbox.pipeline import stage_writers_recordings as recordings
from deployments.sandbox.pipeline import stage_writers_text as text
from deployments.sandbox.pipeline import stage_writers_usd as stage
from deployments.sandbox.pipeline.stage_writers_base import SceneFolder, workflow_marker
from deployments.sandbox.pipeline.stage_writers_regen3d import regen3d

Write = Callable[[SceneFolder], None]


@dataclass(frozen=True)
class Step:
    """One job of a stage. `key` is where the workflow's result names the job's execution."""

    job: str
    write: Write
    key: str
    record: str | None = None
    """Folder of the job's own failure record, for the jobs that keep one."""


@dataclass(frozen=True)
class StageWriter:
    """How one stage is made."""

    steps: tuple[Step, ...]
    failed: str = ""
    """Error code of the failure marker that the workflow writes."""
    start_failed: str = ""
    """The same when a job could not be started at all."""
    finish: Write | None = None
    """What the workflow, not the job, writes after the stage."""
    raises: bool = False
    """A failure of this stage raises even in a workflow whose other failures return normally."""
    local_marker: str | None = None
    """Name of the marker that only the local runner writes."""


WRITERS: dict[str, StageWriter] = {
    "objects": StageWriter(
        (Step("objects-job", assets.objects, "execution"),),
        "objects_failed",
        "objects_job_start_failed",
        assets.objects_finish,
    ),
    "scale": StageWriter((Step("scale-job", assets.scale, "execution"),), "scale_job_failed", "scale_job_start_failed"),
    "text": StageWriter((Step("text-scene-gen-job", text.text, "execution"),)),
    "regen3d": StageWriter(
        (Step("regen3d-adapter-job", regen3d, "execution", "regen3d-job"),), "regen3d_failed", "regen3d_start_failed"
    ),
    "interactive": StageWriter(
        (Step("interactive-job", assets.interactive, "execution", "interactive-job"),),
        "interactive_job_failed",
        "interactive_job_start_failed",
        assets.interactive_finish,
    ),
    "simready": StageWriter(
        (
            Step("usd-assembly-job", assets.convert, "convert_execution", "usd-assembly-job"),
            Step("simready-job", assets.simready, "simready_execution", "simready-job"),
        )
    ),
    "usd": StageWriter(
        (Step("usd-assembly-job", stage.usd, "usd_execution", "usd-assembly-job"),),
        local_marker="usd_assembly_complete",
    ),
    "replicator": StageWriter(
        (Step("replicator-job", stage.replicator, "replicator_execution"),), local_marker="replicator_complete"
    ),
    "isaac-lab": StageWriter((Step("isaac-lab-job", stage.isaac_lab, "isaac_lab_execution"),)),
    "variation": StageWriter((Step("variation-gen-job", geniesim.variation, "variation_gen_execution"),)),
    "genie-sim-export": StageWriter(
        (Step("genie-sim-export-job", geniesim.export, "execution", "genie-sim-export-job"),), "geniesim_export_failed"
    ),
    "genie-sim-run": StageWriter(
        (Step("genie-sim-submit-job", recordings.run, "geniesim_execution"),), "geniesim_submit_failed", raises=True
    ),
    "genie-sim-import": StageWriter(
        (Step("genie-sim-import-job", recordings.import_episodes, "import_execution_id"),),
        "geniesim_import_failed",
        finish=recordings.import_finish,
    ),
    "episodes": StageWriter(
        (Step("episode-generation-job", delivery.episodes, "execution", "episode-generation-job"),),
        "episode_generation_failed",
        finish=delivery.episodes_finish,
    ),
    "upsell": StageWriter(
        (Step("upsell-features-job", delivery.upsell, "execution"),),
        "upsell_features_failed",
        "upsell_job_start_failed",
        delivery.upsell_finish,
    ),
    "training": StageWriter(
        (Step("training-job", delivery.training, "training_execution_id"),),
        "training_failed",
        "training_start_failed",
        raises=True,
    ),
    "arena": StageWriter((Step("arena-export-job", delivery.arena, "arena_execution"),)),
    "dwm": StageWriter(
        (
            Step("dwm-preparation-job", delivery.dwm, "dwm_execution"),
            Step("dwm-inference-job", delivery.dwm_inference, "dwm_inference_execution"),
        ),
        "dwm_failed",
        finish=delivery.dwm_finish,
    ),
    "dream2flow": StageWriter(
        (
            Step("dream2flow-preparation-job", delivery.dream2flow, "dream2flow_execution"),
            Step("dream2flow-inference-job", delivery.dream2flow_inference, "dream2flow_inference_execution"),
        ),
        "dream2flow_failed",
        finish=delivery.dream2flow_finish,
    ),
}


def write_stage(folder: SceneFolder, name: str, *, local_runner: bool = False) -> None:
    """Make one stage from what lies in the bucket. `local_runner` adds the marker that only the local runner writes.

    Raises StageFailed, and KeyError for a stage that is not in the table.
    """
    writer = WRITERS[name]
    for step in writer.steps:
        step.write(folder)
    if writer.finish is not None:
        writer.finish(folder)
    if local_runner and writer.local_marker:
        workflow_marker(folder, writer.local_marker)


def step_of(job: str, env: dict[str, str]) -> tuple[str, Step] | None:
    """The stage and step that a Cloud Run job makes on its own; None for a job that makes no stage.

    `usd-assembly-job` converts with `CONVERT_ONLY` set and assembles without it, as it does in the pipeline.
    """
    found = [(name, step) for name, writer in WRITERS.items() for step in writer.steps if step.job == job]
    if len(found) > 1:
        converting = env.get("CONVERT_ONLY", "").lower() in {"1", "true", "yes"}
        return found[0] if converting else found[-1]
    return found[0] if found else None
