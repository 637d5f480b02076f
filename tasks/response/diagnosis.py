"""What an incident's causes are: the one place where the response asks for a diagnosis.

Until there is a check that diagnoses by itself, two that exist are asked: validation of the scenes in the scope, and the
doctor over what is deployed. A check whose findings are causes, each with `sentence` and `remedy`, takes the place of
`causes_of`; nothing else of the response knows where causes come from.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from blocks.catalogue import SCENE_ID
from tasks.doctor.check import Doctor, Question, findings
from tasks.incidents.entries import Diagnosed
from tasks.incidents.incident import Incident
from tasks.recovery.sweep import Verdict, look_at_all
from tasks.remediation.check import check
from tasks.remediation.context import Context
from tasks.remediation.report import counted, listed

MOST_SCENES = 100
"""Scenes that are validated: a quarter of a minute at most; the export sweep looks at all."""
MOST_CAUSES = 20
"""Causes that are recorded."""
ONLY_DOCUMENTS = "Scenes were validated by their documents and file lists, as in the sweep: `remediate validate` looks into every file."
NAMED = 10
"""Scenes that a remedy names."""


def diagnosis_of(context: Context, incident: Incident) -> Diagnosed:
    """The likely causes, each with its remedy, and what could not be asked. Read-only; never raises for what is outside."""
    with ThreadPoolExecutor(2) as pool:
        scenes = pool.submit(scene_causes, context, incident.first.scope.scenes)
        deployed = pool.submit(deployed_causes, context)
        causes, unknown = scenes.result()
        more, silent = deployed.result()
    every = [*causes, *more]
    if len(every) > MOST_CAUSES:
        unknown.append(
            f"Only the first {MOST_CAUSES} of {len(every)} causes are here: `remediate doctor` shows the rest."
        )
    return Diagnosed(causes=tuple(every[:MOST_CAUSES]), unknown=(*unknown, *silent))


def scene_causes(context: Context, scenes: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Faults of the scope's scenes, one cause for each fault with the scenes that show it; and what was not seen."""
    odd = [one for one in scenes if not SCENE_ID.fullmatch(one)]
    scenes = tuple(one for one in scenes if SCENE_ID.fullmatch(one))
    unknown = [f"{listed(odd)}: no scene can have such an id; correct the scope."] if odd else []
    unknown += (
        [] if scenes else ["No scene is in the scope, so none was validated: the deployment export-sweep looks at all."]
    )
    if len(scenes) > MOST_SCENES:
        unknown.append(f"{counted(len(scenes), 'scene')} are in the scope; the first {MOST_SCENES} were validated.")
    unknown += [ONLY_DOCUMENTS] if scenes else []
    by_fault: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in look_at_all(context.environment, list(scenes[:MOST_SCENES])):
        if verdict.unseen:
            unknown.append(f"Scene {verdict.scene_id}: {verdict.unseen}")
        elif not verdict.healthy:
            by_fault[verdict.fault].append(verdict)
    worst = sorted(by_fault.items(), key=lambda one: (-len(one[1]), one[0]))
    return [scene_cause(fault, bad) for fault, bad in worst], unknown


def scene_cause(fault: str, bad: list[Verdict]) -> str:
    """One fault, and the command that mends it."""
    names = [one.scene_id for one in bad]
    remedy = f"remediate recover {' '.join(names[:NAMED])}" + (
        f" (and {len(names) - NAMED} more)" if len(names) > NAMED else ""
    )
    return f"{counted(len(bad), 'scene')} ({listed(names)}) show {fault}: {bad[0].first} Remedy: {remedy}"


def deployed_causes(context: Context) -> tuple[list[str], list[str]]:
    """What of the deployed pipeline will not work, as the doctor finds it; and what it could not ask."""
    run = check(Doctor(), context, Question())
    if run.facts is None:
        return [], [f"The doctor could not look: {' '.join(run.reasons)}"]
    found = findings(run.facts.facts)
    causes = [f"{one.code.name}: {one.what} Remedy: {one.code.todo}" for one in found if one.level == "error"]
    return causes, [f"{one.subject}: {one.what}" for one in found if one.level == "unknown"]
