"""The deployments of prefect.yaml as the server has them, and the worker that runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tasks.doctor.examine import Look
from tasks.doctor.finding import Code
from tasks.doctor.prefect_server import ask, has_checkout
from tasks.remediation.report import listed

NO_DEPLOYMENT = Code(
    "prefect-deployment-missing",
    "error",
    "Its schedule runs nothing, its event starts nothing, and nobody can start it in the UI.",
    "Run `remediate install` in the checkout.",
)
DIFFERS = Code(
    "prefect-deployment-differs",
    "warning",
    "It runs at another time, with other limits, elsewhere or with other code than prefect.yaml of this checkout says.",
    "Run `remediate install`, or ask who changed it in the UI and why.",
)
OFF = Code(
    "prefect-schedule-off",
    "warning",
    "A deployment that is paused, or whose schedule is switched off, runs nothing by itself, and nobody is told.",
    "Switch it on again in the UI under Deployments, or ask who switched it off.",
)
NO_POOL = Code(
    "prefect-work-pool-missing",
    "error",
    "No run can be given to a worker: all of them stay Scheduled and become Late.",
    "Make it with: prefect work-pool create remediation --type process; or resume it if it is paused.",
)
NO_WORKER = Code(
    "prefect-no-worker",
    "error",
    "Nobody takes up runs: all of them stay Scheduled and become Late, recoveries included.",
    "Start one with: prefect worker start --pool remediation; and see why the last one ended.",
)
NO_CHECKOUT = Code(
    "prefect-not-compared",
    "note",
    "An installed package has no prefect.yaml and no automations.yaml, so what the server has is compared with nothing.",
    "Run `remediate doctor` in the checkout from which you deploy.",
)
CODES = (NO_CHECKOUT, NO_DEPLOYMENT, DIFFERS, OFF, NO_POOL, NO_WORKER)


def look_at_deployments(home: Path, look: Look) -> None:
    """Each deployment of the file, then the work pools they name with their workers."""
    if not has_checkout(home):
        look.say(NO_CHECKOUT, "prefect.yaml", f"There is no prefect.yaml in {home}.")
        return
    wanted = yaml.safe_load((home / "prefect.yaml").read_text())["deployments"]
    named = {"name": {"any_": [one["name"] for one in wanted]}}  # a server that others use too has more than a page
    found = {one["name"]: one for one in ask("POST", "/deployments/filter", {"deployments": named})}
    judge_deployments(wanted, found, look)
    for pool in sorted({one["work_pool"]["name"] for one in wanted}):
        pools = ask("POST", "/work_pools/filter", {"work_pools": {"name": {"any_": [pool]}}})
        paused = [one for one in pools if one.get("is_paused")]
        said = f"The work pool {pool} {'is paused' if paused else 'does not exist'}."
        if look.judge(NO_POOL, pool, said, not pools or paused):
            continue
        workers = ask("POST", f"/work_pools/{pool}/workers/filter", {})
        online = [one for one in workers if one.get("status") == "ONLINE"]
        look.judge(NO_WORKER, pool, f"No worker of the work pool {pool} is online.", not online)


def judge_deployments(wanted: list[dict[str, Any]], found: dict[str, dict[str, Any]], look: Look) -> None:
    """Each as it should be."""
    for one in wanted:
        name = one["name"]
        there = found.get(name)
        if look.judge(NO_DEPLOYMENT, name, f"The deployment {name} is not on the server.", there is None):
            continue
        assert there is not None
        other = [
            f"{key} is {_shown(is_)}, not {_shown(should)}" for key, (is_, should) in differences(one, there).items()
        ]
        look.judge(DIFFERS, name, f"Of the deployment {name} {listed(other, len(other))}.", other)
        if one.get("schedules"):
            off = there.get("paused") or not any(each.get("active") for each in there.get("schedules", []))
            look.judge(OFF, name, f"The schedule of the deployment {name} is off.", off)


def differences(wanted: dict[str, Any], there: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs between prefect.yaml and the server: by what, as (is, should be)."""
    limit, options = there.get("global_concurrency_limit") or {}, there.get("concurrency_options") or {}
    should_limit = wanted.get("concurrency_limit") or {}
    pairs = {
        "schedule": (_schedules(there.get("schedules", [])), _schedules(wanted.get("schedules", []))),
        "concurrency limit": (limit.get("limit"), should_limit.get("limit")),
        "collision": (options.get("collision_strategy"), should_limit.get("collision_strategy")),
        "entrypoint": (there.get("entrypoint"), wanted["entrypoint"]),
        "work pool": (there.get("work_pool_name"), wanted["work_pool"]["name"]),
        "parameters": (there.get("parameters") or {}, wanted.get("parameters") or {}),
    }
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}


def _schedules(listed_: list[dict[str, Any]]) -> list[str]:
    """Each as `0 2 * * * UTC, mode apply`, in both forms: the file's is flat, the server's has it inside."""
    found = []
    for one in listed_:
        inner = one.get("schedule") or one
        given = "".join(f", {key} {value}" for key, value in sorted((one.get("parameters") or {}).items()))
        found.append(f"{inner.get('cron') or inner.get('interval')} {inner.get('timezone') or 'UTC'}{given}")
    return sorted(found)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "", {}) else str(value)
