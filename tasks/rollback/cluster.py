"""What runs in the cluster: a Deployment goes to a former revision, a GPU Job that has ended is created again.

A Deployment's target is what still serves, or what worked by its calls (`revisions.py`); else a person names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from blocks.environment import PipelineEnvironment
from blocks.gke_manifests import ClusterJob, Deployment, DeploymentRevision, containers
from blocks.gke_workloads import Workloads
from tasks.actions.definitions import Kept
from tasks.actions.gke_jobs import RecreateJob, manifest_of, recreate_action
from tasks.actions.rollouts import RollDeployment, roll_action, template_digest
from tasks.pipeline.image_names import shown
from tasks.remediation.outcome import Refused
from tasks.remediation.plan import canonical
from tasks.remediation.report import Section
from tasks.rollback.evidence import Ran, Version, with_record
from tasks.rollback.facts import STEP, Canary, Change, Facts, chosen, no_evidence
from tasks.rollback.images import former_versions, images_section, normalised, outside, version_id, version_of
from tasks.rollback.request import RollbackRequest
from tasks.rollback.revisions import with_evidence

MOST_FIELDS = 40
"""Changed fields that are shown; the templates themselves are kept in the ops bucket."""
NO_CANARY = Canary(why_not="A rollout that finishes is the proof; whether the new Pods do their work, its users see.")
RUNS_ITSELF = Canary(why_not="The Job itself runs again, and its end is the proof: look at it with `kubectl get job`.")


def workloads_of(environment: PipelineEnvironment) -> Workloads:
    """What runs in the cluster. Raises `Refused` where there is none."""
    if not environment.cluster.enabled:
        raise Refused(
            "This installation has no cluster (enabled is off in its cluster block), so nothing of it goes back."
        )
    return environment.cluster.workloads


def look_at_deployment(environment: PipelineEnvironment, request: RollbackRequest) -> Facts:
    """A Deployment, its kept revisions, and the way to the one that was named. Raises `Refused` when there is none."""
    cluster, workloads = environment.cluster, workloads_of(environment)
    live = workloads.deployment(request.name)
    if live is None:
        raise Refused(
            f"There is no Deployment {request.name} in namespace {cluster.namespace}; only newer pipelines have one at all."
        )
    present = Version(str(live.revision), revision_words(live.revision, live.template))
    kept = workloads.revisions(live)
    others = [one for one in kept if one.number != live.revision]
    bare = [Version(str(one.number), revision_words(one.number, one.template, one.cause)) for one in others]
    present, *seen = with_evidence(environment, live, kept, [present, *bare])
    former = tuple(seen)
    found = Facts(present, former, canary=NO_CANARY)
    if live.paused:
        return replace(
            found, escalations=(f"Deployment {live.name} is paused, so nothing of it is rolled out; resume it first.",)
        )
    target = chosen(request, (present, *former))
    if target is None:
        return replace(found, escalations=(unnamed(live.name, former),))
    wanted = next((one for one in others if target is not None and str(one.number) == target.id), None)
    notes = tuple(tags(wanted)) if wanted is not None else ()
    return replace(found, target=target, notes=notes, change=rollout(live, wanted) if wanted is not None else None)


def unnamed(name: str, former: tuple[Version, ...]) -> str:
    """Why a Deployment's target is not found: nothing tells which revision worked."""
    known = "; ".join(one.shown for one in former) or "none: the cluster has kept no other one"
    return (
        f"Nothing tells which revision of Deployment {name} worked (no Pods of a former one serve, and no execution that it "
        f"started has succeeded in the time of one), and none is guessed. Former revisions: {known}. Name one with --to."
    )


def revision_words(number: int, template: dict[str, Any], cause: str = "") -> str:
    """A revision as a person knows it."""
    images = ", ".join(shown(one["image"]) for one in containers(template))
    return f"revision {number} ({images}{f'; {cause}' if cause else ''})"


def tags(revision: DeploymentRevision) -> Iterator[str]:
    """Images of a revision that are no digests: the revision is the same, what runs may not be."""
    for one in containers(revision.template):
        if "@" not in one["image"]:
            yield f"{one['image']} is a tag: whatever image it stands for now is run, which nobody has recorded."


def rollout(live: Deployment, wanted: DeploymentRevision) -> Change | None:
    """Giving the Deployment a former template; None when it has it."""
    former, target = template_digest(live.template), template_digest(wanted.template)
    if former == target:
        return None
    params = RollDeployment(
        name=live.name, template=target, former=former, cause=f"remediation: back to revision {wanted.number}"
    )
    action = roll_action(params, f"revision {wanted.number} instead of {live.revision}", STEP)
    kept = tuple(Kept("deployment", live.name, canonical(one)) for one in (wanted.template, live.template))
    return Change(action, template_section(live.template, wanted.template), kept)


