"""USD layers as text: header, completeness, numbers, references, and what of the scene is in them.

This needs no USD library. What it finds in binary layers and deep inside packages is left to `usd_open`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from tasks.validation.paths import Target, resolve
from tasks.validation.text import show
from tasks.validation.view import SceneView

USD_ENDINGS = (".usda", ".usdc", ".usd", ".usdz")
TEXT_MAGIC, CRATE_MAGIC, ZIP_MAGIC = b"#usda ", b"PXR-USDC", b"PK\x03\x04"
MAGICS = {".usda": (TEXT_MAGIC,), ".usdc": (CRATE_MAGIC,), ".usd": (TEXT_MAGIC, CRATE_MAGIC), ".usdz": (ZIP_MAGIC,)}
OUTSIDE_CODES = ("path-is-uri", "path-is-absolute", "path-leaves-scene", "path-of-other-scene")

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'|"(?:[^"\\\n]|\\.)*+"|\'(?:[^\'\\\n]|\\.)*+\''
    r"|@@@(?P<long>.*?)@@@|@(?P<asset>[^@\n]*)@|#(?P<comment>[^\n]*)",
    re.DOTALL,
)
_PRIM_TARGET = re.compile(r"\s*<(/[^>\n]*)>")
_NOT_FINITE = re.compile(r"(?<![\w:.])-?(?:nan|inf)(?![\w:.])")
_COMMENT_REFERENCE = re.compile(r"\s*Reference to:\s*(\S+)")
_OBJECT_PRIM = re.compile(r'\b(?:def|over)\s+(?:\w+\s+)?"obj_([A-Za-z0-9_]+)"')
_FIELDS = {
    "up_axis": re.compile(r'\bupAxis\s*=\s*"([^"\n]*)"'),
    "default_prim": re.compile(r'\bdefaultPrim\s*=\s*"([^"\n]*)"'),
    "meters_per_unit": re.compile(r"\bmetersPerUnit\s*=\s*([^\s)]+)"),
}
_PHYSICS = re.compile(r"\bphysics:(mass|staticFriction|dynamicFriction|density)\s*=\s*(\S+)")


@dataclass(frozen=True)
class Reference:
    """One asset path in a layer."""

    raw: str
    prim: str
    """The prim within it that is meant, empty for its default prim."""
    line: int


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


def check_layer(view: SceneView, path: str) -> Layer | None:
    """Check one layer or package; gives what a text layer says, None for any other or a damaged one."""
    head = view.data(path, 16)
    if not head:
        return None
    if not head.startswith(MAGICS[posixpath.splitext(path)[1].lower()]):
        kind = "an error page" if head.lstrip()[:1] in (b"<", b"{") else show(head.decode("latin-1"))
        view.add("usd-bad-header", path, f"{path} does not begin like a USD file but with {kind}.")
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
    return _read(view, path, text)


def resolve_reference(view: SceneView, layer: str, raw: str) -> Target:
    """The object that a reference in the layer at `layer` leads to."""
    return resolve(view, raw, posixpath.dirname(layer))


def _read(view: SceneView, path: str, text: str) -> Layer:
    layer = Layer(path)
    bare = _strip(text, layer)
    for name, pattern in _FIELDS.items():
        found = pattern.search(text)
        setattr(layer, name, found.group(1) if found else "")
    layer.objects = set(_OBJECT_PRIM.findall(text))
    layer.prims = set(re.findall(r'^def\s+(?:\w+\s+)?"([^"\n]+)"', text, re.MULTILINE))
    end = bare.rstrip()[-1:]
    if any(bare.count(a) != bare.count(b) for a, b in ("{}", "()", "[]")) or end not in ("}", ")", ""):
        layer.whole = False
        view.add("usd-truncated", path, f"{path}: its brackets do not close; it seems to be cut off.")
    unfinite = _NOT_FINITE.search(bare)
    if unfinite:
        line = bare.count("\n", 0, unfinite.start()) + 1
        view.add("usd-not-finite", path, f"{path}, line {line}: {unfinite.group()} is not a finite number.")
    _physics(view, path, bare)
    return layer


def _strip(text: str, layer: Layer) -> str:
    """The text without strings, comments and asset paths (line breaks stay), noting the asset paths."""
    parts, end, line = [], 0, 1
    for found in _TOKEN.finditer(text):
        gap = text[end : found.start()]
        line += gap.count("\n")
        raw = found["asset"] if found["asset"] is not None else found["long"]
        if raw:
            prim = _PRIM_TARGET.match(text, found.end())
            layer.references.append(Reference(raw, prim.group(1) if prim else "", line))
        comment = _COMMENT_REFERENCE.match(found["comment"] or "")
        if comment:
            layer.comment_references.append(Reference(comment.group(1), "", line))
        breaks = found.group().count("\n")
        parts += [gap, "\n" * breaks]
        line, end = line + breaks, found.end()
    return "".join([*parts, text[end:]])


def _physics(view: SceneView, path: str, bare: str) -> None:
    for found in _PHYSICS.finditer(bare):
        name, raw = found.groups()
        try:
            value = float(raw)
        except ValueError:
            value = -1.0
        if value != value or value in (float("inf"), float("-inf")):
            continue  # reported as not finite
        if value < 0 or (name == "mass" and value == 0):
            line = bare.count("\n", 0, found.start()) + 1
            message = f"{path}, line {line}: physics:{name} is {show(raw)}."
            view.add("physics-out-of-range", path, message)
