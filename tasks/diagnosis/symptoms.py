"""The table of symptoms (symptoms.yaml) as data, checked when it is read: a mistake names its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Formatter
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blocks.catalogue_yaml import CatalogueError, KeyPath, Node, read
from tasks.incidents.entries import Area

FILE = "symptoms.yaml"
TagKind = Literal["scene", "workflow", "job", "trigger", "execution", "service"]


class Params(BaseModel):
    """What a row gives its probe. An unknown name is an error: it would do nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Params):
    """Of a probe that needs nothing."""


class Symptom(BaseModel):
    """One row of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symptom: str
    """What people see, in the words of the pipeline's own troubleshooting guide where it has them."""
    area: Area
    probe: str
    """Name of what looks for it."""
    params: dict[str, object] = Field(default_factory=dict)
    causes: tuple[str, ...] = Field(min_length=1)
    """What it usually comes from."""
    remedy: str
    """What to do: a command with its parameters, or a step for a person. Holds names of the probe's values in braces."""
    weight: int = Field(ge=1, le=100)
    """Heavier causes are named first, and only heavier ones explain lighter ones."""
    explains: tuple[str, ...] = ()
    """Rows whose signs are consequences of this one, when both concern the same thing."""
    by: tuple[TagKind, ...] = ()
    """What that same thing is."""


class Form(Protocol):
    """What the table must know of a probe."""

    @property
    def params(self) -> type[Params]:
        """What its rows may give it."""
        ...

    @property
    def values(self) -> frozenset[str]:
        """What its signs have for remedies."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table with what its probe reads."""

    id: str
    symptom: Symptom
    params: Params


def load_symptoms(probes: Mapping[str, Form], text: str | None = None, file: str = FILE) -> tuple[Row, ...]:
    """Every row. Raises CatalogueError, one sentence a mistake, each with file and line.

    Args:
        probes: What may be named as probe.
        text: The table; by default the shipped one.
        file: Its name, for messages.
    """
    node = read(text if text is not None else files("tasks.diagnosis").joinpath(FILE).read_text("utf-8"), file)
    table = node.value.get("symptoms")
    if len(node.value) != 1 or table is None or not isinstance(table.value, dict):
        raise CatalogueError([f"{node.place}: the table has one key 'symptoms', a mapping of rows by their ids."])
    problems: list[str] = []
    rows = [row for id_, item in table.value.items() if (row := _row(id_, item, probes, problems))]
    known = {row.id for row in rows}
    for row in rows:
        unknown = [one for one in row.symptom.explains if one not in known]
        problems += [_at(table, (row.id, "explains"), f"there is no row '{one}' to explain.") for one in unknown]
    if problems:
        raise CatalogueError(problems)
    return tuple(rows)


def _row(id_: str, item: Node, probes: Mapping[str, Form], problems: list[str]) -> Row | None:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(id_)):
        problems.append(f"{item.place}: '{id_}' is no id: use a-z, 0-9 and '-'.")
        return None
    try:
        symptom = Symptom.model_validate(item.plain())
    except ValidationError as error:
        problems += [_at(item, one["loc"], f"{id_}: {_said(one)}.") for one in error.errors()]
        return None
    form = probes.get(symptom.probe)
    if form is None:
        known = ", ".join(sorted(probes))
        problems.append(_at(item, ("probe",), f"{id_}: there is no probe '{symptom.probe}'; there are {known}."))
        return None
    named = {name for _, name, _, _ in Formatter().parse(symptom.remedy) if name is not None}
    for name in sorted(named - form.values):
        has = ", ".join(sorted(form.values)) or "none"
        problems.append(_at(item, ("remedy",), f"{id_}: probe {symptom.probe} has no value '{name}'; it has {has}."))
    if bool(symptom.explains) != bool(symptom.by):
        problems.append(_at(item, ("explains",), f"{id_}: 'explains' and 'by' go together."))
    try:
        return Row(str(id_), symptom, form.params.model_validate(symptom.params))
    except ValidationError as error:
        problems += [_at(item, ("params", *one["loc"]), f"{id_}: {_said(one)}.") for one in error.errors()]
        return None


def _said(error: Mapping[str, object]) -> str:
    place = ".".join(map(str, error["loc"])) if isinstance(error["loc"], tuple) else ""
    return f"{place}: {error['msg']}" if place else str(error["msg"])


def _at(node: Node, path: KeyPath, said: str) -> str:
    place, _ = node.find(path)
    return f"{place}: {said}"
