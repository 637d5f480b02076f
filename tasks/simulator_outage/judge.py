"""What the facts mean: one word a service with what says so, and the switches that may not be on. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from blocks.catalogue_services import Service, SimulationSwitches
from blocks.gke_pods import PodInfo
from blocks.http_health import HttpAnswer
from blocks.logs import LogLine
from tasks.pipeline.redact import text_without_secrets
from tasks.remediation.report import counted
from tasks.simulator_outage.facts import JobSettings, ServiceFacts, ServiceState, SwitchFinding, Word

STARTING = timedelta(seconds=210)
"""How long a server may load: its container's health check begins after 30 s and gives up after 18 looks of 10 s."""
WARM_UP_MINUTES = 10
"""How long particulate may load its models (the pipeline's troubleshooting guide)."""
MOST_TEXT = 200
ON = ("1", "true", "yes", "on")


def judge(seen: ServiceFacts, at: datetime) -> ServiceState:
    """The word of one service."""
    if not seen.address or seen.asleep:
        why = "a look would start it, which costs; ask by hand" if seen.asleep else "its address is not known; name it"
        how = "remediate health" if seen.asleep else f"services.{seen.name}.url of the catalogue"
        return ServiceState(seen.name, seen.address, "unknown", (f"Not looked at: {why} ({how}).",), looked=False)
    word, said = asked(seen)
    evidence = [said, *pod_words(seen.pods)]
    if word in ("down", "not_serving", "hung"):
        if again := restarting(seen, at):
            word, evidence = "restarting", [again, *evidence]
    elif word == "unknown" and seen.grpc is not None and seen.grpc.state == "unknown":
        word = by_probe(seen.pods, word)
    log, live = seen.rule.log, {pod.name for pod in seen.pods}
    lines = [one for one in seen.lines if one.resource != "k8s_container" or one.labels.get("pod_name") in live]
    return ServiceState(
        name=seen.name,
        address=seen.address,
        word=word,
        evidence=tuple(evidence),
        against=tuple(signs(lines, log.blocking)),
        warnings=tuple(signs(lines, log.warning)),
        ready_pod=next((pod.name for pod in seen.pods if pod.probed and pod.ready), ""),
    )


def asked(seen: ServiceFacts) -> tuple[Word, str]:
    """What its own answer says."""
    if seen.rule.speaks == "http":
        return http_word(seen.rule, seen.health, seen.ready, seen.debug)
    if seen.grpc is None:
        return "unknown", "It could not be asked."
    return "hung" if seen.grpc.hung else seen.grpc.state, seen.grpc.detail


def http_word(
    rule: Service, health: HttpAnswer | None, ready: HttpAnswer | None, debug: HttpAnswer | None
) -> tuple[Word, str]:
    """The word of a service that speaks HTTP: its health, and then its readiness."""
    if health is None:
        return "unknown", "It could not be asked."
    if health.state != "answered":
        return health.state, health.detail
    if health.status in (401, 403):
        return "unknown", f"{rule.health} answers {health.status}: it wants a token, or lets others ask only."
    if health.status >= 500:
        return "not_serving", f"{rule.health} answers {health.status}: {words_of(health, debug)}"
    if health.status != 200:
        return "unknown", f"{rule.health} answers {health.status}, which says nothing of its health."
    said = health.data.get("status"), health.data.get("ready")
    if said == (None, None):
        return "unknown", f"{rule.health} answers 200 without saying how it is: is something else there?"
    if said[0] not in (None, "ok") or said[1] not in (None, True):
        return "not_serving", f"{rule.health} answers 200 and says: {words_of(health, debug)}"
    if ready is not None and (ready.state != "answered" or ready.status >= 500):
        word: Word = "hung" if ready.state == "hung" else "not_serving"
        said_there = ready.detail or f"it answers {ready.status}: {short(ready.text)}"
        return word, f"{rule.health} says ok, but of {rule.ready}: {said_there}"
    return "serving", f"{rule.health} answers 200 and says ok{'' if ready is None else f', {rule.ready} too'}."


