"""Whose a GPU Job is: the scene that its label names, else the one that its name may stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from blocks.gke_manifests import ClusterJob

SCENE_LABEL = "scene-id"
"""By which the pipeline's GPU Jobs name their scene; a name of Kubernetes cannot hold every id."""


def scene_of(job: ClusterJob, families: Iterable[str], scenes: Iterable[str]) -> str:
    """Which of these scenes a Job is of, by its label, else by its name; empty: of none."""
    label, named = job.labels.get(SCENE_LABEL, ""), scene_in_name(job.name, families)
    return next((one for one in scenes if (one == label if label else plain(one) == plain(named))), "")


def scene_in_name(name: str, families: Iterable[str]) -> str:
    """The part of a Job's name that stands for its scene: `<family><scene>-<epoch>`."""
    head = next((one for one in families if name.startswith(one)), "")
    return name.removeprefix(head).rpartition("-")[0]


def plain(scene: str) -> str:
    """A scene's id as a name of Kubernetes may hold it."""
    return re.sub(r"[^a-z0-9]+", "-", scene.lower()).strip("-")
