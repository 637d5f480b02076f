"""Pods, Genie Sim, dead letters: what is a fault, what is none, and how much is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import TemporaryError
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.diagnosis import genie_sim
from tasks.diagnosis.signs import utc
from tasks.diagnosis.world import World
from tests.diagnosis.faults_deployed import pod
from tests.diagnosis.world import DATA, SIMREADY, bad_image, diagnosed, only, put, rows, scene
from tests.simulator_outage.world import deploy_server

# Pods


@pytest.mark.parametrize(
    ("state", "minutes", "told"),
    [
        ("pending", 15, ["gpu-pending"]),
        ("pending", 5, []),  # a node may still come
        ("running", 600, []),
        ("succeeded", 15, []),
        ("failed", 15, []),  # whoever started it says why
        ("oom_killed", 15, ["out-of-memory-pod"]),
    ],
)
def test_of_a_pod(
    sandbox: Sandbox, environment: PipelineEnvironment, state: Any, minutes: float, told: list[str]
) -> None:
    pod(state, minutes)(sandbox, environment)
    assert rows(diagnosed(environment)) == told


def test_a_pod_of_another_scene_than_those_named_is_not_told(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    pod("pending", 15)(sandbox, environment)
    scene(sandbox, "office-1")
    assert rows(diagnosed(environment, "office-1")) == []
    cause = only(diagnosed(environment), "gpu-pending")
    assert "Insufficient nvidia.com/gpu" in cause.sentence
    assert cause.remedy.startswith("kubectl -n blueprint describe pod geniesim-gpu-kitchen-1-1-")


def test_an_installation_without_a_cluster_has_no_pods(environment: PipelineEnvironment) -> None:
    environment.cluster.enabled = False
    found = diagnosed(environment)
    assert (found.causes, found.unknown) == ([], [])


def test_pods_are_listed_once_for_all_rows(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    sandbox.requests.reset()
    diagnosed(environment)
    assert sum(count for name, count in sandbox.requests.snapshot().items() if name.startswith("kubernetes")) == 1


# Genie Sim


def test_a_server_without_a_health_service_is_a_note_and_no_fault(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.genie_sim.switch("unimplemented")
    found = diagnosed(environment)
    assert (found.causes, found.unknown) == ([], [])
    assert any(one.startswith("Whether Genie Sim is ready cannot be told") for one in found.notes)


def test_one_lost_answer_is_no_outage(
    sandbox: Sandbox, environment: PipelineEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.genie_sim.switch("not_serving")
    monkeypatch.setattr(genie_sim.time, "sleep", lambda _: sandbox.genie_sim.switch("serving"))
    assert rows(diagnosed(environment)) == []


def test_when_genie_sim_went_is_told_by_its_pods_and_unknown_without_any(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    sandbox.record.genie_sim_down()
    assert only(diagnosed(environment), "genie-sim-down").since is None
    sandbox.genie_sim.switch("serving")
    deploy_server(sandbox)
    sandbox.record.genie_sim_down()
    went = sandbox.genie_sim.since.replace(microsecond=0)
    cause = only(diagnosed(environment), "genie-sim-down")
    assert cause.since == went
    assert cause.evidence[1] == f"Kubernetes has none of its pods ready since {utc(went)}"


def test_a_cluster_that_cannot_be_asked_hides_no_outage(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    deploy_server(sandbox)
    sandbox.record.genie_sim_down()
    sandbox.faults.add(FaultRule(service="kubernetes", kind="status", status=403))
    found = diagnosed(environment)
    assert [(one.row, one.since) for one in found.causes] == [("genie-sim-down", None)]
    assert any("pods" in one for one in found.unknown)


# Dead letters


def letter(job: str = "regen3d", scene_id: str = "kitchen-1") -> dict[str, Any]:
    return {
        "message_id": "m",
        "scene_id": scene_id,
        "job_type": job,
        "error_type": "ValueError",
        "error_message": "bad",
    }


def test_letters_are_told_by_job_with_the_newest_ones(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    for number in range(4):
        put(sandbox, f"dead-letter/pending/a-{number}.json", letter())
    put(sandbox, "dead-letter/pending/b.json", letter("dwm-inference-job"))
    first, second = diagnosed(environment).causes
    assert {first.row, second.row} == {"dead-letters-grow"}
    mine = next(one for one in (first, second) if "regen3d" in one.subject)
    assert mine.sentence.startswith("4 messages of regen3d in dead-letter/pending/ since ")
    assert len(mine.evidence) == 3
    assert mine.evidence[-1].endswith(": kitchen-1: ValueError: bad")


@pytest.mark.parametrize("data", [b"{", b"[]", b"", b'{"job_type": 7}'])
def test_a_letter_that_cannot_be_read_still_counts(
    sandbox: Sandbox, environment: PipelineEnvironment, data: bytes
) -> None:
    sandbox.store.put(DATA, "dead-letter/pending/x.json", data, quiet=True)
    assert only(diagnosed(environment), "dead-letters-grow").subject == "dead letters of a job that is not named"


def test_old_letters_are_no_news_and_those_elsewhere_are_settled(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    old = datetime.now(UTC) - timedelta(days=3)
    sandbox.store.put(DATA, "dead-letter/pending/old.json", b"{}", at=old, quiet=True)
    put(sandbox, "dead-letter/resolved/x.json", letter())
    assert rows(diagnosed(environment)) == []


def test_letters_of_a_job_with_a_bad_image_come_of_it(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    for name in ("image-1", "image-2"):
        scene(sandbox, name)
    bad_image(sandbox, environment, ["image-1", "image-2"])
    put(sandbox, "dead-letter/pending/x.json", letter(SIMREADY, "image-1"))
    cause = only(diagnosed(environment), "bad-image")
    assert any("dead-letter/pending/" in one for one in cause.consequences)


def test_only_the_newest_letters_are_read_and_each_only_so_far(
    sandbox: Sandbox, environment: PipelineEnvironment
) -> None:
    def reads() -> int:
        sandbox.requests.reset()
        diagnosed(environment)
        return sandbox.requests.count("storage", "objects.media")

    without = reads()
    for number in range(60):
        put(sandbox, f"dead-letter/pending/{number:02}.json", letter() | {"original_payload": "x" * 1000})
    assert reads() - without == 20


# The end


def test_a_diagnosis_that_is_over_asks_nothing_more(sandbox: Sandbox, environment: PipelineEnvironment) -> None:
    world = World(environment, 24.0)
    world.close()
    sandbox.requests.reset()
    for ask in (world.triggers, world.log, lambda: world.report("a"), world.go_on):
        with pytest.raises(TemporaryError, match="over"):
            ask()
    assert sandbox.requests.snapshot() == {}
