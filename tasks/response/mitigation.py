"""What can be done about an incident, and doing what a person has decided."""

from __future__ import annotations

from dataclasses import replace

from tasks.incidents.entries import Acted, Decided
from tasks.incidents.incident import Incident
from tasks.recovery.procedure import ExportRecovery
from tasks.recovery.request import PROCEDURE, RecoveryRequest
from tasks.remediation.batch import check_batch, run_batch
from tasks.remediation.outcome import Refused
from tasks.remediation.run import Run
from tasks.remediation.runner import run
from tasks.response.acting import act, of_run, recorded, unrecorded
from tasks.response.faults import still_wrong
from tasks.response.forms import Mitigation
from tasks.response.response import Response
from tasks.rollback.procedure import Rollback
from tasks.rollback.request import request_of, subject_of

BY_HAND = "by hand"
SHOWN = 20
"""Causes and actions that a form shows; the report has them all."""


def decision_of(response: Response, answer: Mitigation) -> Decided:
    """What the record keeps of an answer."""
    if answer.choice == "by_hand" and not answer.text.strip():
        return Decided(by=answer.by, phase="mitigate", choice="refused", text="Say in a sentence what you did by hand.")
    recover = answer.choice == "recover"
    return Decided(
        by=answer.by,
        phase="mitigate",
        choice=answer.choice,
        scenes=tuple(answer.scenes or response.incident.first.scope.scenes) if recover else (),
        restore_inputs=answer.restore_inputs,
        accept_systematic=answer.accept_systematic,
        thing=" ".join(answer.thing.split()) if answer.choice == "roll_back" else "",
        text=answer.text,
    )


def carry_out(response: Response, key: str, decided: Decided) -> None:
    """Do what was decided, as far as the record does not have it yet."""
    if decided.choice == "by_hand" and recorded(response.incident, key) is None:
        response.say_once(key, Acted(procedure=BY_HAND, subject=decided.by, outcome="done", sentence=decided.text))
    elif decided.choice == "recover":
        recover(response, key, decided)
    elif decided.choice == "roll_back":
        roll_back(response, key, decided)


def recover(response: Response, key: str, decided: Decided) -> None:
    """Recover scenes: one is approved as always, several are ramped up as in the deployment `export-recovery`."""
    context, incident = response.context, response.incident
    try:
        names = check_batch(decided.scenes, context.policy().max_scenes)
    except Refused as error:
        if recorded(incident, key) is None:
            response.say_once(key, Acted(procedure=PROCEDURE, outcome="refused", sentence=str(error)))
        return
    if len(names) == 1:
        act(context, incident, f"{key}:{names[0]}", names[0], lambda: recover_one(response, decided, names[0]))
        return
    left = [name for name in names if recorded(incident, f"{key}:{name}") is None]
    left = [name for name in left if not adopted(response, key, name)]
    if left:
        recover_many(response, key, decided, left)


def roll_back(response: Response, key: str, decided: Decided) -> None:
    """Roll one thing back to what last worked, approved as always. What it was is in the run's own plan."""
    kind, _, name = decided.thing.partition(" ")
    asked = {"kind": kind, "name": name}
    try:
        wanted = replace(request_of(asked, f"incident {response.id}"), case=response.id)
        subject = subject_of(wanted)
    except Refused as error:
        if recorded(response.incident, key) is None:
            refused = f"{decided.thing!r} names nothing to roll back ({error}) Give kind and name: job simready-job."
            response.say_once(key, Acted(procedure=Rollback.name, outcome="refused", sentence=refused))
        return
    act(response.context, response.incident, key, subject, lambda: response.run(Rollback(), wanted))


def adopted(response: Response, key: str, name: str) -> bool:
    """Whether a run whose process was killed has recovered it already; then that is recorded."""
    if unrecorded(response.context, response.incident, name) is None:
        return False
    act(response.context, response.incident, f"{key}:{name}", name, lambda: _unreachable(name))
    return True


def _unreachable(name: str) -> Run:
    raise AssertionError(f"{name} has an ended run")


def recover_one(response: Response, decided: Decided, name: str) -> Run:
    """One scene, with a person's approval where the policy wants one."""
    return response.run(ExportRecovery(), request(response, decided, name))


def recover_many(response: Response, key: str, decided: Decided, names: list[str]) -> None:
    """Several scenes, wave by wave; each has an entry as soon as its wave is over."""
    context, incident = response.context, response.incident

    def one(name: str) -> Run:
        return run(ExportRecovery(), context, request(response, decided, name), response.means.call)

    wave = response.means.wave(one)

    def recorded_wave(group: list[str]) -> list[Run]:
        runs = wave(group)
        for done in runs:
            incident.say_once(f"{key}:{done.subject}", of_run(done))
        return runs

    runs = run_batch(
        names, context, PROCEDURE, recorded_wave, lambda done, total: context.say(f"{done} of {total} done")
    )
    for done in runs:
        incident.say_once(f"{key}:{done.subject}", of_run(done))


def request(response: Response, decided: Decided, name: str) -> RecoveryRequest:
    """What a recovery is asked."""
    return RecoveryRequest(
        scene_id=name,
        mode="apply",
        restore_inputs=decided.restore_inputs,
        accept_systematic=decided.accept_systematic,
        reason=f"incident {response.id}",
        case=response.id,
    )


def mitigation_page(response: Response) -> str:
    """What stands above the form: what is known, what was done, and what each choice does."""
    incident, before = response.incident, [said for _, said in response.decisions()]
    parts = [
        f"# {incident.first.title}",
        *([f"> {before[-1].text}"] if before and before[-1].choice == "refused" else []),
        f"{incident.id} · {incident.first.severity} · scope: {incident.first.scope.words()}",
        "## Causes that were found\n\n" + bullets(causes_of(incident)),
        *(["## Not right again yet\n\n" + bullets(wrong)] if (wrong := still_wrong(incident)) else []),
        "## What was done\n\n" + bullets([acted.sentence or acted.outcome for _, acted in incident.actions]),
        "What shall be done? Fill in the form. What a remedy names that is neither a recovery of scenes nor a rollback, run "
        "by itself (each is a command and a deployment), then choose `by_hand` and say what you did.",
    ]
    return "\n\n".join(parts)


def causes_of(incident: Incident) -> list[str]:
    """The causes and what could not be asked, one sentence each."""
    diagnosis = incident.diagnosis
    if diagnosis is None:
        return ["Nobody has looked yet."]
    causes = list(diagnosis.causes) or ["None was found: the cause is unknown."]
    return [*causes, *(f"Not known: {one}" for one in diagnosis.unknown)]


def bullets(sentences: list[str]) -> str:
    """A list, long ones cut short."""
    shown = [f"- {' '.join(one.split())}" for one in sentences[:SHOWN]]
    more = len(sentences) - SHOWN
    return (
        "\n".join([*shown, *([f"- and {more} more: `remediate incident show`"] if more > 0 else [])]) or "- nothing yet"
    )
