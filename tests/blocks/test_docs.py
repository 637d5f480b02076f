"""docs/blocks.md says what the blocks say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.blocks.core import Block
from prefect.types import SecretDict
from pydantic import SecretStr
from pydantic.fields import FieldInfo

import blocks
from blocks.calls import CallLimits

PAGE = (Path(__file__).parents[2] / "docs" / "blocks.md").read_text()


def shown(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is None or default in ("", [], (), SecretDict({}), SecretStr("")):
        return "empty"
    return (
        f"`{default!r}`"
        if isinstance(default, str | bool | int | float | list | dict)
        else f"`{type(default).__name__}()`"
    )


@pytest.mark.parametrize("name", blocks.__all__)
def test_the_table_has_every_field_with_its_default_and_meaning(name: str) -> None:
    block: type[Block] = getattr(blocks, name)
    for field, info in block.model_fields.items():
        row = f"| `{name}` | `{field}` | {shown(info)} | {info.description} |"
        assert row in PAGE, f"docs/blocks.md lacks this row:\n{row}"


def test_the_table_has_nothing_else() -> None:
    rows = sum(1 for line in PAGE.splitlines() if line.startswith(tuple(f"| `{name}` |" for name in blocks.__all__)))
    assert rows == sum(len(getattr(blocks, name).model_fields) for name in blocks.__all__)


def test_the_limits_are_those_of_the_code() -> None:
    for field, info in CallLimits.model_fields.items():
        assert f"| `{field}` | `{info.default!r}` | {info.description} |" in PAGE


def test_the_example_is_a_valid_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from blocks.credentials import GoogleCredentials
    from blocks.environment import PipelineEnvironment

    example = PAGE.split("```python\n")[1].split("```")[0]
    saved: list[PipelineEnvironment] = []
    monkeypatch.setattr(GoogleCredentials, "load", lambda name: None)
    monkeypatch.setattr(PipelineEnvironment, "save", lambda self, name, overwrite: saved.append(self))
    exec(compile(example, "docs/blocks.md", "exec"), {})
    assert saved[0].workflows.project == "my-project"
    assert not saved[0].cluster.enabled
