"""What a Prefect server needs before the flows can run: block types, the environment, a work pool, deployments.

`python -m deployments.bootstrap ENDPOINTS [RECEIVER]` does it for a sandbox, whose pages carry a link to the receiver. docs/deploy.md tells the same for a real project,
where the environment block is filled in by a person.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectAlreadyExists, PrefectHTTPStatusError
from prefect.workers.process import ProcessWorker

import blocks
from deployments.doctor import server_problems
from deployments.sandbox.server import Endpoints
from deployments.sandbox_environment import for_sandbox

HOME = Path(__file__).resolve().parent.parent
DEPLOYMENTS = HOME / "prefect.yaml"
AUTOMATIONS = HOME / "deployments" / "automations.yaml"
WORK_POOL = "remediation"


def bootstrap(endpoints: Endpoints, receiver_url: str = "") -> None:
    """Set a Prefect server up for the sandbox. Doing it twice changes nothing but the environment's addresses.

    Raises CalledProcessError when the deployments cannot be made, RuntimeError when the server is not set up for them.
    """
    make_blocks(endpoints, receiver_url)
    make_work_pool()
    make_automations(AUTOMATIONS)
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(DEPLOYMENTS)]
    subprocess.run(command, cwd=HOME, check=True)
    if wrong := server_problems():
        raise RuntimeError(" ".join(wrong))


def make_blocks(endpoints: Endpoints, receiver_url: str = "", attempts: int = 10) -> None:
    """Every block type, and the environment. A server that has just started registers Prefect's own block types itself,
    and whoever comes second is told that they exist: then once more."""
    for remaining in reversed(range(attempts)):
        try:
            for name in blocks.__all__:
                getattr(blocks, name).register_type_and_schema()
            for_sandbox(endpoints, receiver_url=receiver_url).save("default", overwrite=True)
            return
        except (ObjectAlreadyExists, PrefectHTTPStatusError):
            if not remaining:
                raise
            time.sleep(0.5)


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


def make_automations(path: Path) -> None:
    """The automations of a file, each once: one that is there under its name is replaced."""
    with get_client(sync_client=True) as client:
        for body in yaml.safe_load(path.read_text())["automations"]:
            wanted = AutomationCore.model_validate(body)
            for old in client.read_automations_by_name(wanted.name):
                client.delete_automation(old.id)
            client.create_automation(wanted)


if __name__ == "__main__":
    bootstrap(Endpoints.model_validate_json(sys.argv[1]), *sys.argv[2:3])
