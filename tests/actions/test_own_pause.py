"""The pipeline's own pause is set by generation and put back byte by byte; what the pipeline has written since is its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from blocks.catalogue_load import load_catalogue
from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError
from deployments.sandbox.server import Sandbox
from tasks.actions.own_pause import SetOwnPause, own_pause_action, set_own_pause
from tasks.pipeline.own_pause import own_pause, paused_by_others
from tasks.remediation.context import Context
from tasks.remediation.kind import Doing, NoWayBack
from tasks.validation.stages.guards import bucket_guards, judge
from tests.remediation.world import apply, begun, inverse, look

DATA = "sandbox-scenes"
MARKER, STATE = "automation/text_daily/.paused", "automation/text_daily/state.json"
WELL = b'{"schema_version":"v1","consecutive_failures":0,  "paused":false}\n'
THEIRS = b'{"schema_version":"v1","paused":true,"reason":"consecutive_failures_threshold"}'


@pytest.fixture
def daily(context: Context, sandbox: Sandbox) -> Iterator[Context]:
    """A pipeline with a daily automation that has run."""
    context.environment.catalogue_overlay = "2026-06"
    for name in (MARKER, STATE):
        if sandbox.store.get(DATA, name) is not None:
            sandbox.store.delete(DATA, name)
    sandbox.store.put(DATA, STATE, WELL)
    yield context


def setting(context: Context, name: str) -> Doing:
    """Setting it in one object as it is now."""
    now = next(one for one in own_pause(context.environment) if one.name == name)
    params = SetOwnPause(name=name, want="paused", former=now.text, generation=now.generation)
    return begun(context, own_pause_action(params, "a test"), "@intake")


def body(sandbox: Sandbox, name: str) -> bytes | None:
    found = sandbox.store.get(DATA, name)
    return None if found is None else found.data


def test_the_shipped_overlay_knows_the_switch_and_the_shipped_pipeline_has_none(
    environment: PipelineEnvironment,
) -> None:
    assert own_pause(environment) == ()
    assert load_catalogue("2026-06").own_pause is not None


@pytest.mark.parametrize("name", [MARKER, STATE])
def test_it_is_set_and_put_back_byte_by_byte(daily: Context, sandbox: Sandbox, name: str) -> None:
    before, acting = body(sandbox, name), setting(daily, name)
    assert look(set_own_pause, acting) is None
    assert apply(set_own_pause, acting) == "paused"
    said = json.loads(body(sandbox, name) or b"")
    assert (said["paused"], said["remediation_run"]) == (True, acting.journal.run)
    assert look(set_own_pause, acting) == "paused"
    back = inverse(set_own_pause, acting)
    assert back is not None
    lifting = begun(daily, back, "@intake")
    assert look(set_own_pause, lifting) is None
    assert apply(set_own_pause, lifting) == "as before"
    assert body(sandbox, name) == before
    assert look(set_own_pause, lifting) == "as before"


def test_what_the_state_holds_beside_is_kept_meanwhile(daily: Context, sandbox: Sandbox) -> None:
    apply(set_own_pause, setting(daily, STATE))
    assert json.loads(body(sandbox, STATE) or b"")["consecutive_failures"] == 0


@pytest.mark.parametrize("name", [MARKER, STATE])
def test_what_was_written_since_it_was_seen_is_not_replaced(daily: Context, sandbox: Sandbox, name: str) -> None:
    acting = setting(daily, name)
    sandbox.store.put(DATA, name, THEIRS)
    assert "is left as it is" in apply(set_own_pause, acting)
    assert body(sandbox, name) == THEIRS
    assert inverse(set_own_pause, acting) is None


@pytest.mark.parametrize("name", [MARKER, STATE])
def test_a_pause_that_the_pipeline_makes_meanwhile_is_not_lifted_and_is_told(
    daily: Context, sandbox: Sandbox, name: str
) -> None:
    acting = setting(daily, name)
    apply(set_own_pause, acting)
    assert paused_by_others(own_pause(daily.environment)) == ""
    sandbox.store.put(DATA, name, THEIRS)
    assert inverse(set_own_pause, acting) is None
    told = paused_by_others(own_pause(daily.environment))
    assert "(consecutive_failures_threshold)" in told
    assert name in told


def test_one_that_was_lifted_by_a_success_meanwhile_stays_so(daily: Context, sandbox: Sandbox) -> None:
    acting = setting(daily, MARKER)
    apply(set_own_pause, acting)
    sandbox.store.delete(DATA, MARKER)
    assert (look(set_own_pause, acting), inverse(set_own_pause, acting)) == (None, None)


def test_a_journal_that_names_another_object_reaches_nothing(daily: Context, sandbox: Sandbox) -> None:
    sandbox.store.put(DATA, "scenes/a/config.json", b"{}")
    found = sandbox.store.get(DATA, "scenes/a/config.json")
    assert found is not None
    params = SetOwnPause(name=found.name, want="as before", former=None, generation=found.generation)
    with pytest.raises(PermanentError, match="no object of the pipeline's own pause"):
        apply(set_own_pause, begun(daily, own_pause_action(params, "a test"), "@intake"))
    assert body(sandbox, found.name) == b"{}"
    sandbox.store.delete(DATA, found.name)


def test_lifting_it_is_not_taken_back(daily: Context) -> None:
    acting = setting(daily, MARKER)
    apply(set_own_pause, acting)
    back = inverse(set_own_pause, acting)
    assert back is not None
    with pytest.raises(NoWayBack, match="pause intake"):
        inverse(set_own_pause, begun(daily, back, "@intake"))


@pytest.mark.parametrize("name", [MARKER, STATE])
def test_a_pause_of_intake_stops_no_recovery_and_the_pipelines_own_does(
    daily: Context, sandbox: Sandbox, name: str
) -> None:
    guard = next(guard for path, guard in bucket_guards(daily.environment.catalogue) if path == name)
    apply(set_own_pause, setting(daily, name))
    ours, theirs = judge(guard, name, body(sandbox, name)), judge(guard, name, THEIRS)
    assert ours is not None
    assert theirs is not None
    assert (ours.active, theirs.active) == (False, True)
    assert "stops no recovery" in ours.sentence


@pytest.mark.parametrize(("data", "text"), [(b"\xff\xfe", None), (b"{", "{"), (b"[1]", "[1]"), (b"", "")])
def test_an_object_that_is_no_record_pauses_nothing_and_is_put_back_if_it_is_text(
    daily: Context, sandbox: Sandbox, data: bytes, text: str | None
) -> None:
    sandbox.store.put(DATA, STATE, data)
    state = own_pause(daily.environment)[1]
    assert (state.pauses, state.text, state.known) == (False, text, text is not None)
    if state.known:
        acting = setting(daily, STATE)
        apply(set_own_pause, acting)
        back = inverse(set_own_pause, acting)
        assert back is not None
        apply(set_own_pause, begun(daily, back, "@intake"))
        assert body(sandbox, STATE) == data