def words_of(answer: HttpAnswer, debug: HttpAnswer | None) -> str:
    """What a body says, with how long to wait for one that is loading, and what details add."""
    said = [str(answer.data[key]) for key in ("status", "message", "error") if answer.data.get(key)]
    text = short("; ".join(said) or answer.text or "nothing more")
    if answer.data.get("status") == "warming_up":
        text += f" (it may take {WARM_UP_MINUTES} minutes)"
    known = debug.data if debug is not None and debug.status == 200 else {}
    more = [f"{key}: {known[key]}" for key in ("warmup_status", "warmup_error") if known.get(key)]
    return f"{text} [{short(', '.join(more))}]" if more else text


def restarting(seen: ServiceFacts, at: datetime) -> str:
    """What says that somebody is just restarting it; empty: nobody is."""
    log = seen.rule.log
    turns = [line for line in seen.lines if has(line, (*log.restart_begins, *log.restart_ends))]
    if turns and has(turns[0], log.restart_begins) and at - turns[0].at < timedelta(seconds=log.restart_seconds):
        ago = (at - turns[0].at).total_seconds()
        what = short(text_of(turns[0]))
        return (
            f"Its client began to restart it {ago:.0f} s ago, which takes {log.restart_seconds:.0f} s at most: {what}"
        )
    begun = [pod for pod in seen.pods if not pod.ready and not pod.restarts and pod.node]
    new = [pod for pod in begun if at - pod.created < STARTING]
    return (
        f"Its pod {new[0].name} has begun {(at - new[0].created).total_seconds():.0f} s ago and loads." if new else ""
    )


def by_probe(pods: Iterable[PodInfo], word: Word) -> Word:
    """The word of a server without a health service, by the readiness probes of its containers."""
    probed = [pod for pod in pods if pod.probed]
    if not probed:
        return word
    return "serving" if any(pod.ready for pod in probed) else "not_serving"


def pod_words(pods: Iterable[PodInfo]) -> Iterator[str]:
    """What Kubernetes says of the pods."""
    for pod in pods:
        probe = "ready" if pod.ready else "not ready"
        probe += "" if pod.probed else " (it has no readiness probe)"
        more = [counted(pod.restarts, "restart") if pod.restarts else "", pod.waits, pod.killed]
        yield f"Pod {pod.name}: {', '.join(filter(None, [pod.phase, probe, *more]))}."


def signs(lines: Iterable[LogLine], words: tuple[str, ...]) -> Iterator[str]:
    """For each sign that the log has, how often, and its newest line."""
    every = list(lines)
    for word in words:
        held = [line for line in every if has(line, (word,))]
        if held:
            times = f"{counted(len(held), 'line')}, newest {held[0].at:%Y-%m-%d %H:%M:%S} UTC"
            yield f'The log says "{word}" ({times}): {short(text_of(held[0]))}'


def has(line: LogLine, words: Iterable[str]) -> bool:
    """Whether a line holds one of the words."""
    said = text_of(line)
    return any(word in said for word in words)


def text_of(line: LogLine) -> str:
    """A line's words, also when it is JSON."""
    return line.text or str(line.data.get("message") or line.data)


def short(text: str) -> str:
    """A text for a report: one line, not too long, nothing that looks like a secret."""
    said = " ".join(text_without_secrets(text[:4000]).split())
    return said if len(said) <= MOST_TEXT else f"{said[:MOST_TEXT]}…"


def switch_findings(rules: SimulationSwitches, jobs: Iterable[JobSettings]) -> Iterator[SwitchFinding]:
    """Mocks and fallbacks that are on, and checks that are off, by job."""
    for job in jobs:
        production = any(job.env.get(key, "").lower() in values for key, values in rules.production.items())
        for name in rules.forbidden:
            if (value := job.env.get(name, "")).strip().lower() in ON:
                yield SwitchFinding(job.kind, job.name, name, value, production, f"{name}={value} is on")
        for name, wanted in rules.required.items():
            found = job.env.get(name)
            if found is not None and found != wanted:
                why = f"{name} is {short(found)!r}, not {wanted!r},"
                yield SwitchFinding(job.kind, job.name, name, found, production, why)
            elif found is None and job.simulates and production and not job.more:
                yield SwitchFinding(
                    job.kind, job.name, name, "", True, f"{name} is not set, which turns the check off,"
                )
