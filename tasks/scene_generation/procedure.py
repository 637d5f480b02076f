"""Generate a scene for trials: a synthetic reconstruction in the data bucket, where nothing is and only under a trial's id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from blocks.catalogue_query import fan_out, is_trial
from blocks.errors import PermanentError
from blocks.trial_scene import Kind, Reconstruction
from tasks.pipeline.scene_view import scene_view
from tasks.remediation.context import Context
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import Action, Plan
from tasks.remediation.procedure import Procedure, Request, Verdict
from tasks.remediation.run import Run
from tasks.scene_generation.write import TAG, WriteGenerated, tag_of, write_generated
from tasks.validation.scene import validate_scene

MOST_OBJECTS = 200
"""Of one scene: about 800 objects in the bucket."""
SEEN = 3
"""So many objects that are there already are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateRequest(Request):
    """Which scene, and what is in it."""

    scene_id: str
    kind: Kind = "kitchen"
    objects: int = 8
    seed: int = 0

    def asked(self) -> dict[str, JsonValue]:
        """An interrupted run is only continued for the same scene."""
        return {"kind": self.kind, "objects": self.objects, "seed": self.seed}

    def tag(self) -> str:
        """By which the files of such a scene are known."""
        return tag_of(self.kind, self.objects, self.seed)


@dataclass(frozen=True, slots=True)
class Found:
    """What is in the scene's place."""

    ours: frozenset[str] = frozenset()
    """Files of the very scene that is asked for."""
    foreign: tuple[str, ...] = ()
    """The first few others."""


class GenerateScene(Procedure[GenerateRequest, Found]):
    """Handbook: 'Dataset export failure', regenerate samples; for trials only."""

    name = "generate-scene"
    kinds = (write_generated,)

    def subjects(self, context: Context, request: GenerateRequest) -> tuple[str, ...]:
        """The scene, whose id must be a trial's."""
        catalogue = context.environment.catalogue
        try:
            scene_view(context.environment, request.scene_id)
            Reconstruction(request.scene_id, request.kind, request.objects, request.seed)
        except (PermanentError, ValueError) as error:
            raise Refused(str(error)) from error
        if request.objects > MOST_OBJECTS:
            raise Refused(f"{request.objects} objects are too many for a trial; ask for {MOST_OBJECTS} at most.")
        if not is_trial(catalogue, request.scene_id):
            ids = ", ".join(catalogue.test_scene_ids) or "none"
            raise Refused(
                f"{request.scene_id} is no trial's id. Synthetic scenes get an id that fits the catalogue's "
                f"test_scene_ids ({ids})."
            )
        return (request.scene_id,)

    def observe(self, run: Run, request: GenerateRequest) -> Found:
        """What is there already, until something is seen that is of no such scene."""
        environment = run.context.environment
        prefix = environment.catalogue.scene_prefix(request.scene_id)
        ours, foreign = set(), []
        for found in environment.storage.list(environment.data_bucket, prefix):
            if found.metadata.get(TAG) == request.tag():
                ours.add(found.name)
                continue
            foreign.append(found.name)
            if len(foreign) == SEEN:
                break
        return Found(frozenset(ours), tuple(foreign))

    def plan(self, run: Run, facts: Found, request: GenerateRequest) -> Plan:
        """Every file of the reconstruction that is not there; nothing where another scene is."""
        catalogue, scene = run.context.environment.catalogue, request.scene_id
        plan = Plan(procedure=self.name, subject=scene, risk="low")
        if facts.foreign:
            why = f"{scene} is there already ({', '.join(facts.foreign)}): choose another id, or remove it first."
            return plan.model_copy(update={"escalations": (why,)})
        files = Reconstruction(scene, request.kind, request.objects, request.seed).files("")
        run.summary = f"a {request.kind} of {request.objects} objects, {len(files)} files"
        written = (self.write(run, path, len(data), request) for path, data in files.items())
        actions = tuple(action for action in written if action.target not in facts.ours)
        fires = sorted({name for path in files for name in fan_out(catalogue, path)}) if actions else []
        if fires:
            run.notes.append(f"Writing it starts what listens to every object: {', '.join(fires)}.")
        return plan.model_copy(update={"actions": actions})

    def write(self, run: Run, path: str, size: int, request: GenerateRequest) -> Action:
        """One file."""
        name = run.context.environment.catalogue.scene_prefix(request.scene_id) + path
        params = WriteGenerated(name=name, path=path, kind=request.kind, objects=request.objects, seed=request.seed)
        return write_generated.action(
            params, step="generate the scene", target=name, precondition="absent", undo="remove it by hand",
            why="part of a synthetic reconstruction", bytes=size,
        )  # fmt: skip

    def verify(self, run: Run, facts: Found | None) -> Verdict:
        """The scene as the pipeline will read it: nothing wrong with its inputs."""
        report = validate_scene(
            scene_view(run.context.environment, run.subject), run.context.environment.catalogue, "full"
        )
        wrong = [f"{found.object}: {found.message}" for found in report.findings if found.severity == "error"]
        if not wrong and report.healthy is None:
            wrong = [f"{report.undecided[0]} could not be read, so the scene is not proved whole."]
        return Verdict("failed", tuple(wrong[:SEEN])) if wrong else Verdict()

    def again(self, subject: str, asked: Mapping[str, JsonValue], reason: str) -> GenerateRequest:
        """The same scene."""
        same: dict[str, Any] = {name: asked[name] for name in ("kind", "objects", "seed") if name in asked}
        return GenerateRequest(scene_id=subject, mode="apply", reason=reason, **same)

    def in_force(self, run: Run) -> Iterable[str]:
        """What it has written before it failed."""
        if run.begun and run.done:
            yield f"A part of it is there: {len(run.done)} of {len(run.plan.actions) if run.plan else 0} files."
