"""Which shortage it is: each class in many worlds, and no world without one is called short of GPUs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks.compute_quotas import QuotaInfo
from blocks.gke_capacity import ACCELERATOR, EventInfo
from tasks.gpu_capacity.classes import SHORTAGES, WORDS, Shortage
from tasks.gpu_capacity.classify import classify, exhausted
from tasks.gpu_capacity.facts import fits
from tests.gpu_capacity.injected import INJECTED, stocked_out
from tests.gpu_capacity.made_up import AT, ago, healthy, node, noise


def test_every_class_is_explained_and_injected() -> None:
    assert set(WORDS) == set(SHORTAGES) == set(INJECTED)
    assert len(SHORTAGES) == 9


@pytest.mark.parametrize("kind", SHORTAGES)
def test_an_injected_shortage_is_the_first_that_is_told_in_twenty_worlds(kind: Shortage) -> None:
    for seed in range(20):
        made = healthy(seed)
        INJECTED[kind](made)
        first = classify(made.facts())[0]
        assert first.kind == kind, (seed, first)
        assert all(len(one) > 10 for one in first.evidence), (seed, first.evidence)
        assert first.blocks or kind == "scaled_to_zero", seed


@pytest.mark.parametrize("kind", [one for one in SHORTAGES if one != "scaled_to_zero"])
def test_an_injected_shortage_is_found_in_the_noise_too(kind: Shortage) -> None:
    for seed in range(100, 120):
        made = healthy(seed)
        INJECTED[kind](made)
        noise(made)
        assert kind in {one.kind for one in classify(made.facts()) if one.blocks}, seed


def test_none_of_a_hundred_healthy_or_idle_worlds_is_called_short_of_gpus() -> None:
    idle = 0
    for seed in range(100):
        made = healthy(1000 + seed)
        noise(made)
        found = classify(made.facts())
        assert not exhausted(found), (seed, found)
        assert {one.kind for one in found} <= {"scaled_to_zero"}, (seed, found)
        idle += any(one.kind == "scaled_to_zero" for one in found)
    assert 5 < idle < 95, "some are idle and some are not"


def test_the_evidence_names_the_pod_the_event_and_the_figure() -> None:
    made = healthy(3)
    INJECTED["compute_quota"](made)
    (found,) = (one for one in classify(made.facts()) if one.kind == "compute_quota")
    said = " ".join(found.evidence)
    assert made.waiting[0].name in said
    assert "Quota NVIDIA_T4_GPUS of us-central1" in said
    assert found.pods == (made.waiting[0].name,)


def test_a_broken_node_that_nobody_waits_for_is_told_and_is_no_shortage() -> None:
    made = healthy(2)
    made.change(nodes=(node("gpu-pool", 1, ready=False, since=ago(30)),))
    (found,) = classify(made.facts())
    assert (found.kind, found.blocks) == ("node_broken", False)
    assert "not ready since 11:30 UTC" in found.evidence[0]


def test_a_used_up_quota_is_no_shortage_while_nothing_waits() -> None:
    made = healthy(5)
    made.compute = [QuotaInfo("NVIDIA_T4_GPUS", "us-central1", 4, 4)]
    assert not exhausted(classify(made.facts()))


def test_what_could_not_be_looked_at_is_unknown_and_not_missing() -> None:
    made = healthy(6)
    made.unseen = ["Could not list the GPU nodes: permission denied."]
    assert ("unknown", False) in [(one.kind, one.blocks) for one in classify(made.facts())]


def test_a_pod_that_was_refused_a_node_and_is_getting_one_now_is_not_short() -> None:
    made = healthy(7)
    stocked_out(made)
    name = made.waiting[0].name
    made.events.append(EventInfo(ago(1), "Pod", name, "TriggeredScaleUp", "pod triggered scale-up"))
    assert name not in {pod for one in classify(made.facts()) for pod in one.pods}


def test_several_pods_that_wait_for_the_same_are_one_finding() -> None:
    made = healthy(8)
    INJECTED["pool_at_maximum"](made)
    made.wait(made.pod(9))
    found = [one for one in classify(made.facts()) if one.kind == "pool_at_maximum"]
    assert len(found) == 1
    assert len(found[0].pods) == 2


def test_shortages_of_different_kinds_are_all_told_and_what_blocks_comes_first() -> None:
    made = healthy(9)
    INJECTED["pool_at_maximum"](made)
    INJECTED["namespace_quota"](made)
    kinds = [one.kind for one in classify(made.facts())]
    assert kinds[:2] == ["namespace_quota", "pool_at_maximum"]


def test_a_quota_that_is_free_again_is_no_shortage_any_more() -> None:
    made = healthy(10)
    INJECTED["namespace_quota"](made)
    made.quotas = [replace(one, used=one.hard - 1) for one in made.quotas]
    assert not exhausted(classify(made.facts()))


@pytest.mark.parametrize(
    ("selector", "tolerates", "taint", "gpus", "fine"),
    [
        ({}, (), ("nvidia.com/gpu", "present"), 1, True),
        ({ACCELERATOR: "nvidia-tesla-t4"}, (), ("nvidia.com/gpu", "present"), 1, True),
        ({ACCELERATOR: "nvidia-l4"}, (), ("nvidia.com/gpu", "present"), 1, False),
        ({"node_type": "gpu"}, (), ("nvidia.com/gpu", "present"), 1, True),
        ({"kubernetes.io/os": "linux"}, (), ("nvidia.com/gpu", "present"), 1, True),
        ({"team": "a"}, (), ("nvidia.com/gpu", "present"), 1, False),
        ({}, (), ("github-actions", "ci"), 1, False),
        ({}, (("github-actions", "ci"),), ("github-actions", "ci"), 1, True),
        ({}, (("github-actions", "x"),), ("github-actions", "ci"), 1, False),
        ({}, (("", "*"),), ("github-actions", "ci"), 1, True),
        ({}, (), ("nvidia.com/gpu", "present"), 2, False),
    ],
)
def test_a_pod_fits_a_pool_by_labels_taints_and_gpus(
    selector: dict[str, str], tolerates: tuple[tuple[str, str], ...], taint: tuple[str, str], gpus: int, fine: bool
) -> None:
    made = healthy(11)
    pool = made.change(nodes=(), taints=(taint,), accelerator="nvidia-tesla-t4")
    pod = replace(made.pod(5, selector=selector, gpus=gpus), tolerates=tolerates)
    assert fits(pod, pool) is fine
    assert made.facts().at == AT
