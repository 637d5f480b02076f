"""What a Prefect server needs before the flows can run: block types, the environment, a work pool, deployments.

`python -m deployments.bootstrap ENDPOINTS [RECEIVER]` does it for a sandbox, whose pages carry a link to the receiver. docs/deploy.md tells the same for a real project,
where the environment block is filled in by a person.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectAlreadyExists, PrefectHTTPStatusError
from prefect.workers.process import ProcessWorker

import blocks
from deployments.doctor import server_problems
from deployments.sandbox.endpoints import Endpoints
from deployments.sandbox_environment import for_sandbox
from tasks.doctor.compared import differing

HOME = Path(__file__).resolve().parent.parent
DEPLOYMENTS = HOME / "prefect.yaml"
AUTOMATIONS = HOME / "deployments" / "automations.yaml"
WORK_POOL = "remediation"
DEPLOY = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(DEPLOYMENTS)]


def bootstrap(endpoints: Endpoints, receiver_url: str = "") -> None:
    """Set a Prefect server up for the sandbox. Doing it twice changes nothing but the environment's addresses.

    Raises CalledProcessError when the deployments cannot be made, RuntimeError when the server is not set up for them.
    """
    make_blocks(endpoints, receiver_url)
    make_work_pool()
    make_automations(AUTOMATIONS)
    subprocess.run(DEPLOY, cwd=HOME, check=True)
    if wrong := server_problems():
        raise RuntimeError(" ".join(wrong))


def make_blocks(endpoints: Endpoints, receiver_url: str = "", attempts: int = 10) -> None:
    """Every block type, and the environment. A server that has just started registers Prefect's own block types itself,
    and whoever comes second is told that they exist: then once more."""
    for remaining in reversed(range(attempts)):
        try:
            register_blocks()
            for_sandbox(endpoints, receiver_url=receiver_url).save("default", overwrite=True)
            return
        except (ObjectAlreadyExists, PrefectHTTPStatusError):
            if not remaining:
                raise
            time.sleep(0.5)


def register_blocks() -> int:
    """Every block type, with its form as this version has it; how many there are."""
    for name in blocks.__all__:
        getattr(blocks, name).register_type_and_schema()
    return len(blocks.__all__)


def make_work_pool() -> None:
    """A pool whose worker runs each flow in a process of its own.

    The command is the worker's own default, given by name: left out, the worker starts another process first that looks
    for a workspace with the flow's code, and imports Prefect once more for it. The flows are an installed package.
    """
    template = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["command"]["default"] = shlex.join([sys.executable, "-m", "prefect.engine"])
    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process", base_job_template=template))
        except ObjectAlreadyExists:
            return


def make_automations(path: Path) -> Counter[str]:
    """The automations of a file, each once: `kept` what is there as the file says, which forgets no run that it watches;
    `replaced` what is there otherwise, or more than once; `made` what is not there."""
    done: Counter[str] = Counter(made=0, replaced=0, kept=0)
    with get_client(sync_client=True) as client:
        for body in yaml.safe_load(path.read_text())["automations"]:
            wanted = AutomationCore.model_validate(body)
            old = client.read_automations_by_name(wanted.name)
            if len(old) == 1 and not differing(body, old[0].model_dump(mode="json")):
                done["kept"] += 1
                continue
            for one in old:
                client.delete_automation(one.id)
            client.create_automation(wanted)
            done["replaced" if old else "made"] += 1
    return done


if __name__ == "__main__":
    bootstrap(Endpoints.model_validate_json(sys.argv[1]), *sys.argv[2:3])
