"""What a rule may ask of the world before anything is started. Read-only; each fact is asked when the event is handled.

`ASKS` give further values; `CHECKS` end the event when they are true. Both raise what blocks raise: `TemporaryError`
means that nothing is known now, and then nothing is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from blocks.catalogue import SCENE_ID
from blocks.environment import PipelineEnvironment
from blocks.errors import NotFound
from deployments.receiver.places import Places
from tasks.pipeline.activity import scene_of_argument
from tasks.pipeline.stops import scene_stops

Values = Mapping[str, str]


class NothingToDo(Exception):
    """The event ends here: `word` is counted and listed, the message says what was seen."""

    def __init__(self, word: str, sentence: str) -> None:
        super().__init__(sentence)
        self.word = word


@dataclass(frozen=True)
class Ask:
    """A question whose answer is further values."""

    needs: tuple[str, ...]
    gives: tuple[str, ...]
    answer: Callable[[PipelineEnvironment, Values], dict[str, str]]


@dataclass(frozen=True)
class Check:
    """A question that, answered with a sentence, ends the event."""

    needs: tuple[str, ...]
    answer: Callable[[PipelineEnvironment, Values], str]
    """Empty: it is not so."""


def scene_of_workflow(environment: PipelineEnvironment, values: Values) -> dict[str, str]:
    """The scene that a failed execution worked on, from its argument, and the stages it makes."""
    place = f"projects/{environment.workflows.project}/locations/{values['location']}"
    name = f"{place}/workflows/{values['workflow']}/executions/{values['execution']}"
    try:
        execution = environment.workflows.execution(name)
    except NotFound as missing:
        raise NothingToDo("gone", f"There is no execution {name}.") from missing
    scene_id = scene_of_argument(execution, environment)
    if scene_id is None or not SCENE_ID.fullmatch(scene_id):
        raise NothingToDo("no_scene", f"{name} worked on no scene of {environment.data_bucket}.")
    stages = environment.catalogue.workflows[values["workflow"]].stages
    return {"scene_id": scene_id, "stages": ", ".join(stages) or "unknown"}


def scene_of_job(environment: PipelineEnvironment, values: Values) -> dict[str, str]:
    """The scene that a failed execution of a Cloud Run job worked on; "unknown" when it names none."""
    place = f"projects/{environment.jobs.project}/locations/{values['location']}"
    try:
        execution = environment.jobs.execution(f"{place}/jobs/{values['job']}/executions/{values['execution']}")
    except NotFound:
        return {"scene_id": "unknown"}
    scene_id = execution.env.get("SCENE_ID", "")
    return {"scene_id": scene_id if SCENE_ID.fullmatch(scene_id) else "unknown"}


def gone(environment: PipelineEnvironment, values: Values) -> str:
    """Whether the object that was written is not there any more, or is another generation by now."""
    stored = environment.storage.stat(values["bucket"], values["name"])
    what = f"gs://{values['bucket']}/{values['name']}"
    if stored is None:
        return f"{what} is not there any more."
    if str(stored.generation) != values["generation"]:
        return (
            f"{what} has been written again: it is generation {stored.generation} now, which has an event of its own."
        )
    return ""


def stopped(environment: PipelineEnvironment, values: Values) -> str:
    """Whether a person, or the pipeline itself, has stopped work on these stages of the scene."""
    stages = set(values["stages"].split(", "))
    found = scene_stops(environment, Places(environment, values["scene_id"]), ())
    return next((stop.sentence for stop in found if stop.stops(stages)), "")


ASKS = {
    "scene_of_workflow": Ask(("location", "workflow", "execution"), ("scene_id", "stages"), scene_of_workflow),
    "scene_of_job": Ask(("location", "job", "execution"), ("scene_id",), scene_of_job),
}
CHECKS = {
    "gone": Check(("bucket", "name", "generation"), gone),
    "stopped": Check(("scene_id", "stages"), stopped),
}
