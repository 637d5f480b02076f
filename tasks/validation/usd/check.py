"""All USD files of a scene: each by itself, where its references lead, and whether the stage holds the objects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tasks.validation.documents.agreement import Doubts
from tasks.validation.documents.document_paths import Places
from tasks.validation.documents.json_values import at, number, sequence, text
from tasks.validation.documents.manifest import Manifest
from tasks.validation.documents.paths import Target
from tasks.validation.documents.quoting import show
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.usd.package import check_package, inside_problem
from tasks.validation.usd.paths import names_in, unresolvable
from tasks.validation.usd.text import (
    DEFAULT_UP,
    OUTSIDE_CODES,
    USD_ENDINGS,
    Layer,
    Reference,
    check_layer,
    resolve_reference,
)
from tasks.validation.usd.units import Units, check_units

ADAPTER_ROOT = "/Root"
"""The prim that the assembly asks of every asset; converted meshes have it, the pipeline's physics wrappers do not."""


def usd_files(view: SceneUnderTest) -> list[str]:
    """Every USD file of the scene that has something in it."""
    return [path for path, file in view.files.items() if path.lower().endswith(USD_ENDINGS) and view.has(path)]


@dataclass
class UsdFacts:
    """What the text of a scene's USD files told."""

    unsafe: set[str] = field(default_factory=set)
    """Layers that refer to something outside the scene: they must not be opened."""
    followed: set[str] = field(default_factory=set)
    """Layers whose references were followed here."""
    inner: dict[str, list[str]] = field(default_factory=dict)
    """Binary layers inside packages, as OpenUSD names them (`package.usdz[layer.usdc]`)."""
    units: dict[str, Units] = field(default_factory=dict)
    """What each layer says of its units."""
    arcs: dict[str, set[str]] = field(default_factory=dict)
    """The layers that each layer takes its content from."""
    local: bool = False
    """Whether the assembled stage is the local runner's, which refers to nothing."""


def check_usd(view: SceneUnderTest, places: Places, manifest: Manifest, doubts: Doubts) -> UsdFacts:
    """Check every USD file."""
    facts = UsdFacts()
    layers = {path: check_layer(view, path) for path in usd_files(view)}
    for path, layer in layers.items():
        if path.lower().endswith(".usdz"):
            package = check_package(view, path)
            facts.inner[path] = package.binary
            layer = package.root
            if layer is not None:
                facts.units[path] = Units.of(layer)
            continue
        if layer is None:
            continue
        facts.followed.add(path)
        facts.units[path] = Units.of(layer)
        for reference in {(one.raw, one.prim, one.is_arc): one for one in reversed(layer.references)}.values():
            target = _follow(view, places, layers, layer, reference)
            if target is not None and target.code in OUTSIDE_CODES:
                facts.unsafe.add(path)
            elif target is not None and reference.is_arc:
                facts.arcs.setdefault(path, set()).add(target.path)
    stage = layers.get(places.scene_usd)
    if stage is not None:
        facts.local = check_stage(view, stage, manifest, doubts)
    return facts


def check_binary(view: SceneUnderTest, path: str, answer: dict[str, object], facts: UsdFacts) -> None:
    """Follow the references of a binary layer, as OpenUSD read them; `path` may be a layer in a package."""
    package, _, inside = path.partition("[")
    facts.followed.add(path)
    if not inside:
        facts.units[path] = Units(text(answer.get("up")) or "", number(answer.get("meters")))
    for pair in sequence(answer.get("assets")):
        raw, is_arc = sequence(pair)
        raw = str(raw)
        if unresolvable(raw):
            continue
        if inside:
            names = names_in(view, package) or frozenset()
            problem = inside_problem(names, inside.rstrip("]"), raw, bool(is_arc))
            if problem:
                view.add(problem.code, package, f"{path}: {problem.message}.")
            continue
        target = resolve_reference(view, path, raw)
        if target.code:
            view.add(target.code, path, f"{path}: {target.message}.")
        elif is_arc:
            facts.arcs.setdefault(path, set()).add(target.path)


def compare_units(view: SceneUnderTest, places: Places, manifest: Manifest, facts: UsdFacts) -> None:
    """Compare the units of the assembled stage with the manifest and with everything that it is made of."""
    check_units(
        view, places.scene_usd, facts.units, facts.arcs, number(at(manifest.record, "scene", "meters_per_unit"))
    )


