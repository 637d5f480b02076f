"""Attending to a case, the third shape: its lease, its questions and its words, once for every case.

    begin -> lease -> work -> a question? -> the lease is given back -> a person -> lease -> work ... -> end

A person is asked while nobody holds the case: nobody works while a person thinks, and a process that is suspended for the
answer holds nothing that another one would have to wait for.
"""

from __future__ import annotations

from collections.abc import Callable

from prefect.input import RunInput

from tasks.remediation.context import new_run_id
from tasks.remediation.outcome import outcome_of
from tasks.remediation.run import Run


class Asks(Exception):
    """A person must decide before anything more is done. Raised by the work."""

    def __init__(self, form: type[RunInput], key: str, page: str, otherwise: str) -> None:
        """The form, the key of its answer, what stands above it, and how to go on when nobody is there to answer."""
        super().__init__(key)
        self.form, self.key, self.page, self.otherwise = form, key, page, otherwise


def attend(one: Run, begin: Callable[[], str], work: Callable[[], None], answered: Callable[[Asks], bool]) -> None:
    """Carry a case on to its end, or to the first question that nobody answers. Never raises for what can go wrong.

    Args:
        one: The run; it ends `done`, `escalated` when nobody answers, or with the word of what went wrong.
        begin: Makes the case or reads it; the subject to lease, or empty when it has ended the run itself.
        work: Goes on from where the case stands, under its lease. Raises `Asks`.
        answered: Asks a person; whether there was one.
    """
    try:
        if not (subject := begin()):
            return None
        while (question := turn(one, subject, work)) is not None:
            if not answered(question):
                return one.end("escalated", question.otherwise)
        one.end("done")
    except Exception as error:
        one.end(*outcome_of(error))


def turn(one: Run, subject: str, work: Callable[[], None]) -> Asks | None:
    """The work under the case's lease, to its end or to a question. Raises what the work raises, and `LeaseBusy`."""
    with one.context.holding(subject, new_run_id()) as lease:
        one.leases = [lease]
        try:
            work()
        except Asks as question:
            return question
        finally:
            one.leases = []
    return None
