"""A Job that was created is looked at until its pod runs, or says why it does not."""

from __future__ import annotations

import time

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.gke_manifests import Json, containers
from blocks.gke_pods import PodInfo
from tasks.gpu_job.facts import Seen
from tasks.remediation.procedure import Verdict
from tasks.remediation.run import Run

RUNS_SECONDS = 600.0
"""How long its pod is waited for: a node that the autoscaler brings, and the pull of an image of many gigabytes."""
STARTING = ("", "ContainerCreating", "PodInitializing")
"""Reasons of a container that is only not ready yet (Kubernetes, `kubelet`); any other one does not pass by itself."""


def seen_now(environment: PipelineEnvironment, name: str) -> Seen:
    """The Job, the newest of its pods, and why it has none."""
    job = environment.cluster.workloads.job(name)
    pods = environment.cluster.pods_of(name)
    return Seen(job, pods[-1]) if pods else Seen(job, why=why_none(environment, name))


def why_none(environment: PipelineEnvironment, name: str) -> str:
    """What the Job's controller says of pods that it could not make (`FailedCreate`)."""
    try:
        events = [one for one in environment.cluster.capacity.events("FailedCreate") if one.name == name]
    except OutsideError as error:
        return f"why is not known: {error}"
    return events[-1].message if events else "its controller has made none yet"


def settled(run: Run, name: str) -> Seen:
    """Look until the Job has ended, its pod runs, or a container says what it cannot pass; no longer than the limit."""
    environment, began = run.context.environment, time.monotonic()
    limit = RUNS_SECONDS if environment.policy.wait_seconds is None else environment.policy.wait_seconds
    while True:
        seen, waited = seen_now(environment, name), time.monotonic() - began
        if waited > limit or is_settled(seen):
            return seen
        run.check(goes_on=True)  # looking changes nothing, so only a lost lease ends it
        run.context.say(f"{run.subject}: its Job {name}: running for {waited:.0f} s of at most {limit:.0f} s")
        time.sleep(environment.policy.poll_seconds)


def is_settled(seen: Seen) -> bool:
    """Whether waiting would show nothing new."""
    if seen.job is None or seen.job.state != "active":
        return True
    return seen.pod is not None and (seen.pod.phase != "Pending" or is_stuck(seen.pod))


def is_stuck(pod: PodInfo) -> bool:
    """Whether a pod that has its node says what it cannot pass, as in `CreateContainerConfigError`."""
    return bool(pod.node) and pod.phase == "Pending" and pod.waits.partition(":")[0] not in STARTING


def verdict(seen: Seen, name: str, wanted: Json) -> Verdict:
    """What became of a Job: `done` when its pod has a node, `partial` while it has none, `failed` when it cannot run."""
    if seen.job is None:
        return Verdict("failed", (f"There is no Job {name} any more: somebody has deleted it.",))
    if seen.job.state == "failed":
        why = f" ({seen.pod.killed})" if seen.pod is not None and seen.pod.killed else ""
        return Verdict("failed", (f"Job {name} has failed{why}; look at its log: kubectl logs job/{name}",))
    if other := other_image(seen, wanted):
        return Verdict("failed", (f"Job {name} does not run the image that was wanted: {other}",))
    if seen.pod is None:
        return Verdict("partial", (f"Job {name} is there and has no pod: {seen.why}",)) if active(seen) else Verdict()
    if is_stuck(seen.pod):
        return Verdict("failed", (f"Pod {seen.pod.name} of Job {name} cannot start: {seen.pod.waits}",))
    if not seen.pod.node:
        why = f"Pod {seen.pod.name} of Job {name} has no node: {seen.pod.waits or 'nothing says why'}"
        return Verdict("partial", (why, "It stays, and runs when there is room; see remediate gpu status."))
    return Verdict()


def active(seen: Seen) -> bool:
    """Whether the Job is to make pods."""
    return seen.job is not None and seen.job.state == "active"


def other_image(seen: Seen, wanted: Json) -> str:
    """The first container whose image is another than was wanted, or was pulled by another digest; empty: none."""
    if seen.job is None:
        return ""
    live = {str(one["name"]): str(one["image"]) for one in containers(seen.job.manifest["spec"]["template"])}
    for one in containers(wanted["spec"]["template"]):
        name, image = str(one["name"]), str(one["image"])
        ran, digest = seen.job.ran.get(name, ""), image.partition("@")[2]
        if live.get(name) != image:
            return f"container {name} has {live.get(name, 'none')} and not {image}."
        if digest and ran and not ran.endswith(digest):
            return f"container {name} was to run {image} and runs {ran}."
    return ""
