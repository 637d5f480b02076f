"""Everything that was planted is found by its code, in its scene, and nothing else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.override_audit.audit import Audited
from tasks.override_audit.finding import CODES
from tests.override_audit.planted import ALLOWED, KINDS, WITHOUT_A_SCENE, code_of
from tests.override_audit.world import audited, codes, environment_of


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Sandbox, PipelineEnvironment]]:
    with Sandbox(job_seconds=0.02, seed=7) as sandbox:
        environment = environment_of(sandbox)
        environment.catalogue_overlay = ALLOWED
        yield sandbox, environment
        environment.close()


@pytest.fixture(scope="module")
def seen(world: tuple[Sandbox, PipelineEnvironment]) -> Audited:
    sandbox, environment = world
    for scene, plant in KINDS.values():
        plant(sandbox, environment, scene)
    return audited(environment)


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_override_is_found_by_its_code_and_by_no_other(seen: Audited, kind: str) -> None:
    scene, code = KINDS[kind][0], code_of(kind)
    if code in WITHOUT_A_SCENE:
        assert code in codes(seen)
        assert codes(seen, scene) == set()
    else:
        assert codes(seen, scene) == {code}


def test_nothing_is_found_that_was_not_planted(seen: Audited) -> None:
    wanted = Counter(code_of(kind) for kind in KINDS)
    assert Counter(one.code for one in seen.findings) == wanted
    assert seen.facts.unknown == []


def test_every_code_is_planted() -> None:
    assert set(CODES) == {code_of(kind) for kind in KINDS}


def test_every_finding_says_what_to_do_and_by_when(seen: Audited) -> None:
    for one in seen.findings:
        assert one.todo.endswith(".") and one.sentence.endswith((".", "name."))
        assert one.due > seen.facts.now
