"""Where the simulation runs: the Genie Sim server, and the cluster of the GPU Jobs."""

from __future__ import annotations

import re
from itertools import islice

from tasks.doctor.cluster_traps import judge_traps
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.pipeline.deployed import Deployed
from tasks.remediation.report import counted, listed

MOST_SCENES = 1000
"""Scenes whose ids are looked at: one page of a listing."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")

DOWN = Code(
    "genie-sim-down",
    "error",
    "A stage that needs the simulator fails after its retries, and a recovery of it is refused beforehand.",
    "Start the server, or correct its address in the environment block.",
)
NOT_SERVING = Code(
    "genie-sim-not-serving",
    "warning",
    "The server can be reached and says that it is loading or failing, or it hangs: simulations wait or fail.",
    "Wait until it has loaded (two minutes); then restart it, unless its client is just restarting it.",
)
NO_HEALTH = Code(
    "genie-sim-without-health",
    "note",
    "The server has no gRPC health service: nobody can tell a server that hangs from one that is well.",
    "Nothing. Do not probe it with calls of its own: a server without a robot crashes on them.",
)
CLUSTER_OFF = Code(
    "cluster-off",
    "note",
    "GPU Jobs at work on a scene are not seen, so nothing waits for them.",
    "Turn the cluster block on if this installation has a cluster.",
)
SCENE_NAMES = Code(
    "scene-id-not-for-kubernetes",
    "warning",
    "Workflows put the scene's id into the names of Kubernetes Jobs as it is, and the cluster refuses names with '_' or "
    "capitals (422): the GPU stage of such a scene cannot be started, unless your workflows change the name.",
    "Give new scenes ids of a-z, 0-9 and '-', or let the workflow replace the other characters in the Job's name.",
)
CODES = (SCENE_NAMES, DOWN, NOT_SERVING, NO_HEALTH, CLUSTER_OFF)
_CODE_OF = {"down": DOWN, "not_serving": NOT_SERVING, "unknown": NO_HEALTH}


def look_at_genie_sim(deployed: Deployed, look: Look) -> None:
    """Whether the server says that it is well."""
    block = deployed.environment.genie_sim
    health = block.check()
    code = _CODE_OF.get(health.state)
    if code is None:
        look.good += 1
    else:
        look.say(code, block.address, f"Genie Sim: {health.detail}")


def look_at_cluster(deployed: Deployed, look: Look) -> None:
    """Whether the Jobs of the namespace can be listed."""
    block = deployed.environment.cluster
    off = not block.enabled
    if not look.judge(CLUSTER_OFF, "cluster", "The cluster block is turned off.", off):
        with look.asking(block.namespace):
            block.jobs()
            look.good += 1
        with look.asking(deployed.environment.data_bucket):
            judge_scene_ids(deployed, look)
        judge_traps(deployed, look)


def judge_scene_ids(deployed: Deployed, look: Look) -> None:
    """Whether Jobs can be named after the scenes (RFC 1123), as far as the first thousand show."""
    root = deployed.catalogue.scene_root.partition("{")[0]
    folders = islice(deployed.environment.storage.prefixes(deployed.environment.data_bucket, root), MOST_SCENES)
    ids = [one.removeprefix(root).rstrip("/") for one in folders]
    wrong = [one for one in ids if not _NAME.fullmatch(one)]
    said = f"{counted(len(wrong), 'scene')} cannot be part of a Job's name: {listed(wrong)}."
    look.judge(SCENE_NAMES, "scenes", said, wrong)
