"""One service, looked at for who wants to restart it: everything that its word depends on, and nothing of the others."""

from __future__ import annotations

from datetime import UTC, datetime

from blocks.clients import load_libraries
from blocks.environment import PipelineEnvironment
from tasks.simulator_outage.facts import ServiceState
from tasks.simulator_outage.judge import judge
from tasks.simulator_outage.look import (
    Found,
    HealthQuestion,
    address_of,
    ask_genie_sim,
    asking,
    gathered,
    http_answers,
    log_lines,
    service_facts,
    signs_of,
)


def state_now(environment: PipelineEnvironment, name: str) -> tuple[ServiceState, list[str]]:
    """How a service of the catalogue is, and what could not be looked at, one sentence each."""
    load_libraries()  # before the threads, which would do it in each other's way
    rule, at = environment.catalogue.services[name], datetime.now(UTC)
    source = rule.url_from.job if rule.url_from and not rule.url else ""
    job = environment.jobs.get(source) if source else None
    envs = {source: job.env} if job is not None else {}
    found: Found = {}
    looks = {"pods": environment.cluster.pods} if environment.cluster.enabled else {}
    if signs := signs_of(rule.log):
        looks[f"log of {name}"] = asking(log_lines, environment, signs, at)
    if rule.speaks == "grpc":
        looks[name] = asking(ask_genie_sim, environment)
    elif address := address_of(environment, rule, envs):
        looks[name] = asking(http_answers, environment, name, address)
    unseen = gathered(looks, found)
    return judge(service_facts(environment, name, found, envs, HealthQuestion(wake=True)), at), unseen