def check_stage(view: SceneUnderTest, layer: Layer, manifest: Manifest, doubts: Doubts) -> bool:
    """Check what the assembled stage must hold. True when it is the local runner's form, which refers to nothing."""
    if not layer.whole:
        return False
    local = bool(layer.comment_references) and not layer.references
    if local:
        message = f"{layer.path} names its assets in comments only, as the local runner writes it."
        view.add("dialect-usd-comment-references", layer.path, message)
        for reference in layer.comment_references:
            _comment(view, layer, reference)
    elif manifest.usable and not layer.references:
        message = f"{layer.path} refers to no asset, though {manifest.path} lists {len(manifest.objects)} objects."
        view.add("usd-no-references", layer.path, message)
    _objects(view, layer, manifest, doubts)
    _header(view, layer, "" if doubts.frame else text(at(manifest.record, "scene", "coordinate_frame")) or "")
    return local


def _follow(
    view: SceneUnderTest, places: Places, layers: dict[str, Layer | None], layer: Layer, reference: Reference
) -> Target | None:
    if unresolvable(reference.raw):
        return None
    target = resolve_reference(view, layer.path, reference.raw)
    name = f"{layer.path}, line {reference.line}"
    if target.code == "path-dangling" and _copied(view, places, layer, reference):
        message = f"{layer.path} is a copy whose references only hold where the original is."
        _once(view, "dialect-export-usd-copy", layer.path, message)
    elif target.code:
        view.add(target.code, layer.path, f"{name}: {target.message}.")
    elif not view.files[target.path].size:
        view.add("object-empty", target.path, f"{target.path} has 0 bytes, and {layer.path} refers to it.")
    elif reference.prim == ADAPTER_ROOT:
        other = layers.get(target.path)
        if other is not None and other.prims and ADAPTER_ROOT[1:] not in other.prims:
            message = f"{layer.path} asks for the prim {ADAPTER_ROOT} of physics wrappers, which have none."
            _once(view, "dialect-usd-root-prim", layer.path, message)
    return target


def _copied(view: SceneUnderTest, places: Places, layer: Layer, reference: Reference) -> bool:
    """Whether the layer is the export's copy and the reference holds for the original."""
    if not places.export or not layer.path.startswith(f"{places.export}/"):
        return False
    original = layer.path.removeprefix(f"{places.export}/")
    return not resolve_reference(view, original, reference.raw).code


def _once(view: SceneUnderTest, code: str, path: str, message: str) -> None:
    if (code, path) not in view.told_once:
        view.told_once.add((code, path))
        view.add(code, path, message)


def _comment(view: SceneUnderTest, layer: Layer, reference: Reference) -> None:
    """The local runner's comments are relative to the scene, whatever the layer's folder."""
    target = resolve_reference(view, "", reference.raw)
    if target.code:
        view.add(target.code, layer.path, f"{layer.path}, line {reference.line}, in a comment: {target.message}.")


def _objects(view: SceneUnderTest, layer: Layer, manifest: Manifest, doubts: Doubts) -> None:
    if not manifest.usable:
        return
    wanted = {re.sub(r"\W", "_", object_id): object_id for object_id in manifest.objects}
    for prim, object_id in wanted.items():
        if prim not in layer.objects and object_id not in doubts.lost:
            message = f"{layer.path} has no prim for object {show(object_id)} of {manifest.path}."
            view.add("usd-object-missing", layer.path, message)
    for prim in sorted(layer.objects - set(wanted) - {re.sub(r"\W", "_", name) for name in doubts.unknown}):
        message = f"{layer.path} has the prim obj_{prim}, an object that {manifest.path} does not list."
        view.add("usd-object-unknown", layer.path, message)


def _header(view: SceneUnderTest, layer: Layer, frame: str) -> None:
    if layer.up_axis in ("Y_UP", "Z_UP"):
        message = f'{layer.path}: upAxis is "{layer.up_axis}"; USD knows "Y" and "Z" only.'
        view.add("dialect-usd-up-axis", layer.path, message)
    elif layer.up_axis not in ("", "Y", "Z"):
        view.add("usd-bad-header", layer.path, f"{layer.path}: upAxis is {show(layer.up_axis)}.")
    up = layer.up_axis or DEFAULT_UP
    if frame and up[:1].lower() != frame[:1]:
        said = f"has {up} up" if layer.up_axis else f"does not say which axis is up, which means {up}"
        message = f"{layer.path} {said}; the manifest says {show(frame)}."
        view.add("coordinate-frame-mismatch", layer.path, message)
    if layer.meters_per_unit:
        try:
            meters = number(float(layer.meters_per_unit))
        except ValueError:
            meters = None
        if meters is None or meters <= 0:
            message = f"{layer.path}: metersPerUnit is {show(layer.meters_per_unit)}."
            view.add("meters-per-unit-out-of-range", layer.path, message)
