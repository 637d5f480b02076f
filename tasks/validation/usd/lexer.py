"""The pieces of a USD text: strings, comments and asset paths apart from the rest, in one pass over it.

Source: OpenUSD, the grammar of its text format (pxr/usd/sdf/usda). Every character is looked at a bounded number of
times, also when a string, a comment or an asset path never ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_START = re.compile(r'"""|\'\'\'|"|\'|@@@|@|#|//|/\*')
_KINDS = {"#": "comment", "//": "comment", "/*": "comment", "@": "asset", "@@@": "asset", '"': "short", "'": "short"}
_WITHIN_LINE = {
    "#": re.compile(r"[^\n]*+"),
    "//": re.compile(r"[^\n]*+"),
    "@": re.compile(r"[^@\n]*+"),
    '"': re.compile(r'(?:[^"\\\n]|\\.)*+', re.DOTALL),
    "'": re.compile(r"(?:[^'\\\n]|\\.)*+", re.DOTALL),
}
"""What each of these goes on with: none of them goes beyond its line, unless a backslash hides the line's end."""
_PRIM_TARGET = re.compile(r"\s*+<(/[^>\n]*)>")
_COMMENT_REFERENCE = re.compile(r"\s*+Reference to:\s*+(\S+)")
_UNREAD_METADATA = re.compile(r"\b(?:assetInfo|customData|customLayerData|sdrMetadata)\s*+=\s*+\{")
_WORD = re.compile(r"[\w:]+")
_BRACE = re.compile(r"[{}]")


@dataclass(frozen=True)
class Reference:
    """One asset path in a layer."""

    raw: str
    prim: str
    """The prim within it that is meant, empty for its default prim."""
    line: int
    is_arc: bool = True
    """Whether the layer's content comes from there: a reference, a payload or a sublayer, not a texture."""


@dataclass
class Lexed:
    """A text taken apart. `bare` and `code` are as long as the text: what was taken out is blank."""

    bare: str
    """Without strings, comments and asset paths."""
    code: str
    """Without comments, asset paths and strings of several lines."""
    references: list[Reference] = field(default_factory=list)
    comment_references: list[Reference] = field(default_factory=list)
    ends: bool = True
    """Whether every string, comment and asset path in it ends."""


@dataclass(slots=True)
class _Token:
    kind: str
    start: int
    end: int
    value: str


def lex(text: str) -> Lexed:
    """Take a text apart."""
    tokens, ends = _tokens(text)
    bare = _blanked(text, tokens)
    code = _blanked(text, [token for token in tokens if token.kind != "short"])
    lexed = Lexed(bare, code, ends=ends)
    unread = _unread(bare)
    line, before, hidden = 1, 0, 0
    for token in tokens:
        line, before = line + text.count("\n", before, token.start), token.start
        while hidden < len(unread) and unread[hidden][1] < token.start:
            hidden += 1
        if token.kind == "asset" and token.value:
            if hidden < len(unread) and unread[hidden][0] <= token.start:
                continue
            if _is_deleted(bare, token.start):
                continue
            prim = _PRIM_TARGET.match(text, token.end)
            arc = _is_arc(bare, token.start)
            lexed.references.append(Reference(token.value, prim.group(1) if prim else "", line, arc))
        elif token.kind == "comment" and (named := _COMMENT_REFERENCE.match(token.value)):
            lexed.comment_references.append(Reference(named.group(1), "", line))
    return lexed


def _tokens(text: str) -> tuple[list[_Token], bool]:
    tokens, place, ends = list[_Token](), 0, True
    while found := _START.search(text, place):
        opening, start = found.group(), found.end()
        kind = _KINDS.get(opening, "long")
        if opening in _WITHIN_LINE:
            inside = _WITHIN_LINE[opening].match(text, start)
            end = inside.end() if inside else start
            closing = "" if kind == "comment" else opening
            ended = text.startswith(closing, end)
        else:
            closing = "*/" if opening == "/*" else opening
            end = _find(text, closing, start)
            ended, end = end >= 0, end if end >= 0 else len(text)
        ends, place = ends and ended, min(end + len(closing) if ended else end, len(text))
        tokens.append(_Token(kind, found.start(), place, text[start:end] if kind in ("asset", "comment") else ""))
    return tokens, ends


def _find(text: str, closing: str, place: int) -> int:
    """Where a closing mark stands that no backslash hides, -1 without one."""
    while (end := text.find(closing, place)) >= 0:
        slashes = end - 1
        while slashes >= place and text[slashes] == "\\":
            slashes -= 1
        if closing == "*/" or (end - 1 - slashes) % 2 == 0:
            return end
        place = end + 1
    return -1


def _blanked(text: str, tokens: list[_Token]) -> str:
    parts, place = [], 0
    for token in tokens:
        breaks = text.count("\n", token.start, token.end)
        parts += [text[place : token.start], "\n" * breaks, " " * (token.end - token.start - breaks)]
        place = token.end
    return "".join([*parts, text[place:]])


def _unread(bare: str) -> list[tuple[int, int]]:
    """Where dictionaries lie whose paths nothing follows: notes of the tools that wrote the layer."""
    found, place = [], 0
    while start := _UNREAD_METADATA.search(bare, place):
        depth, end = 1, len(bare)
        for brace in _BRACE.finditer(bare, start.end()):
            depth += 1 if brace.group() == "{" else -1
            if not depth:
                end = brace.end()
                break
        found.append((start.start(), end))
        place = end
    return found


def _is_arc(bare: str, place: int) -> bool:
    """Whether the value that `place` is in belongs to a reference, a payload or the sublayers."""
    return _name_of_value(bare, place)[-1:] in (["references"], ["payload"], ["subLayers"])


def _is_deleted(bare: str, place: int) -> bool:
    """Whether the value that `place` is in is what a list leaves out: nobody looks for a file there."""
    words = _name_of_value(bare, place)
    return words[-2:-1] == ["delete"] and words[-1] in ("references", "payload")


def _name_of_value(bare: str, place: int) -> list[str]:
    """The words before the `=` of the value that `place` is in."""
    equals = bare.rfind("=", max(place - 4096, 0), place)
    return _WORD.findall(bare[max(equals - 40, 0) : equals]) if equals >= 0 else []
