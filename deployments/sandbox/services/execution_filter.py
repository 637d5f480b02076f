"""The `filter` of Workflow Executions' ListExecutions, as far as Google documents it and the flows use it.

Google (Workflow Executions API, `projects.locations.workflows.executions.list`) names the fields executionId, state,
createTime, startTime, endTime, duration, workflowRevisionId, stepName and label, and refers to AIP-160 for the grammar,
with `startTime>"2023-08-01" AND state="FAILED"` as an example. Served here: executionId, state, the three times and
`label.KEY`, joined by AND. Anything else is refused, so that nothing depends on what the sandbox makes up. (Google
shows no example with a label; `label.KEY` is AIP-160's way to name one key of a map.)
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from deployments.sandbox.services.executions import Execution
from deployments.sandbox.services.rpc import Refusal, invalid

Predicate = Callable[[Execution], bool]

_TERM = re.compile(r'\s*([A-Za-z][\w.-]*)\s*(<=|>=|!=|=|<|>)\s*("(?:[^"\\]|\\.)*"|[^\s()"]+)\s*')
_OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_STATES = ("ACTIVE", "SUCCEEDED", "FAILED", "CANCELLED", "UNAVAILABLE", "QUEUED")
_TIMES: dict[str, Callable[[Execution], datetime | None]] = {
    "createTime": lambda execution: execution.created,
    "startTime": lambda execution: execution.created,
    "endTime": lambda execution: execution.ended,
}


def parse_filter(text: str) -> Predicate:
    """What `text` asks of an execution; an empty text asks for nothing.

    Raises:
        Refusal: INVALID_ARGUMENT for anything that is not documented or not served here.
    """
    terms: list[Predicate] = []
    position = 0
    while text.strip():
        match = _TERM.match(text, position)
        if match is None:
            raise _unreadable(text)
        terms.append(_term(*match.groups()))
        position = match.end()
        if position == len(text):
            break
        if not text.startswith("AND ", position):
            raise _unreadable(text)
        position += len("AND ")
    return lambda execution: all(term(execution) for term in terms)


def _term(name: str, sign: str, raw: str) -> Predicate:
    value = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw.startswith('"') else raw
    if name in _TIMES:
        return _compare(_TIMES[name], _OPERATORS[sign], _time(value))
    if sign not in ("=", "!="):
        raise invalid(f"filter: '{name}' can be compared with = and != only, not with {sign}.")
    if name == "state":
        if value not in _STATES:
            raise invalid(f"filter: '{value}' is not a state of an execution; use one of {', '.join(_STATES)}.")
        return _compare(lambda execution: execution.state, _OPERATORS[sign], value)
    if name == "executionId":
        return _compare(lambda execution: execution.id, _OPERATORS[sign], value)
    if name.startswith("label."):
        key = name.removeprefix("label.")
        return _compare(lambda execution: execution.labels.get(key), _OPERATORS[sign], value)
    raise invalid(f"filter: the sandbox does not filter by '{name}'.")


def _compare(read: Callable[[Execution], Any], compare: Callable[[Any, Any], bool], value: object) -> Predicate:
    """AIP-160: a field that is not set matches no comparison."""

    def holds(execution: Execution) -> bool:
        actual = read(execution)
        return actual is not None and compare(actual, value)

    return holds


def _time(value: str) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise invalid(f"filter: '{value}' is not an RFC 3339 time such as 2026-01-18T12:00:00Z.") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _unreadable(text: str) -> Refusal:
    return invalid(f'filter: cannot read {text!r}; write terms such as state="ACTIVE" and join them with AND.')
