"""Looking at the services from every side, at the same time. Changes nothing, and never calls the simulator itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from blocks.catalogue_services import LogSigns, Service
from blocks.clients import load_libraries
from blocks.environment import PipelineEnvironment
from blocks.genie_sim import GenieSimHealth
from blocks.gke_manifests import ClusterJob, containers
from blocks.http_health import HttpAnswer
from blocks.logs import LogLine
from tasks.pipeline.at_once import at_once
from tasks.pipeline.simulator_pods import runs, simulates
from tasks.remediation.report import counted
from tasks.simulator_outage.facts import JobSettings, ServiceFacts, SimulatorFacts

Found = dict[str, Any]
"""What each look has found, by its name."""
Envs = Mapping[str, Mapping[str, str]]
"""The variables of each job."""
SECONDS = 90.0
"""How long all looks may take together: three of ten seconds at each service, and the lists."""
ASKED = 3
"""How often a service is asked before it is believed to be ill: one lost answer is no outage."""
WAIT_SECONDS = 0.5
LOG_MINUTES = 60.0
"""How far back the log is read."""
MOST_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthQuestion:
    """What a look is asked."""

    at: datetime | None = None
    """The moment of the look; None: now."""
    wake: bool = False
    """Also ask services that a look starts, because they are scaled to nothing."""


def look_at_services(environment: PipelineEnvironment, question: HealthQuestion) -> SimulatorFacts:
    """What is known now. What cannot be asked is named in `unseen`; nothing is raised for it."""
    load_libraries()  # before the threads, which would do it in each other's way
    at = question.at or datetime.now(UTC)
    found: Found = {}
    unseen = gathered(first_looks(environment, at), found)
    settings, problems = found.get("jobs", ([], []))
    unseen += [f"Of {counted(len(problems), 'job')} the variables are not known: {problems[0]}"] if problems else []
    envs = {one.name: one.env for one in settings}
    services = environment.catalogue.services
    looks = {
        name: asking(http_answers, environment, name, address_of(environment, rule, envs))
        for name, rule in services.items()
        if rule.speaks == "http" and address_of(environment, rule, envs) and (question.wake or not rule.wakes)
    }
    unseen += gathered(looks, found)
    return SimulatorFacts(
        at=at,
        services=tuple(service_facts(environment, name, found, envs, question) for name in services),
        jobs=(*settings, *found.get("gke jobs", ())),
        unseen=tuple(unseen),
    )


def first_looks(environment: PipelineEnvironment, at: datetime) -> dict[str, Callable[[], Any]]:
    """Everything but the services that speak HTTP, whose addresses the jobs may have."""
    looks: dict[str, Callable[[], Any]] = {"jobs": asking(job_settings, environment)}
    if environment.cluster.enabled:
        looks |= {"pods": environment.cluster.pods, "gke jobs": asking(gke_settings, environment)}
    for name, rule in environment.catalogue.services.items():
        if signs := signs_of(rule.log):
            looks[f"log of {name}"] = asking(log_lines, environment, signs, at)
        if rule.speaks == "grpc":
            looks[name] = asking(ask_genie_sim, environment)
    return looks


def service_facts(
    environment: PipelineEnvironment, name: str, found: Found, envs: Envs, question: HealthQuestion
) -> ServiceFacts:
    """What was seen of one service."""
    rule, seen = environment.catalogue.services[name], found.get(name)
    health, ready, debug = seen if isinstance(seen, tuple) else (None, None, None)
    return ServiceFacts(
        name=name,
        rule=rule,
        address=address_of(environment, rule, envs),
        grpc=seen if isinstance(seen, GenieSimHealth) else None,
        health=health,
        ready=ready,
        debug=debug,
        pods=tuple(pod for pod in found.get("pods", ()) if runs(environment, rule, pod)),
        lines=tuple(one for one in found.get(f"log of {name}", ()) if wrote(environment, rule, one)),
        asleep=rule.wakes and not question.wake,
    )


def ask_genie_sim(environment: PipelineEnvironment) -> GenieSimHealth:
    """Its health; what is bad is asked again."""
    health = environment.genie_sim.check()
    for _ in range(ASKED - 1):
        if health.state in ("serving", "unknown") or health.hung:
            break
        time.sleep(WAIT_SECONDS)
        health = environment.genie_sim.check()
    return health


def http_answers(
    environment: PipelineEnvironment, name: str, address: str
) -> tuple[HttpAnswer, HttpAnswer | None, HttpAnswer | None]:
    """Health, readiness and details. One that cannot be reached is asked again, and nothing more of it."""
    block, rule, root = environment.http_health, environment.catalogue.services[name], address.rstrip("/")
    health = block.get(root + rule.health, name)
    for _ in range(ASKED - 1):
        if health.state != "down":
            break
        time.sleep(WAIT_SECONDS)
        health = block.get(root + rule.health, name)
    if health.state != "answered":
        return health, None, None
    ready = block.get(root + rule.ready, name) if rule.ready else None
    debug = block.get(root + rule.debug, name) if rule.debug else None
    return health, ready, debug


def address_of(environment: PipelineEnvironment, rule: Service, envs: Envs) -> str:
    """Where a service is; empty: nobody says it. A job's variable that was never filled in (`${...}`) says nothing."""
    if rule.speaks == "grpc":
        return environment.genie_sim.address
    source = rule.url_from
    said = str(envs.get(source.job, {}).get(source.variable, "")) if source else ""
    return rule.url or (said if said.startswith(("http://", "https://")) else "")


