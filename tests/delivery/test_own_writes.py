"""A run's own writes are told from everybody else's by name and generation, even those of a part that was killed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.environment import PipelineEnvironment
from deployments.sandbox.server import Sandbox
from tasks.actions.object_lists import Done, Item, ListName, create, line_of, part_name, write_done
from tasks.delivery.own_writes import OwnWrites, written_by

DATA = "sandbox-scenes"


def send(environment: PipelineEnvironment, items: Iterable[Item], which: ListName = "data", number: int = 0) -> None:
    create(environment, part_name("r", which, number), [line_of(one) for one in items])


def item(sandbox: Sandbox, name: str, content: bytes, live: bytes | None = None, replaces: bytes | None = None) -> Item:
    """The wish to put `content` there, and what is live; `replaces`: what was live when that was planned."""
    planned = 0 if replaces is None else sandbox.store.put(DATA, name, replaces, quiet=True).generation
    if live is not None:
        sandbox.store.put(DATA, name, live, quiet=True)
    wanted = sandbox.store.put("sandbox-backup", name, content, quiet=True)
    return Item(name, "backup", "b", name, 1, wanted.size, wanted.crc32c, "2026-01-01T00:00:00Z", planned)


def generation(sandbox: Sandbox, name: str) -> int:
    found = sandbox.store.get(DATA, name)
    return 0 if found is None else found.generation


def test_of_a_part_that_has_ended_its_record_tells(environment: PipelineEnvironment, sandbox: Sandbox) -> None:
    names = ("a", "b", "c")
    send(environment, [item(sandbox, name, b"good", live=b"good") for name in names])
    done = [Done("a", 7, "done"), Done("b", 0, "changed"), Done("c", 0, "gone")]
    write_done(environment, "r", "data", 0, done)
    with written_by(environment, ["r"]) as written:
        assert ("a", 7) in written
        assert [(name, one) in written for name, one in (("a", 8), ("b", 7), ("b", 0), ("c", 0))] == [False] * 4
        assert ("a", generation(sandbox, "a")) not in written


@pytest.mark.parametrize(
    ("live", "replaces", "own"),
    [
        (b"good", None, True),
        (b"good", b"bad", True),
        (b"evil", None, False),  # as long, other bytes
        (b"somebody's", b"bad", False),
        (None, b"good", False),  # it was so when it was planned, and nobody has written it since
        (None, b"bad", False),
        (None, None, False),
    ],
)
def test_of_one_that_was_killed_the_live_object_tells(
    environment: PipelineEnvironment, sandbox: Sandbox, live: bytes | None, replaces: bytes | None, own: bool
) -> None:
    send(environment, [item(sandbox, "x", b"good", live, replaces)])
    with written_by(environment, ["r"]) as written:
        assert (("x", generation(sandbox, "x")) in written) == own
        assert written.count(lambda _: True) == own


def test_data_and_extra_of_all_runs_are_own_and_markers_are_everybodys(
    environment: PipelineEnvironment, sandbox: Sandbox
) -> None:
    for which in ("data", "extra", "markers"):
        send(environment, [item(sandbox, which, b"good", live=b"good")], which)  # type: ignore[arg-type]
    send(environment, [item(sandbox, "later", b"good", live=b"good")], number=1)
    with written_by(environment, ["no-such-run", "r"]) as written:
        own = [name for name in ("data", "extra", "markers", "later") if (name, generation(sandbox, name)) in written]
    assert own == ["data", "extra", "later"]
    with written_by(environment, ["no-such-run"]) as written:
        assert written.count(lambda _: True) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), max_size=8), st.sampled_from("abc"))
def test_names_and_generations_are_a_set(
    tmp_path_factory: pytest.TempPathFactory, found: list[tuple[str, int]], one: str
) -> None:
    written = OwnWrites(Path(tmp_path_factory.mktemp("own")) / "x.sqlite")
    written.add(found)
    written.add(found)
    for name in "abc":
        for number in range(5):
            assert ((name, number) in written) == ((name, number) in found)
    assert written.count(lambda name: name == one) == len({pair for pair in found if pair[0] == one})
    written.close()
