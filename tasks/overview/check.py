"""The overview as a check: what is looked at, the word that comes of it, and the page that it keeps.

remediation/overview.html      always the last one, so that its address can be kept; the bucket has the former ones
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.overview.ask import look_at_all
from tasks.overview.report import markup, sections, sentence
from tasks.overview.state import State
from tasks.remediation.check import Check, Findings
from tasks.remediation.context import Context
from tasks.remediation.latest_page import put
from tasks.remediation.outcome import Outcome
from tasks.remediation.page import sections_page
from tasks.remediation.report import Section

PAGE = "remediation/overview.html"


@dataclass(frozen=True, slots=True)
class Question:
    """How it is looked."""

    keep: bool = False
    """Whether the page is written: the one thing an overview leaves."""


class Overview(Check[Question]):
    """The state of everything. `Findings.facts` is the `State`."""

    name = "overview"

    def look(self, context: Context, question: Question) -> Findings:
        """Ask everything at once; what must be done by a person comes first."""
        state = look_at_all(context)
        found = Findings(word_of(state), facts=state, summary=sentence(state))
        found.reasons = [item.what for item in state.acts[:10]] or [one.what for one in state.unknown[:10]]
        found.sections = list(sections(state, context.environment.catalogue))
        if question.keep:
            found.page = keep(context, state, found.sections)
        return found


def word_of(state: State) -> Outcome:
    """`failed` when a person must act, `partial` when not everything could be asked."""
    return "failed" if state.acts else "partial" if state.unknown else "nothing_to_do"


def keep(context: Context, state: State, found: list[Section]) -> str:
    """Write the page; a line of Markdown that says where it is, or why there is none."""
    page = page_of(state, found, context.environment.project)
    return put(context.environment, PAGE, page, "This overview as a page, always the last one")


def page_of(state: State, found: list[Section], project: str) -> str:
    """The page."""
    title = f"Overview of {project}" if project else "Overview"
    head = f"# {markup(title)}\n\n{state.at:%Y-%m-%d %H:%M:%S} UTC: {sentence(state)}."
    return sections_page(title, head, found)
