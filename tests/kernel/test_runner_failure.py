"""After a final error nothing more is begun but what gives back, and what was done is in the journal."""

from __future__ import annotations

from typing import Any

from blocks.errors import PermanentError
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.runner import run
from tests.kernel.fake import (
    APPLY,
    OPS,
    SUBJECT,
    an_action,
    fake,
    launch,
    put,
    release,
)
from tests.kernel.world import journals, tried


def test_after_the_first_final_error_nothing_more_of_the_step_is_begun(context: Context, sandbox: Sandbox) -> None:
    def refuse(doing: Any, params: Any) -> str:
        sandbox.store.put(OPS, f"asked/{params.name}", b"", quiet=True)
        raise PermanentError("403")

    many = tuple(an_action(put, f"n{number:03d}", step="all") for number in range(600))
    failing = fake(actions=many)
    failing.kinds = (put.__class__(name="put", params=put.params, effect="write", apply=refuse),)
    one = run(failing, context, APPLY)
    assert one.outcome == "failed"
    assert len(list(sandbox.store.list(OPS, "asked/"))) <= 8, "no more than what was under way at the same time"


def test_what_was_done_before_an_error_is_in_the_journal(context: Context, sandbox: Sandbox) -> None:
    def sometimes(doing: Any, params: Any) -> str:
        if params.name == "z":
            raise PermanentError("no")
        return put.apply(doing, params)

    failing = fake(actions=(an_action(put, "a", step="all"), an_action(put, "z", step="all")))
    failing.kinds = (put.__class__(name="put", params=put.params, effect="write", apply=sometimes),)
    run(failing, context, APPLY)
    (journal,) = journals(context.environment, sandbox, SUBJECT)
    assert "put:z" not in journal.outcomes()
    assert journal.ended


def test_after_a_failure_what_gives_back_is_done_and_nothing_else(context: Context, sandbox: Sandbox) -> None:
    def fail(doing: Any, params: Any) -> str:
        raise PermanentError("broken")

    actions = (
        an_action(put, "hold"),
        an_action(launch, "broken"),
        an_action(put, "never"),
        an_action(release, "give back", always=True),
    )
    failing = fake(actions=actions, word="partial")
    broken = launch.__class__(name="launch", params=launch.params, effect="start", apply=fail)
    failing.kinds = (put, broken, release)
    one = run(failing, context, APPLY)
    assert (one.outcome, tried(sandbox)) == ("partial", {"hold": 1, "give back": 1})
    assert one.reasons[0] == "broken"
