"""Which branch of a forked journal is kept, and that nothing is lost however often mending is begun."""

from __future__ import annotations

import pytest

from blocks.environment import PipelineEnvironment
from blocks.errors import PermanentError, PreconditionFailed
from deployments.sandbox.faults import FaultRule
from deployments.sandbox.server import Sandbox
from tasks.remediation.context import Context
from tasks.remediation.journal import Journal, read_journal
from tasks.remediation.lease import LeaseLost, lease_name
from tasks.remediation.ledger import LedgerDamaged
from tasks.remediation.plan import Plan
from tasks.remediation.repair import ROOT, repair

OPS, RUN = "sandbox-ops", "20990101t000000z-1"
PREFIX = f"remediation/journal/scene/{RUN}/"


def branch(environment: PipelineEnvironment, sandbox: Sandbox, name: str, *kinds: str) -> None:
    """Entries after the beginning, each under a name of its branch, as earlier versions wrote them."""
    journal = read_journal(environment.storage, OPS, "scene", RUN, name)
    for kind in kinds:
        entry = journal.append(kind, {"of": name})
        place = f"{PREFIX}{entry.sequence:06d}.json"
        found = sandbox.store.get(OPS, place)
        assert found is not None
        sandbox.store.put(OPS, place.replace(".json", f"-{name}.json"), found.data)
        sandbox.store.delete(OPS, place)


