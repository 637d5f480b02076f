"""USD layers as text: header, completeness, numbers, references, and what of the scene is in them.

This needs no USD library. What it finds in binary layers and deep inside packages is left to `usd_open`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tasks.validation.documents.documents import Problem
from tasks.validation.documents.paths import Target
from tasks.validation.documents.quoting import show
from tasks.validation.files.strangers import HEAD_BYTES, stranger
from tasks.validation.scene_under_test import SceneUnderTest
from tasks.validation.usd.lexer import Reference, lex
from tasks.validation.usd.paths import resolve_asset

__all__ = ["Reference"]
USD_ENDINGS = (".usda", ".usdc", ".usd", ".usdz")
TEXT_MAGIC, CRATE_MAGIC, ZIP_MAGIC = b"#usda ", b"PXR-USDC", b"PK\x03\x04"
MAGICS = {".usda": (TEXT_MAGIC,), ".usdc": (CRATE_MAGIC,), ".usd": (TEXT_MAGIC, CRATE_MAGIC), ".usdz": (ZIP_MAGIC,)}
OUTSIDE_CODES = ("path-is-uri", "path-is-absolute", "path-leaves-scene", "path-of-other-scene")
MAX_TOLD = 20
"""Numbers of one layer that are told to be wrong."""
DEFAULT_UP, DEFAULT_METERS = "Y", 0.01
"""What a layer means that says neither (OpenUSD, UsdGeom: stage metrics)."""

_NAN = re.compile(r"(?<![\w:.])-?nan(?![\w:.])")
_INFINITE = re.compile(r"(?<![\w:.])-?inf(?![\w:.])")
_NAME_LETTERS = "_:.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PLACED = re.compile(r"points|normals|velocities|accelerations|radius|size|height|xformOp:.*|primvars:st.*"
                     r"|physics:(?:mass|density|staticFriction|dynamicFriction|restitution)")  # fmt: skip
"""Attributes that no infinite number fits. A joint's limits, its break force and gravity may well be infinite."""
_OBJECT_PRIM = re.compile(r'\b(?:def|over)\s++(?:\w++\s++)?"obj_([A-Za-z0-9_]+)"')
_ROOT_PRIM = re.compile(r'^(?:def|over)\s++(?:\w++\s++)?"([^"\n]+)"', re.MULTILINE)
_FIRST_PRIM = re.compile(r"^[ \t]*+(?:def|over|class)\b", re.MULTILINE)
_FIELDS = {
    "up_axis": re.compile(r'\bupAxis\s*+=\s*+"([^"\n]*)"'),
    "default_prim": re.compile(r'\bdefaultPrim\s*+=\s*+"([^"\n]*)"'),
    "meters_per_unit": re.compile(r"\bmetersPerUnit\s*+=\s*+([^\s)]+)"),
}
_PHYSICS = re.compile(r"\bphysics:(mass|staticFriction|dynamicFriction|density)\s*+=\s*+(\S+)")


@dataclass
class Layer:
    """What a text layer says."""

    path: str
    references: list[Reference] = field(default_factory=list)
    comment_references: list[Reference] = field(default_factory=list)
    objects: set[str] = field(default_factory=set)
    up_axis: str = ""
    default_prim: str = ""
    meters_per_unit: str = ""
    prims: set[str] = field(default_factory=set)
    whole: bool = True


def check_layer(view: SceneUnderTest, path: str) -> Layer | None:
    """Check one layer or package; gives what a text layer says, None for any other or a damaged one."""
    head = view.data(path, HEAD_BYTES)
    if not head:
        return None
    if not head.startswith(MAGICS[posixpath.splitext(path)[1].lower()]):
        kind = stranger(head) or ("an error page" if head.lstrip()[:1] in (b"<", b"{") else "")
        message = f"{path} does not begin like a USD file but with {kind or show(head[:16].decode('latin-1'))}."
        view.add("usd-bad-header", path, message)
        return None
    if not head.startswith(TEXT_MAGIC):
        return None
    data = view.data(path)
    if data is None:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        view.add("document-not-utf8", path, f"{path}: byte {error.start} is not UTF-8 text.")
        return None
    layer, problems = read_layer(path, text)
    for problem in problems:
        view.add(problem.code, path, f"{path}{', ' if problem.message.startswith('line ') else ': '}{problem.message}.")
    return layer


def resolve_reference(view: SceneUnderTest, layer: str, raw: str) -> Target:
    """The object that a reference in the layer at `layer` leads to."""
    return resolve_asset(view, raw, posixpath.dirname(layer))


def read_layer(path: str, text: str) -> tuple[Layer, list[Problem]]:
    """What a text layer says, and what is wrong with it."""
    lexed = lex(text)
    layer = Layer(path, lexed.references, lexed.comment_references)
    first = _FIRST_PRIM.search(lexed.bare)
    head = lexed.code[: first.start() if first else len(text)]
    for name, pattern in _FIELDS.items():
        found = pattern.search(head)
        setattr(layer, name, found.group(1) if found else "")
    layer.objects = set(_OBJECT_PRIM.findall(lexed.code))
    layer.prims = set(_ROOT_PRIM.findall(lexed.code))
    bare, problems = lexed.bare, []
    end = bare.rstrip()[-1:]
    if (
        not lexed.ends
        or any(bare.count(a) != bare.count(b) for a, b in ("{}", "()", "[]"))
        or end not in ("}", ")", "")
    ):
        layer.whole = False
        problems.append(Problem("usd-truncated", "its brackets do not close; it seems to be cut off"))
    for code, place, message in sorted([*_not_finite(bare), *_physics(bare)], key=lambda told: told[1]):
        line = bare.count("\n", 0, place) + 1
        problems.append(Problem(code, f"line {line}: {message}"))
    return layer, problems


def _not_finite(bare: str) -> Iterator[tuple[str, int, str]]:
    """Numbers that are none, and infinite ones where nothing can be infinite; the first of each attribute."""
    told, place = 0, 0
    while told < MAX_TOLD and (found := _NAN.search(bare, place)):
        yield "usd-not-finite", found.start(), f"{found.group()} is not a finite number"
        told, place = told + 1, _next_value(bare, found.end())
    place = 0
    while told < MAX_TOLD and (found := _INFINITE.search(bare, place)):
        name = _name_before(bare, bare.rfind("=", place, found.start()))
        if _PLACED.fullmatch(name):
            told += 1
            yield "usd-not-finite", found.start(), f"{name} is {found.group()}, which is not a finite number"
        place = _next_value(bare, found.end())


def _name_before(bare: str, equals: int) -> str:
    """The name of the attribute that a value is given to; empty when there is none."""
    before = bare[max(equals - 200, 0) : max(equals, 0)].rstrip()
    return before[len(before.rstrip(_NAME_LETTERS)) :].removesuffix(".timeSamples")


def _next_value(bare: str, place: int) -> int:
    """Where the line of the next attribute's `=` begins: what comes before belongs to the same attribute."""
    equals = bare.find("=", place)
    return len(bare) if equals < 0 else max(bare.rfind("\n", place, equals) + 1, place)


def _physics(bare: str) -> Iterator[tuple[str, int, str]]:
    """Masses and the like below 0. A mass or a density of 0 means: worked out from the rest (UsdPhysics)."""
    told = 0
    for found in _PHYSICS.finditer(bare):
        name, raw = found.groups()
        try:
            value = float(raw)
        except ValueError:
            value = -1.0
        if value < 0 and value != float("-inf"):  # what is not finite has been reported
            yield "physics-out-of-range", found.start(), f"physics:{name} is {show(raw)}"
            told += 1
            if told >= MAX_TOLD:
                return
