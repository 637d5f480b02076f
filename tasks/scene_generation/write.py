"""The action `write_generated`: one file of a synthetic reconstruction, where nothing is."""

from __future__ import annotations

from blocks.catalogue_query import is_trial
from blocks.errors import PermanentError, PreconditionFailed
from blocks.trial_scene import Kind as Room
from blocks.trial_scene import Reconstruction
from tasks.actions.objects import live_object, within
from tasks.remediation.kind import Doing, Kind, NoWayBack, Params
from tasks.remediation.plan import Action

TAG = "generated"
"""Metadata of what is synthetic: of which scene it is a part."""


def tag_of(kind: str, objects: int, seed: int) -> str:
    """What the metadata says; equal ones are of equal scenes."""
    return f"{kind}, {objects} objects, seed {seed}"


class WriteGenerated(Params):
    """One file of a synthetic reconstruction."""

    name: str
    path: str
    kind: Room
    objects: int
    seed: int = 0


def apply_write(doing: Doing, params: WriteGenerated) -> str:
    """Create it where nothing is; a part of the same scene that is there already is left alone.

    Raises:
        PreconditionFailed: something else is there by now.
        PermanentError: the id is no trial's.
    """
    environment, subject = doing.context.environment, doing.journal.subject
    within(doing, params.name)
    if not is_trial(environment.catalogue, subject):
        raise PermanentError(
            f"{subject} is no trial's id by the catalogue's test_scene_ids; nothing synthetic goes there."
        )
    begun = doing.journal.begun_at.isoformat().replace("+00:00", "Z")
    files = Reconstruction(subject, params.kind, params.objects, params.seed).files(begun)
    kind = "model/gltf-binary" if params.path.endswith(".glb") else "application/json"
    tag = {"remediation-run": doing.journal.run, TAG: tag_of(params.kind, params.objects, params.seed)}
    try:
        environment.storage.create(
            environment.data_bucket, params.name, files[params.path], metadata=tag, content_type=kind
        )
    except PreconditionFailed:
        live = live_object(doing, params.name)
        if live is None or live.metadata.get(TAG) != tag[TAG]:
            raise
        return "already there"
    return "written"


def look_written(doing: Doing, params: WriteGenerated) -> str | None:
    """Whether this run has written it."""
    live = live_object(doing, params.name)
    return "found there" if live is not None and live.metadata.get("remediation-run") == doing.journal.run else None


def no_way_back(doing: Doing, params: WriteGenerated, _result: str) -> Action | None:
    """Inputs of a scene are never deleted here, not even a trial's."""
    environment = doing.context.environment
    where = f"gs://{environment.data_bucket}/{environment.catalogue.scene_prefix(doing.journal.subject)}"
    raise NoWayBack(f"Inputs are never deleted; to remove the whole trial: gcloud storage rm -r {where}")


write_generated = Kind(
    name="write_generated",
    params=WriteGenerated,
    effect="write",
    apply=apply_write,
    look=look_written,
    inverse=no_way_back,
    task="generate_scene",
)
