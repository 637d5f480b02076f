"""What is overdue: of incidents, of approvals that nobody gave, of schedules, of events that wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from blocks.approvals import undecided
from blocks.errors import TemporaryError
from blocks.schedules import ScheduledDeployment, leaked_slots, scheduled_deployments
from tasks.incidents.incident import Incident
from tasks.overview.state import Item, State, Unknown, from_sentence
from tasks.pipeline.override_findings import read_known
from tasks.remediation.context import Context
from tasks.remediation.report import counted
from tasks.response.watch import IncidentWatch
from tasks.survival.watchdog import GRACE, nobody_decided, silent, stuck_events

LOOKED_BACK = timedelta(days=1)
"""How far back an approval that nobody gave is told here; the watchdog tells it for an hour."""
DOCTOR = "doctor"


def ask_incidents(context: Context, state: State) -> None:
    """Open incidents, and what of them is late."""
    found = IncidentWatch().look(context, None)
    open_ones: dict[str, Incident] = {one.id: one for one in found.facts}
    for reason in found.reasons:
        one = open_ones.get(reason.partition(" ")[0])
        late = one.next_update_at if one is not None and "update was promised" in reason else None
        whose = one.first.commander if one is not None else ""
        since = late or (one.declared_at if one is not None else None)
        item = from_sentence(reason, since=since, whose=whose)
        show = f"remediate incident show {one.id}" if one is not None else "remediate incident list"
        state.parts["overdue"].items.append(item if item.next else replace(item, next=show))
    for one in open_ones.values():
        if one.status == "open":
            state.parts["broken"].items.append(
                Item(
                    f"Incident {one.id} is open: {one.first.title} ({one.first.severity}, phase {one.phase}).",
                    one.declared_at,
                    one.first.commander,
                    f"remediate incident show {one.id}",
                )
            )
    state.parts["overdue"].unknown += [Unknown(note, "remediate incident list") for note in found.notes]


def ask_approvals(context: Context, state: State) -> None:
    """Approvals whose time ran out."""
    need_prefect()
    for one in undecided(state.at - LOOKED_BACK):
        (sentence,) = nobody_decided([one])
        state.parts["overdue"].items.append(
            Item(sentence, one.ended, next="prefect flow-run ls --state FAILED --limit 20")
        )


def ask_schedules(context: Context, state: State) -> None:
    """Schedules that did not run; and the doctor's last run, which leaves its result nowhere else."""
    need_prefect()
    known = scheduled_deployments(GRACE)
    for one in known:
        for sentence in silent(one):
            command = "prefect flow-run ls --state CRASHED" if "crashed" in sentence else "prefect work-pool ls"
            state.parts["overdue"].items.append(Item(sentence, one.late or one.last, next=command))
    doctor = next((one for one in known if one.name == DOCTOR), None)
    if doctor is not None and doctor.last is not None:
        state.parts["proved"].items.append(examined(doctor))
    else:
        state.parts["proved"].unknown.append(Unknown("No run of the doctor has ended yet.", "remediate doctor"))


def examined(doctor: ScheduledDeployment) -> Item:
    """How the doctor's last run ended."""
    well = doctor.last_state == "COMPLETED"
    said = "found nothing that will not work" if well else f"ended {doctor.last_state.lower()}: something will not work"
    return Item(f"The doctor {said}.", doctor.last, "doctor", "" if well else "remediate doctor", acts=not well)


def ask_slots(context: Context, state: State) -> None:
    """Slots that no run holds."""
    need_prefect()
    command = "prefect gcl ls"
    state.parts["overdue"].items += [Item(f"{one}: free them.", next=command) for one in leaked_slots(GRACE)]


def ask_events(context: Context, state: State) -> None:
    """Events that the receiver keeps and that nobody handles."""
    state.parts["overdue"].items += [
        Item(sentence, next="remediate events dead" if "could not be handled" in sentence else "remediate doctor")
        for sentence in stuck_events(context)
    ]


def ask_overrides(context: Context, state: State) -> None:
    """Findings of the override audit whose date is over, as the last audit has recorded them."""
    late = read_known(context).open(state.at)
    if late:
        said = f"{counted(len(late), 'finding')} about overrides should have been settled: {late[0].sentence}"
        state.parts["overdue"].items.append(Item(said, min(one.due for one in late), next="remediate override audit"))


def need_prefect() -> None:
    """Raises `TemporaryError` when no Prefect server is named: asked all the same, Prefect would start one of its own."""
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        raise TemporaryError("No Prefect server is named: set PREFECT_API_URL, as in http://127.0.0.1:4200/api.")
