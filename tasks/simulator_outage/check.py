"""The services that simulate as a check: is each of them well, and is the simulation real? Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from blocks.errors import OutsideError
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.lease import LeaseDamaged
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.outcome import Outcome
from tasks.simulator_outage.facts import ServiceState, SimulatorFacts, SwitchFinding
from tasks.simulator_outage.judge import judge, switch_findings
from tasks.simulator_outage.look import HealthQuestion, look_at_services
from tasks.simulator_outage.owed import Owed, at_work, owed_now
from tasks.simulator_outage.report import sections, summary


@dataclass(frozen=True, slots=True)
class Judged:
    """Facts with their judgement."""

    facts: SimulatorFacts
    states: tuple[ServiceState, ...]
    switches: tuple[SwitchFinding, ...]
    owed: tuple[Owed, ...] = ()
    """Restarts of services that serve by now, and that nobody has proved."""
    busy: bool = False
    """Somebody is just ending an outage, or making what is owed."""
    unread: tuple[str, ...] = ()
    """Why nobody can tell what is owed."""

    @property
    def answers(self) -> dict[str, str]:
        """For which services simulator-outage has something to do now, and why, one sentence each."""
        if self.busy:
            return {}
        due = {one.service: f"{one.sentence}." for one in self.owed}
        return due | {one.name: one.sentence for one in self.states if one.out}

    @property
    def on_in_production(self) -> tuple[SwitchFinding, ...]:
        """Switches of jobs that say that they are production's."""
        return tuple(one for one in self.switches if one.production)

    @property
    def reasons(self) -> list[str]:
        """What somebody must see to."""
        out = [one.sentence for one in self.states if one.out]
        against = [f"{one.name}: {sign}" for one in self.states for sign in one.against]
        how = "remediate simulator restart --apply makes it"
        owed = [f"{one.sentence}: {how}." for one in self.owed if not self.busy]
        return [*out, *against, *owed, *(one.sentence for one in self.on_in_production)]

    @property
    def doubts(self) -> list[str]:
        """What is not known."""
        unknown = [one.sentence for one in self.states if one.looked and one.word == "unknown"]
        return [*unknown, *self.facts.unseen, *self.unread]

    @property
    def notes(self) -> list[str]:
        """What is worth knowing."""
        waits = [one.sentence for one in self.states if one.word == "restarting" or not one.looked]
        warnings = [f"{one.name}: {sign}" for one in self.states for sign in one.warnings]
        busy = ["Somebody is just ending an outage, or proving that it has ended."] if self.busy else []
        return [*waits, *busy, *warnings, *(one.sentence for one in self.switches if not one.production)]


def judged(context: Context, question: HealthQuestion) -> Judged:
    """Look, and judge what was seen."""
    facts = look_at_services(context.environment, question)
    rules = context.environment.catalogue.simulation_switches
    states = tuple(judge(one, facts.at) for one in facts.services)
    switches = tuple(switch_findings(rules, facts.jobs))
    waits = {one.name for one in states if one.out or one.word == "restarting"}
    try:
        owed = tuple(one for one in owed_now(context) if one.service not in waits)
        return Judged(facts, states, switches, owed, at_work(context))
    except (OutsideError, LedgerDamaged, LeaseDamaged) as error:
        return Judged(facts, states, switches, unread=(str(error),))


class SimulatorCheck(Check[HealthQuestion]):
    """Whether the services that simulate are well. `Findings.facts` are `Judged`."""

    name = "simulator-check"

    def look(self, context: Context, question: HealthQuestion) -> Findings:
        """Ask every service from every side. What is being restarted is no outage; what could not be asked is unknown."""
        found = judged(context, question)
        return Findings(
            outcome=word_of(found),
            reasons=[*found.reasons, *found.doubts],
            notes=found.notes,
            summary=summary(found.states),
            sections=list(sections(found.states, found.switches, found.facts.unseen)),
            facts=found,
        )


def word_of(found: Judged) -> Outcome:
    """`failed` when a person must act, `partial` when something could not be told."""
    return "failed" if found.reasons else "partial" if found.doubts else "nothing_to_do"
