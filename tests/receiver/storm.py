"""A storm: failures by every road and told twice, what is out of date, what nobody can read, and what is forged; shuffled."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field

from deployments.receiver.auth import SIGNATURE, TIMESTAMP, WINDOW_SECONDS, sign
from deployments.sandbox.names import LOCATION
from deployments.sandbox.server import Sandbox
from tests.receiver import google
from tests.receiver import messages as m

SECRET = b"the storm's own secret"
GOOD = "good"
FORGERIES = ("of nobody", "of another key", "for somebody else", "of another time")
SHARES = 20
"""Of a storm's requests: each line of `storm` says how many shares it takes."""
WORKFLOW = "usd-assembly-pipeline"
AUDIT = "google.cloud.audit.log.v1.written"


@dataclass(frozen=True)
class Telling:
    """One request, and what it is signed with: `GOOD`, or one of `FORGERIES`."""

    sent: m.Sent
    key: str = GOOD


@dataclass
class Storm:
    """All of it."""

    share: int
    tellings: list[Telling] = field(default_factory=list)
    genuine: dict[str, list[m.Sent]] = field(default_factory=dict)
    """The happenings of each kind, each by the road it was told first."""


class Signer:
    """Signs requests as Google and as the webhook do, or as somebody who is neither would."""

    def __init__(self) -> None:
        past = int(time.time()) - 7200
        self._tokens = {
            GOOD: google.token(exp=int(time.time()) + 4 * 3600),
            "of another key": google.token(signed_by="somebody"),
            "for somebody else": google.token(aud="https://elsewhere.example"),
            "of another time": google.token(iat=past, exp=past + 3600),
        }

    def headers(self, one: Telling) -> dict[str, str]:
        """The headers of a request that is sent now."""
        path, headers, body = one.sent
        if path != "/alerts":
            return headers | ({"authorization": f"Bearer {self._tokens[one.key]}"} if one.key in self._tokens else {})
        if one.key == "of nobody":
            return headers
        stamp = str(int(time.time()) - (2 * WINDOW_SECONDS if one.key == "of another time" else 0))
        secret = b"a secret of somebody else" if one.key == "of another key" else SECRET
        signed = body + b" " if one.key == "for somebody else" else body
        return headers | {TIMESTAMP: stamp, SIGNATURE: sign(secret, stamp, signed)}


def storm(sandbox: Sandbox, requests: int) -> Storm:
    """So many requests (less what 20 leaves over), always the same ones in the same order."""
    dice, made = random.Random(requests), Storm(requests // SHARES)
    numbers = range(made.share)
    alone = [written(sandbox, f"alone_{n}", "geniesim/.failed") for n in range(2 * made.share)]
    made.genuine["alone"] = told(made, dice, [list(m.roads(*one).values()) for one in alone])  # 4 shares
    together = [one for n in numbers for one in scene_fails(sandbox, f"together_{n}")]
    made.genuine["together"] = told(made, dice, together)  # 6 shares
    jobs = [m.job_failed(execution=f"simready-job-{n}") | {"insertId": f"job-{n}"} for n in numbers]
    made.genuine["job"] = told(made, dice, [logged(one) for one in jobs])  # 2 shares
    made.genuine["pod"] = told(made, dice, [logged(pod_unwell(n)) for n in numbers])  # 2 shares
    made.genuine["alert"] = [m.alert(number=f"0.{n}", policy=f"policy-{n}") for n in numbers]
    made.genuine["gone"] = [m.notification(*gone(sandbox, n)) for n in numbers]
    once = [*made.genuine["alert"], *made.genuine["gone"], *(malformed(n) for n in range(2 * made.share))]  # 4 shares
    made.tellings += [Telling(sent) for sent in once]
    made.tellings += [forged(sandbox, n) for n in range(2 * made.share)]
    dice.shuffle(made.tellings)
    return made


def told(made: Storm, dice: random.Random, happenings: list[list[m.Sent]]) -> list[m.Sent]:
    """Each happening by two of the roads it can come by."""
    chosen = [dice.sample(roads, 2) for roads in happenings]
    made.tellings += [Telling(sent) for both in chosen for sent in both]
    return [first for first, _ in chosen]


def written(sandbox: Sandbox, scene: str, path: str) -> tuple[str, str]:
    """A failure marker that is there: its name and generation."""
    name = f"scenes/{scene}/{path}"
    return name, str(sandbox.store.put(m.DATA, name, b"{}", quiet=True).generation)


def gone(sandbox: Sandbox, number: int) -> tuple[str, str]:
    """A failure marker that was written again since, or is not there any more."""
    name, generation = written(sandbox, f"gone_{number}", "geniesim/.failed")
    if number % 2:
        written(sandbox, f"gone_{number}", "geniesim/.failed")
    else:
        sandbox.store.delete(m.DATA, name)
    return name, generation


def scene_fails(sandbox: Sandbox, scene: str) -> list[list[m.Sent]]:
    """Two markers and a failed execution of one scene: three happenings, each by all its roads."""
    markers = [written(sandbox, scene, path) for path in ("geniesim/.failed", "assets/.failed")]
    argument = {"data": {"bucket": m.DATA, "name": f"scenes/{scene}/assets/.regen3d_complete"}}
    name = f"{LOCATION}/workflows/{WORKFLOW}/executions/{scene.replace('_', '-')}"
    execution = sandbox.workflows.executions.add(name, WORKFLOW, argument=json.dumps(argument))
    sandbox.workflows.executions.end(execution, "FAILED", error="It failed.")
    entry = m.workflow_failed(execution=execution.id) | {"insertId": scene}
    return [*(list(m.roads(*one).values()) for one in markers), logged(entry)]


def logged(entry: dict[str, object]) -> list[m.Sent]:
    """A log entry by every road."""
    return [m.pubsub(entry), m.unwrapped(entry), m.binary(AUDIT, entry), m.structured(AUDIT, entry)]


def pod_unwell(number: int) -> dict[str, object]:
    """An event of a cluster's own: the same cluster's next one within five minutes would be quiet."""
    entry = m.pod_event("geniesim-0", "Unhealthy") | {"insertId": f"pod-{number}"}
    labels = entry["resource"]["labels"] | {"cluster_name": f"cluster-{number}"}
    return entry | {"resource": entry["resource"] | {"labels": labels}}


def malformed(number: int) -> m.Sent:
    """A request of somebody who may come in that nobody can read; each is another one."""
    name = f"scenes/malformed_{number}/geniesim/.failed"
    path, headers, body = m.notification(name)
    return [
        ("/pubsub", m.JSON, f"garbage {number}".encode()),
        (path, headers, body[: -len(body) // 3] + str(number).encode()),
        m.notification(name, generation="seven"),
        m.notification(name, event="OBJECT_IMAGINED"),
        ("/cloudevents", m.JSON, body),
        ("/alerts", m.JSON, json.dumps({"number": number}).encode()),
        (path, headers, b'{"a":' * 2000 + str(number).encode()),
    ][number % 7]


def forged(sandbox: Sandbox, number: int) -> Telling:
    """What would start a recovery, or be told to Prefect, if it were let in: the failure is there."""
    name, generation = written(sandbox, f"forged_{number}", "geniesim/.failed")
    roads = [*m.roads(name, generation).values(), m.alert(number=f"0.forged-{number}", policy=f"forged-{number}")]
    return Telling(roads[number % len(roads)], FORGERIES[number // len(roads) % len(FORGERIES)])