@pytest.fixture
def forked(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    """The beginning of a journal."""
    first = Journal(environment.storage, OPS, "scene", RUN, "first")
    first.append("begin", {"plan": Plan(procedure="p", subject="scene").model_dump(mode="json")})


def branches(environment: PipelineEnvironment, sandbox: Sandbox, **kinds: tuple[str, ...]) -> None:
    """All of them follow the beginning: each is put away until the others are written."""
    written: dict[str, bytes] = {}
    for name, ones in kinds.items():
        branch(environment, sandbox, name, *ones)
        for found in list(sandbox.store.list(OPS, PREFIX)):
            if not found.name.endswith("000001.json"):
                written[found.name] = found.data
                sandbox.store.delete(OPS, found.name)
    for name, data in written.items():
        sandbox.store.put(OPS, name, data)


def kept(environment: PipelineEnvironment) -> list[str]:
    """Whose entries follow the beginning."""
    entries = read_journal(environment.storage, OPS, "scene", RUN, "x").entries[1:]
    return [str(entry.data["of"]) for entry in entries]


def mend(environment: PipelineEnvironment) -> list[str]:
    """The names that were moved aside, without their folder."""
    return sorted(name.removeprefix(PREFIX) for name in repair(Context(environment, "ann"), "scene", RUN).aside)


def aside(sandbox: Sandbox) -> dict[str, bytes]:
    root = f"{ROOT}scene/{RUN}/"
    return {found.name.removeprefix(root): found.data for found in sandbox.store.list(OPS, root)}


@pytest.mark.parametrize(
    ("one", "other", "wins"),
    [
        (("note", "note"), ("note",), "one"),
        (("note", "note"), ("note", "end"), "other"),
        (("note", "end"), ("note", "note"), "one"),
        (("note", "note", "note"), ("note", "end"), "one"),
        (("note",), ("note",), "one"),  # the older one, of two that are equal otherwise
        (("end",), ("end",), "one"),
    ],
)
def test_the_longest_branch_is_kept_of_equal_ones_the_ended_one_then_the_older(
    environment: PipelineEnvironment,
    sandbox: Sandbox,
    forked: None,
    one: tuple[str, ...],
    other: tuple[str, ...],
    wins: str,
) -> None:
    branches(environment, sandbox, one=one, other=other)
    before = {found.name.removeprefix(PREFIX): found.data for found in sandbox.store.list(OPS, PREFIX)}
    moved = mend(environment)
    loser, length = ("other", len(other)) if wins == "one" else ("one", len(one))
    assert moved == [f"{number:06d}-{loser}.json" for number in range(2, 2 + length)]
    assert set(kept(environment)) == {wins}
    assert aside(sandbox) == {name: before[name] for name in moved}, "every byte of it is still there"


def test_of_two_branches_in_the_order_of_their_names_the_older_is_kept(
    environment: PipelineEnvironment, sandbox: Sandbox, forked: None
) -> None:
    branches(environment, sandbox, z_older=("note",), a_newer=("note",))
    assert mend(environment) == ["000002-a_newer.json"]


def test_an_entry_that_follows_nothing_is_moved_too(
    environment: PipelineEnvironment, sandbox: Sandbox, forked: None
) -> None:
    branches(environment, sandbox, one=("note", "note", "note"))
    sandbox.store.delete(OPS, f"{PREFIX}000002-one.json")
    assert mend(environment) == ["000003-one.json", "000004-one.json"]
    assert kept(environment) == []


def test_an_entry_at_the_wrong_place_is_not_in_the_chain(
    environment: PipelineEnvironment, sandbox: Sandbox, forked: None
) -> None:
    branches(environment, sandbox, one=("note",))
    name = f"{PREFIX}000002-one.json"
    found = sandbox.store.get(OPS, name)
    assert found is not None
    sandbox.store.put(OPS, name, found.data.replace(b'"sequence":2', b'"sequence":7'))
    assert mend(environment) == ["000002-one.json"]


def test_without_a_first_entry_nothing_is_changed(
    environment: PipelineEnvironment, sandbox: Sandbox, forked: None
) -> None:
    branches(environment, sandbox, one=("note", "end"))
    sandbox.store.delete(OPS, f"{PREFIX}000001.json")
    before = {found.name: found.generation for found in sandbox.store.list(OPS, PREFIX)}
    with pytest.raises(LedgerDamaged, match="has no first entry; nothing was changed"):
        mend(environment)
    assert {found.name: found.generation for found in sandbox.store.list(OPS, PREFIX)} == before


def test_mending_that_died_between_copy_and_removal_is_finished_by_the_next(
    environment: PipelineEnvironment, sandbox: Sandbox, forked: None
) -> None:
    branches(environment, sandbox, one=("note", "end"), other=("note",))
    sandbox.faults.add(FaultRule(service="storage", method="objects.delete", kind="status", status=403, times=1))
    with pytest.raises(PermanentError):
        mend(environment)
    assert list(aside(sandbox)) == ["000002-other.json"]
    sandbox.faults.clear()
    assert mend(environment) == ["000002-other.json"]
    assert kept(environment) == ["one", "one"]


def test_something_else_in_the_place_of_a_copy_stops_it_before_anything_is_removed(
    environment: PipelineEnvironment, sandbox: Sandbox, forked: None
) -> None:
    branches(environment, sandbox, one=("note", "end"), other=("note",))
    sandbox.store.put(OPS, f"{ROOT}scene/{RUN}/000002-other.json", b"somebody's")
    with pytest.raises(PreconditionFailed):
        mend(environment)
    assert sandbox.store.get(OPS, f"{PREFIX}000002-other.json") is not None
    assert aside(sandbox) == {"000002-other.json": b"somebody's"}


def test_nothing_is_moved_once_the_lease_is_somebody_elses(
    environment: PipelineEnvironment, sandbox: Sandbox, forked: None
) -> None:
    branches(environment, sandbox, one=("note", "end"), other=("note",))
    draw, stolen = sandbox.faults.draw, []

    def steal(service: str, method: str, kinds: object = None) -> object:
        if method == "objects.list" and not stolen:
            found = sandbox.store.get(OPS, lease_name("scene"))
            assert found is not None
            stolen.append(sandbox.store.put(OPS, found.name, found.data, quiet=True))
        return draw(service, method, kinds)  # type: ignore[arg-type]

    sandbox.faults.draw = steal  # type: ignore[method-assign, assignment]
    with pytest.raises(LeaseLost):
        mend(environment)
    assert aside(sandbox) == {}
    assert sandbox.store.get(OPS, f"{PREFIX}000002-other.json") is not None