def signs_of(log: LogSigns) -> tuple[str, ...]:
    """Every sign."""
    return (*log.blocking, *log.warning, *log.restart_begins, *log.restart_ends)


def log_lines(environment: PipelineEnvironment, signs: Iterable[str], at: datetime) -> list[LogLine]:
    """The newest lines with a sign, of the pipeline's namespace, its jobs and virtual machines."""
    said = " OR ".join('"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in signs)
    space = environment.cluster.namespace
    of_us = f'(resource.type="k8s_container" AND resource.labels.namespace_name="{space}")'
    where = f'({of_us} OR resource.type="cloud_run_job" OR resource.type="gce_instance")'
    return environment.logs.newest(f"{where} AND ({said})", since=at - timedelta(minutes=LOG_MINUTES), most=MOST_LINES)


def wrote(environment: PipelineEnvironment, rule: Service, line: LogLine) -> bool:
    """Whether a line is of the service or of who calls it: another job's trouble is not the simulator's."""
    if line.resource == "cloud_run_job":
        job = environment.catalogue.jobs.get(line.labels.get("job_name", ""))
        stage = environment.catalogue.stages.get(job.stage or "") if job is not None else None
        return rule.gke_jobs and stage is not None and stage.genie_sim
    pod = line.labels.get("pod_name", "")
    of_deployment = any(pod.startswith(f"{name}-") for name in rule.deployments)
    return line.resource == "gce_instance" or of_deployment or (rule.gke_jobs and simulates(environment, pod))


def job_settings(environment: PipelineEnvironment) -> tuple[list[JobSettings], list[str]]:
    """The variables of the Cloud Run jobs that are deployed, and why those of others are not known."""
    found: Found = {}
    names = list(environment.catalogue.jobs)
    problems = gathered({name: asking(environment.jobs.get, name) for name in names}, found)
    return [JobSettings("job", name, info.env) for name in names if (info := found.get(name))], problems


def gke_settings(environment: PipelineEnvironment) -> list[JobSettings]:
    """The variables of the cluster's Jobs that simulate and have not ended."""
    jobs = environment.cluster.workloads.jobs("")
    live = [job for job in jobs if job.state in ("active", "suspended")]
    return [settings_of(job) for job in live if simulates(environment, job.name)]


def settings_of(job: ClusterJob) -> JobSettings:
    """What a Job's manifest says of its variables."""
    every = containers(job.manifest["spec"]["template"])
    given = [one for container in every for one in container.get("env") or ()]
    env = {one["name"]: str(one["value"]) for one in given if "value" in one}
    more = any(container.get("envFrom") for container in every) or len(env) < len({one["name"] for one in given})
    return JobSettings("gke-job", job.name, env, simulates=True, more=more)


def gathered(looks: dict[str, Callable[[], Any]], found: Found) -> list[str]:
    """Do them at the same time and keep what they find; what could not be asked, one sentence each."""

    def keep(name: str, look: Callable[[], Any]) -> None:
        found[name] = look()

    ends = at_once([asking(keep, name, look) for name, look in looks.items()], SECONDS)
    return [f"{name}: {end.problem}" for name, end in zip(looks, ends, strict=True) if end.problem]


def asking(call: Callable[..., Any], *words: Any) -> Callable[[], Any]:
    """The call with its words, for later."""
    return lambda: call(*words)
