"""The phases of an incident's response: declare, stabilise, diagnose, mitigate, communicate, resolve, review.

The state is the record. Each phase reads what is there, does what is missing, and says which comes next; so it can be
suspended for a person at any point, killed anywhere, and carried on days later by another process. One process at a time
works on an incident: it holds the incident's lease.

Handbook: 'Incident response'.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tasks.delivery.pauses import SUBJECT
from tasks.incidents.entries import Decided, Diagnosed, Noted, Phase, Reopened, Resolved, Updated
from tasks.intake.pause import PauseIntake, PauseRequest
from tasks.remediation.run import Run
from tasks.response.acting import act
from tasks.response.active import active_executions, active_sentence
from tasks.response.diagnosis import diagnosis_of
from tasks.response.evidence import capture, is_captured
from tasks.response.faults import look_again_once, still_wrong
from tasks.response.forms import Mitigation, Resolution, Update
from tasks.response.in_force import gives_back, in_force
from tasks.response.mitigation import carry_out, decision_of, mitigation_page
from tasks.response.response import Response
from tasks.response.review import write_review


def carry_on(response: Response) -> None:
    """Go on from where the record stands until the review is written. Raises `Asks`."""
    while True:
        response.one.check(goes_on=True)
        incident = response.reread()
        phase = where(response)
        if phase != incident.phase:
            response.enter(phase)
        following = PHASE[phase](response)
        if following is None:
            return
        response.enter(following)


def where(response: Response) -> Phase:
    """The phase that the record asks for: one that was resolved by hand is reviewed, one that was reopened diagnosed anew."""
    incident = response.incident
    if incident.resolved is not None:
        return "review"
    reopened = [entry.sequence for entry, _ in incident.all_of(Reopened)]
    if reopened and reopened[-1] > response.entered():
        return "diagnose"
    return incident.phase


def declare(_response: Response) -> Phase:
    """It is declared: the record is there."""
    return "stabilise"


def stabilise(response: Response) -> Phase:
    """Pause intake if that is wanted, say what is running, and keep the evidence. No execution is cancelled."""
    context, incident = response.context, response.incident
    if response.wanted.pauses(incident.first.severity):
        pause(response)
    if incident.case.find(Noted.kind, response.key("active")) is None:
        found, unknown = active_executions(context.environment)
        response.say_once(response.key("active"), Noted(text=active_sentence(found, unknown)))
    if not is_captured(context, incident):
        context.say(f"{incident.id}: evidence")
        captured = capture(context, incident)
        context.say(f"{incident.id}: {captured.sentence()}")
    return "diagnose"


def pause(response: Response) -> None:
    """Pause intake, once, for this incident."""
    incident = response.incident
    request = PauseRequest(mode="apply", reason=f"incident {incident.id}: {incident.first.title}", case=incident.id)

    def pause_it() -> Run:
        return response.run(PauseIntake(), request)

    act(response.context, incident, response.key("pause"), SUBJECT, pause_it, gives_back)


def diagnose(response: Response) -> Phase:
    """Look for causes, once each time it comes here."""
    key = response.key("diagnosis")
    if response.incident.case.find(Diagnosed.kind, key) is None:
        response.context.say(f"{response.id}: looking for causes")
        found, faults = diagnosis_of(response.context, response.incident)
        for fault in faults:
            response.say_once(f"{key}:{fault.key}", fault)
        response.say_once(key, found)
    return "mitigate"


def mitigate(response: Response) -> Phase:
    """Do what a person decides, until they say that nothing more is to be done. A decision is recorded before it is done."""
    tried = any(acted.procedure == PauseIntake.name for _, acted in response.incident.actions)
    if response.wanted.pause == "yes" and not tried:
        pause(response)  # somebody wants it only now
    while True:
        for key, decided in response.decisions():
            carry_out(response, key, decided)
            if decided.choice == "go_on":
                return "communicate"
            look_again_once(response, f"{key}-looked")
        number = len(response.decisions()) + 1
        answer = response.ask(Mitigation, number, mitigation_page(response))
        response.say_once(response.key(f"ask-{number}"), decision_of(response, answer))


def communicate(response: Response) -> Phase:
    """One status update; sending it is not done here."""
    key = response.key("ask-1")
    if any(response.incident.case.find(kind, key) for kind in (Updated.kind, Decided.kind)):
        return "resolve"
    answer = response.ask(Update, 1, f"# {response.incident.first.title}\n\nWhat shall be told about {response.id}?")
    if not answer.impact.strip():
        response.say_once(key, Decided(by=answer.by, phase="communicate", choice="no update"))
        return "resolve"
    minutes = answer.next_update_minutes
    promised = datetime.now(UTC) + timedelta(minutes=minutes) if minutes else None
    said = Updated(impact=answer.impact, mitigation=answer.mitigation, eta=answer.eta, next_update_at=promised)
    response.say_once(key, said)
    return "resolve"


def resolve(response: Response) -> Phase:
    """Ask whether it is over. Refused while its pause is in force, unless the person says so."""
    while True:
        done = [said for _, said in response.decisions()]
        if done and done[-1].choice == "not_yet":
            return "mitigate"
        number, refused = len(done) + 1, done[-1].text if done else ""
        wrong = [f"Not seen to be right again: {one}" for one in still_wrong(response.incident)]
        parts = [
            f"# {response.incident.first.title}",
            f"Is {response.id} over?",
            *wrong,
            *([f"> {refused}"] if refused else []),
        ]
        page = "\n\n".join(parts)
        answer = response.ask(Resolution, number, page)
        key, why_not = response.key(f"ask-{number}"), objection(response, answer)
        if answer.choice == "resolved" and not why_not:
            say_resolved(response, key, answer)
            return "review"
        choice = "refused" if why_not else answer.choice
        response.say_once(key, Decided(by=answer.by, phase="resolve", choice=choice, text=why_not))


def say_resolved(response: Response, key: str, answer: Resolution) -> None:
    """It is over; what stays in force is said with it."""
    if left := in_force(response.context, response.incident):
        response.say_once(f"{key}-although", Noted(text=f"Resolved although {'; '.join(left)}"))
    at = answer.at.astimezone(UTC) if answer.at is not None else None
    response.say_once(key, Resolved(how=answer.how, at=at))


def objection(response: Response, answer: Resolution) -> str:
    """Why it cannot be resolved so; empty when it can, or when that was not asked."""
    if answer.choice != "resolved":
        return ""
    if not answer.how.strip():
        return "Say how it ended: whoever reads the review must know."
    return "" if answer.although_paused else still_paused(response)


def still_paused(response: Response) -> str:
    """One sentence when its pause is in force."""
    left = in_force(response.context, response.incident)
    return (
        f"Not resolved: {'; '.join(left)}. Resume first, or say that it is resolved although intake is paused."
        if left
        else ""
    )


def review(response: Response) -> None:
    """Write the report."""
    write_review(response.context, response.incident)


PHASE: dict[Phase, Callable[[Response], Phase | None]] = {
    "declare": declare,
    "stabilise": stabilise,
    "diagnose": diagnose,
    "mitigate": mitigate,
    "communicate": communicate,
    "resolve": resolve,
    "review": review,
}
