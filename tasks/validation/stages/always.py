"""What stages always leave besides what their readers need: a lost one is told, and is no reason to do anything.

A warning, never an error: no stage is broken by it, nothing is rerun or deleted for it. Nothing is asked for of a stage
that nothing says was completed, of what the pipeline's retention has removed, or where the listing was cut short.
"""

from __future__ import annotations

from blocks.catalogue_query import expand, expected_outputs
from tasks.validation.documents.manifest import Manifest
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.stages.markers import Markers
from tasks.validation.stages.stages import Line, has_run_after, is_there, ran_locally


def check_always(view: SceneUnderTest, markers: Markers, line: Line, manifest: Manifest) -> None:
    """Report outputs and markers of completed stages that no job asks for and every run writes."""
    for name, stage in view.catalogue.stages.items():
        completed = markers.of(name) or has_run_after(view, line, name)
        if name not in line.ran or name in line.mock | line.unfinished or not completed:
            continue
        locally = ran_locally(view, line, name)
        for output in expected_outputs(stage, locally=locally, required=False):
            for path in expand(output.path, manifest.foreground(), line.job_id):  # the room itself has none of its own
                if not is_there(view, path) and not view.expired(path, name):
                    message = f"{path} is not there, though every run of {name} writes it."
                    view.add("output-not-there", path, message, stage=name)
        if view.deep and not locally:  # else the job's record was not read, and the run may be a mock one
            _followers(view, markers, name)


def _followers(view: SceneUnderTest, markers: Markers, name: str) -> None:
    """Markers that the cloud writes after another one of the same stage."""
    for marker, kind in view.catalogue.markers.items():
        if kind.follows not in view.catalogue.stages[name].markers or not markers.has(kind.follows):
            continue
        path = kind.paths[0]
        if not markers.has(marker) and view.absent(path) and not view.expired(path, name):
            first = view.catalogue.markers[kind.follows].paths[0]
            message = f"{path} is not there, though {first} is: the next event starts the same work again."
            view.add("marker-not-followed", path, message)
