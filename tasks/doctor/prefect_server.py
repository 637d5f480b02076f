"""The Prefect server: settings by which runs outlive what happens to it, and the automations that watch over them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tasks.doctor.compared import differing
from tasks.doctor.examine import Look
from tasks.doctor.finding import Code

PAGE = "docs/deploy.md, 'On one machine'"
AUTOMATIONS = "deployments/automations.yaml"
LEASE_STORAGE = ("PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE", "prefect.server.concurrency.lease_storage.filesystem")
"""In memory, the default, a restart of the server loses every lease, and the runs that hold one are killed."""

IN_MEMORY = Code(
    "prefect-leases-in-memory",
    "error",
    "When the server restarts, every run of a deployment with a concurrency limit is killed within four minutes, and the "
    "slots of runs that died are never free again.",
    f"Set {'='.join(LEASE_STORAGE)} on the server and restart it while nothing runs ({PAGE}).",
)
SPINS = Code(
    "prefect-recorder-spins",
    "error",
    "Prefect takes a flush interval of less than a second for 0, and the server spins on a whole core.",
    f"Set PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL=1 on the server ({PAGE}).",
)
NO_AUTOMATION = Code(
    "prefect-automation-missing",
    "error",
    "Without the zombie automation a run whose machine dies stays Running for ever, and so does its claim; without a "
    "deployment's own, its event starts nothing.",
    "Run `remediate install` in the checkout.",
)
AUTOMATION_OFF = Code(
    "prefect-automation-off",
    "error",
    "Prefect does nothing for an automation that is switched off, and nobody is told.",
    "Switch it on in the UI under Automations, or ask who switched it off.",
)
AUTOMATION_TWICE = Code(
    "prefect-automation-twice",
    "warning",
    "Each copy acts by itself, and one that an older version made goes on acting by its old terms.",
    "Run `remediate install` in the checkout: it puts one in the place of all of that name.",
)
AUTOMATION_DIFFERS = Code(
    "prefect-automation-differs",
    "warning",
    "Runs are called dead at another time, or something else is done about them, than this version expects.",
    "Run `remediate install` in the checkout, or ask who changed it in the UI and why.",
)
CODES = (IN_MEMORY, SPINS, NO_AUTOMATION, AUTOMATION_OFF, AUTOMATION_TWICE, AUTOMATION_DIFFERS)
COMPARED = ("trigger", "actions")


def ask(verb: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """An answer of Prefect's API as plain data. Raises httpx.HTTPError."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        options = {} if body is None else {"json": body}
        answer = client.request(verb, path, **options)  # type: ignore[arg-type]
        answer.raise_for_status()
        return answer.json()


def look_at_server(home: Path, look: Look) -> None:
    """Settings and automations. `home`: the checkout with prefect.yaml and deployments/."""
    judge_settings(ask("GET", "/admin/settings"), look)
    if has_checkout(home):
        wanted = expected_automations(home)
        named = {"name": {"any_": wanted}}  # a server that others use too has more than a page of them
        found = ask("POST", "/automations/filter", {"automations": named})
        judge_automations(wanted, found, look)
        judge_contents(own_automations(home), found, look)


def has_checkout(home: Path) -> bool:
    """Whether the files that deployments are made of are there: an installed package has none."""
    return (home / "prefect.yaml").exists()


def judge_settings(settings: dict[str, Any], look: Look) -> None:
    """What a Prefect server gives of itself (`/api/admin/settings`)."""
    storage = settings["server"]["concurrency"]["lease_storage"]
    said = "The Prefect server keeps concurrency leases in memory."
    look.judge(IN_MEMORY, "server", said, storage.endswith(".memory"))
    seconds = settings["server"]["services"]["task_run_recorder"]["flush_interval"]
    look.judge(SPINS, "server", f"The Prefect server is told to flush task runs every {seconds:g} s.", seconds < 1)


def judge_automations(wanted: list[str], found: list[dict[str, Any]], look: Look) -> None:
    """Our own automations, and those that make events start deployments."""
    enabled: dict[str, bool] = {}
    for one in found:
        enabled[one["name"]] = enabled.get(one["name"], False) or bool(one.get("enabled", True))
    for name in wanted:
        if not look.judge(NO_AUTOMATION, name, f"The Prefect server has no automation '{name}'.", name not in enabled):
            look.judge(AUTOMATION_OFF, name, f"The automation '{name}' is switched off.", not enabled[name])


def judge_contents(own: list[dict[str, Any]], found: list[dict[str, Any]], look: Look) -> None:
    """Those of our file: each once, and as the file says. Of one that is switched off or not there nothing more is said."""
    for body in own:
        name = body["name"]
        there = [one for one in found if one["name"] == name and one.get("enabled", True)]
        if not there:
            continue
        said = f"The Prefect server has the automation '{name}' {len(there)} times."
        look.judge(AUTOMATION_TWICE, name, said, len(there) > 1)
        wanted = {key: body[key] for key in COMPARED if key in body}
        wrong = list(dict.fromkeys(text for one in there for text in differing(wanted, one)))
        look.judge(AUTOMATION_DIFFERS, name, f"Of the automation '{name}' {', '.join(wrong)}.", wrong)


def own_automations(home: Path) -> list[dict[str, Any]]:
    """The automations of a file of their own, as it gives them."""
    return list(yaml.safe_load((home / AUTOMATIONS).read_text())["automations"])


def expected_automations(home: Path) -> list[str]:
    """Those of a file of their own, and those of each deployment with triggers."""
    own = [one["name"] for one in own_automations(home)]
    deployments = yaml.safe_load((home / "prefect.yaml").read_text())["deployments"]
    return own + [trigger["name"] for one in deployments for trigger in one.get("triggers", [])]
