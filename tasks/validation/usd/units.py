"""Units and the axis up, across layers: OpenUSD takes those of the stage alone and converts nothing below it.

Source: UsdGeom, stage metrics: a layer that says neither means 0.01 m (centimetres) and Y.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.validation.documents.json_values import close, number
from tasks.validation.documents.quoting import show
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.usd.text import DEFAULT_METERS, DEFAULT_UP, Layer


@dataclass(frozen=True)
class Units:
    """What one layer says."""

    up: str
    """Empty when it says nothing."""
    meters: float | None
    """None when it says nothing, or nothing that is a number."""

    @classmethod
    def of(cls, layer: Layer) -> Units:
        """What a text layer says."""
        try:
            meters = number(float(layer.meters_per_unit)) if layer.meters_per_unit else None
        except ValueError:
            meters = None
        return cls(layer.up_axis, meters)

    @property
    def axis(self) -> str:
        """`Y` or `Z`; the local runner writes Y_UP, which means Y all the same."""
        return (self.up or DEFAULT_UP)[:1].upper()


def check_units(
    view: SceneUnderTest, stage: str, units: dict[str, Units], arcs: dict[str, set[str]], wanted: float | None
) -> None:
    """`wanted`: the metres of one unit by the manifest. A stage in metres is right too: the assembly converts."""
    mine = units.get(stage)
    if mine is None:
        return
    meters = DEFAULT_METERS if mine.meters is None else mine.meters
    if not close(meters, 1.0) and (wanted is None or not close(meters, wanted)):
        code = "usd-units-unset" if mine.meters is None else "usd-units-differ"
        said = (
            f"does not say metersPerUnit, which means {meters:g}"
            if mine.meters is None
            else f"has units of {meters:g} m"
        )
        said_there = "" if wanted is None else f" or {wanted:g} m, as the manifest says"
        view.add(code, stage, f"{stage} {said}; the pipeline writes stages in metres{said_there}.")
    for path in _below(stage, arcs):
        if (other := units.get(path)) is not None:
            _compare(view, stage, path, other, meters, mine.axis)


def _compare(view: SceneUnderTest, stage: str, path: str, other: Units, meters: float, axis: str) -> None:
    theirs = DEFAULT_METERS if other.meters is None else other.meters
    if theirs <= 0:
        return
    if not close(theirs, meters):
        unset = other.meters is None
        said = f"does not say metersPerUnit, which means {theirs:g} m" if unset else f"has units of {theirs:g} m"
        message = f"{path} {said}; {stage}, which uses it, has {meters:g} m, and nothing converts them."
        view.add("usd-units-unset" if unset else "usd-units-differ", path, message)
    if other.axis != axis:
        message = f"{path} has {show(other.axis)} up; {stage}, which uses it, has {show(axis)}, and nothing turns it."
        view.add("usd-up-axis-differs", path, message)


def _below(stage: str, arcs: dict[str, set[str]]) -> list[str]:
    """Every layer that the stage takes content from, however far down."""
    found, waiting = dict[str, None](), [stage]
    while waiting:
        for path in sorted(arcs.get(waiting.pop(), ())):
            if path not in found and path != stage:
                found[path] = None
                waiting.append(path)
    return list(found)
