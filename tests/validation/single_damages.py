"""Random single damages of healthy scenes of both states of the pipeline, in memory.

By hand, over as many seeds as wanted: `python -m tests.validation.single_damages 300`.
"""

from __future__ import annotations

import ast
import posixpath
import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from blocks.catalogue import Catalogue
from blocks.trial_scene import Kind
from deployments.sandbox.pipeline.scenes import LINE, make_scene, make_text_scene
from deployments.sandbox.storage.store import ObjectStore
from tasks.validation.findings import SceneReport
from tasks.validation.scene import validate_scene
from tests.validation.scene_builder import MemorySource, Scene

How = Literal["delete", "truncate", "flip", "empty", "page"]
HOWS: Final[tuple[How, ...]] = ("delete", "truncate", "flip", "empty", "page")
KINDS: Final[tuple[Kind, ...]] = ("kitchen", "office", "warehouse")
PAGE = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body></body></html>\n"
FLIPPED_BYTES = 4
SOME_RUNS_ONLY = (
    "simready-job/quality_gate_report.json", "genie-sim-export-job/quality_gate_report.json", "config/run_config.json",
)  # fmt: skip
"""The pipeline's own runs leave these out, so a lost one cannot be told from one that was never written."""
ONLY_TRACE = "training/checkpoint.json"
"""All that training leaves: a scene without it is one that was never trained on."""


@dataclass(frozen=True)
class Damage:
    """One object of one healthy scene, and what is done to it."""

    from_text: bool
    kind: Kind
    objects: int
    path: str
    how: How

    @property
    def hidden(self) -> bool:
        """Whether nothing in a scene can show it."""
        name = posixpath.basename(self.path)
        match self.how:
            case "delete":
                alone = self.objects == 1 and name == "material.json"
                return alone or self.path.endswith((ONLY_TRACE, *SOME_RUNS_ONLY))
            case "truncate":  # the beginning of a text is a text, that of a script often one
                data = whole(self.from_text, self.kind, self.objects)[0][self.path]
                return name.endswith((".md", ".txt")) or (name.endswith(".py") and _is_script(data[: len(data) // 2]))
            case "empty":  # as most packages of Python have it
                return name == "__init__.py"
            case _:
                return False

    def done_to(self, scene: Scene) -> None:
        """Do it."""
        data = scene[self.path]
        if self.how == "delete":
            del scene[self.path]
        elif self.how == "truncate":
            scene[self.path] = data[: len(data) // 2]
        elif self.how == "flip":
            middle = len(data) // 2
            flipped = bytes(byte ^ 0xFF for byte in data[middle : middle + FLIPPED_BYTES])
            scene[self.path] = data[:middle] + flipped + data[middle + FLIPPED_BYTES :]
        else:
            scene[self.path] = b"" if self.how == "empty" else PAGE


def _is_script(data: bytes) -> bool:
    try:
        return bool(data.strip()) and compile(data, "a script", "exec", ast.PyCF_ONLY_AST) is not None
    except SyntaxError:
        return False


@lru_cache(maxsize=64)
def whole(from_text: bool, kind: Kind, objects: int) -> tuple[Scene, Catalogue]:
    """A healthy scene of every stage."""
    store = ObjectStore()
    store.create_bucket("b")
    make = make_text_scene if from_text else make_scene
    folder = make(store, "b", "s", kind, objects=objects, upto=LINE[-1])
    return {path: folder.find(path) or b"" for path in folder.paths()}, folder.catalogue


@lru_cache(maxsize=64)
def told_of_whole(from_text: bool, kind: Kind, objects: int) -> frozenset[tuple[str, str, str]]:
    """What is told of the same scene before it is damaged."""
    scene, catalogue = whole(from_text, kind, objects)
    return told(validate_scene(MemorySource(scene, scene_id="s"), catalogue))


def told(report: SceneReport) -> frozenset[tuple[str, str, str]]:
    """Everything that counts as seen: errors and warnings."""
    grave = (found for found in report.findings if found.severity in ("error", "warning"))
    return frozenset((found.severity, found.code, found.object) for found in grave)


def random_damage(seed: int) -> Damage:
    """A damage that a scene can show; equal seeds give equal damages."""
    dice = random.Random(seed)
    while True:
        from_text, kind, objects = dice.random() < 0.5, dice.choice(KINDS), dice.randint(1, 3)
        path = dice.choice(sorted(whole(from_text, kind, objects)[0]))
        damage = Damage(from_text, kind, objects, path, dice.choice(HOWS))
        if not damage.hidden:
            return damage


def seen(damage: Damage) -> frozenset[tuple[str, str, str]]:
    """What is told of the damaged scene that was not told of the whole one."""
    scene, catalogue = whole(damage.from_text, damage.kind, damage.objects)
    hurt = dict(scene)
    damage.done_to(hurt)
    report = validate_scene(MemorySource(hurt, scene_id="s"), catalogue)
    return told(report) - told_of_whole(damage.from_text, damage.kind, damage.objects)


def main(seeds: Iterable[int]) -> None:
    """Write the damages that are not seen, and how many are."""
    drawn = [random_damage(seed) for seed in seeds]
    unseen = [damage for damage in drawn if not seen(damage)]
    sys.stdout.writelines([*(f"{damage}\n" for damage in unseen), f"{len(drawn) - len(unseen)} of {len(drawn)} seen\n"])


if __name__ == "__main__":
    main(range(int(sys.argv[1])))
