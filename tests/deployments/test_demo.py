"""`remediate demo` tells the truth: its exit code is 1 when the scene is not whole."""

from __future__ import annotations

import io

from rich.console import Console

from deployments.demo import NEIGHBOUR, SCENE, play
from tests.deployments.world import EXPORT, RunningStack


def test_a_demo_whose_rerun_makes_rubbish_fails_and_says_so(stack: RunningStack) -> None:
    rubbish = {"workflow": EXPORT, "scene_id": SCENE, "kind": "corrupt_output", "output": "geniesim/scene_graph.json"}
    stack.control("POST", "simulator", rubbish)
    said = io.StringIO()
    code = play(stack, Console(file=said, width=200))  # type: ignore[arg-type]
    stack.control("DELETE", "simulator")
    assert code == 1, said.getvalue()
    assert f"{SCENE} is NOT whole; {NEIGHBOUR} is untouched." in said.getvalue()
    assert f"recover {SCENE} (apply): {SCENE}: failed" in said.getvalue()