def template_section(live: dict[str, Any], wanted: dict[str, Any]) -> Section:
    """Which image becomes which, and the names of all other fields that change: values may be secrets."""
    now, then = ({one["name"]: one["image"] for one in containers(template)} for template in (live, wanted))
    rows = tuple(
        {"container": name, "now": now.get(name, "(none)"), "then": then.get(name, "(none)")}
        for name in {**now, **then}
    )
    fields = [path for path in changed(live, wanted) if not path.endswith(".image")]
    more = f" and {len(fields) - MOST_FIELDS} more" if len(fields) > MOST_FIELDS else ""
    listed = ", ".join(f"`{path}`" for path in fields[:MOST_FIELDS]) + more if fields else "none"
    return Section("What is changed", f"Other fields that change (values are not shown): {listed}.", rows)


def changed(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """The fields in which two templates differ, as paths without values; lists of named things go by their names."""
    one, other = by_name(one), by_name(other)
    if isinstance(one or {}, dict) and isinstance(other or {}, dict) and one != other:
        one, other = one or {}, other or {}
        for key in dict.fromkeys([*one, *other]):
            yield from changed(one.get(key), other.get(key), f"{path}.{key}" if path else str(key))
    elif one != other:
        yield path


def by_name(value: Any) -> Any:
    """A list of things that have names, as a mapping."""
    if isinstance(value, list) and value and all(isinstance(one, dict) and "name" in one for one in value):
        return {str(one["name"]): {key: one[key] for key in one if key != "name"} for one in value}
    return value


def look_at_gke_job(environment: PipelineEnvironment, request: RollbackRequest) -> Facts:
    """A GPU Job, what its like ran with, and the way to its target. Raises `Refused` when there is none of that name."""
    cluster = environment.cluster
    family = workloads_of(environment).jobs(family_of(environment, request.name))
    live = next((one for one in family if one.name == request.name), None)
    if live is None:
        raise Refused(
            f"There is no Job {request.name} in namespace {cluster.namespace}: Jobs that have ended are deleted after "
            "their time (an hour in the shipped manifests). Have it made again by its workflow: `remediate recover`."
        )
    ran = [Ran(version_id(one.images), one.state == "complete", one.created) for one in family if ended(one)]
    count = len(live.images)
    present = with_record(version_of(live.images, count), ran, {})
    images = {version_id(one.images): one.images for one in family}
    former = former_versions(ran, (one.images for one in family), present, count)
    if request.to and (named := outside(request.to, live.images)) and version_id(named) not in images:
        images[version_id(named)] = named
        former = (*former, version_of(named, count))
    at_work = tuple(
        f"Job {one.name} goes on with {', '.join(map(shown, one.images))}." for one in family if one.state == "active"
    )
    target = chosen(replace(request, to=normalised(request.to)), (present, *former))
    found = Facts(present, former, target, canary=RUNS_ITSELF, running=at_work)
    if target is None:
        return replace(found, escalations=(no_evidence(request, former, len(ran)),))
    if target is present:
        return found
    if live.state == "active":
        return replace(
            found, escalations=(f"Job {live.name} is at work; wait until it has ended, or delete it first.",)
        )
    return replace(found, change=recreation(live, target, images[target.id]))


def family_of(environment: PipelineEnvironment, name: str) -> str:
    """How the names of Jobs begin that do the same as this one, for whatever scene."""
    known = (rule.name.partition("{scene_id}")[0] for rule in environment.catalogue.gke_jobs)
    return next((start for start in known if name.startswith(start)), re.sub(r"[0-9]+$", "", name) or name)


def ended(job: ClusterJob) -> bool:
    """Whether it says something of its images."""
    return job.state in ("complete", "failed")


def recreation(live: ClusterJob, target: Version, images: tuple[str, ...]) -> Change | None:
    """Creating the Job again with the target's images; None when it had them."""
    if images == live.images:
        return None
    written = [one["image"] for one in containers(live.manifest["spec"]["template"])]
    body = manifest_of(live)
    kept = Kept("gke-job", live.name, body)
    params = RecreateJob(
        name=live.name, manifest=kept.sha256, images=dict(zip(written, images, strict=True)), uid=live.uid
    )
    names = [one["name"] for one in containers(live.manifest["spec"]["template"])]
    same = "It runs again at once. Everything but its images stays as it was."
    section = images_section(names, live.images, images, same)
    return Change(
        recreate_action(params, f"{target.shown} instead of what it {live.state} with", STEP), section, (kept,)
    )
