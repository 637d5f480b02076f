"""The services that simulate as a check: is each of them well, and is the simulation real? Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.outcome import Outcome
from tasks.simulator_outage.facts import ServiceState, SimulatorFacts, SwitchFinding
from tasks.simulator_outage.judge import judge, switch_findings
from tasks.simulator_outage.look import HealthQuestion, look_at_services
from tasks.simulator_outage.report import sections, summary


@dataclass(frozen=True, slots=True)
class Judged:
    """Facts with their judgement."""

    facts: SimulatorFacts
    states: tuple[ServiceState, ...]
    switches: tuple[SwitchFinding, ...]

    @property
    def on_in_production(self) -> tuple[SwitchFinding, ...]:
        """Switches of jobs that say that they are production's."""
        return tuple(one for one in self.switches if one.production)

    @property
    def reasons(self) -> list[str]:
        """What somebody must see to."""
        out = [one.sentence for one in self.states if one.out]
        against = [f"{one.name}: {sign}" for one in self.states for sign in one.against]
        return [*out, *against, *(one.sentence for one in self.on_in_production)]

    @property
    def doubts(self) -> list[str]:
        """What is not known."""
        unknown = [one.sentence for one in self.states if one.looked and one.word == "unknown"]
        return [*unknown, *self.facts.unseen]

    @property
    def notes(self) -> list[str]:
        """What is worth knowing."""
        waits = [one.sentence for one in self.states if one.word == "restarting" or not one.looked]
        warnings = [f"{one.name}: {sign}" for one in self.states for sign in one.warnings]
        return [*waits, *warnings, *(one.sentence for one in self.switches if not one.production)]


def judged(context: Context, question: HealthQuestion) -> Judged:
    """Look, and judge what was seen."""
    facts = look_at_services(context.environment, question)
    rules = context.environment.catalogue.simulation_switches
    states = tuple(judge(one, facts.at) for one in facts.services)
    return Judged(facts, states, tuple(switch_findings(rules, facts.jobs)))


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
