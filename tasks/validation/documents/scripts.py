"""Scripts and settings that jobs run or load: Python, YAML and URDF, each read as its own reader reads it.

Python: PEP 263 (byte order mark, coding cookie). YAML: 1.1; its events are read and nothing is built, so tags of any
kind, several documents and merges that would grow without end cost no more than their text.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from xml.parsers import expat

import yaml

from tasks.validation.documents.documents import Problem, parse_json
from tasks.validation.documents.quoting import sentence
from tasks.validation.files.strangers import HEAD_BYTES, stranger

MAX_SCRIPT_BYTES = 512 * 1024
"""A longer script or settings file is not looked into; the pipeline writes some 50 KB."""
MAX_YAML_DEPTH = 500
"""Levels of nesting that are followed; PyYAML's own loader ends at some 300."""
_FILE = "<a script of the scene>"
_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Python would print a warning about every odd backslash in a script; they are the script's own business.
for _kind in (SyntaxWarning, DeprecationWarning):
    warnings.filterwarnings("ignore", category=_kind, module=_FILE)


def script_problems(data: bytes, ending: str) -> Iterator[Problem]:
    """What is wrong with a script (`.py`), settings (`.yaml`, `.yml`) or a robot (`.urdf`)."""
    other = stranger(data[:HEAD_BYTES], text=ending == ".urdf")
    if other or (ending != ".urdf" and _is_answer(data)):
        yield Problem("document-is-error-page", f"it is {other or 'an error page'}")
    elif ending == ".py":
        yield from _python(data)
    elif ending == ".urdf":
        yield from _xml(data)
    else:
        yield from _yaml(data)


def _is_answer(data: bytes) -> bool:
    if data.lstrip()[:1] != b"{":
        return False
    return any(problem.code == "document-is-error-page" for problem in parse_json(data).problems)


def _python(data: bytes) -> Iterator[Problem]:
    try:
        compile(data, _FILE, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except (RecursionError, MemoryError):
        yield Problem("not-all-read", "it is nested too deep to be looked into")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        said = sentence(getattr(error, "msg", None) or error, 120)
        yield Problem("script-damaged", f"{f'line {line}' if line else 'it'} is not Python: {said}")


def _yaml(data: bytes) -> Iterator[Problem]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield Problem("document-not-utf8", "it is UTF-16 text, which the jobs do not read")
        return
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        yield Problem("document-not-utf8", f"byte {error.start} is not UTF-8 text")
        return
    anchors, depth = set[str](), 0
    try:
        for event in yaml.parse(text, Loader=_Parser):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_YAML_DEPTH:
                yield Problem("not-all-read", f"it is nested deeper than {MAX_YAML_DEPTH} levels")
                return
            if isinstance(event, yaml.DocumentStartEvent):
                anchors.clear()
            name = getattr(event, "anchor", None)
            if isinstance(event, yaml.AliasEvent) and name not in anchors:
                yield Problem("yaml-damaged", f"it uses *{sentence(name, 40)}, which is defined nowhere before")
                return
            if name and not isinstance(event, yaml.AliasEvent):
                anchors.add(name)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        if mark and _open_brackets(text[: mark.index]) > MAX_YAML_DEPTH:  # the parser's own limit, met before ours
            yield Problem("not-all-read", f"it is nested deeper than {MAX_YAML_DEPTH} levels")
            return
        where = f"line {mark.line + 1}" if mark else "it"
        yield Problem("yaml-damaged", f"{where} is not YAML: {sentence(getattr(error, 'problem', None) or error, 120)}")
    except RecursionError:
        yield Problem("not-all-read", "it is nested too deep to be looked into")


def _open_brackets(text: str) -> int:
    """How many more brackets and braces are opened than closed."""
    return sum(map(text.count, "[{")) - sum(map(text.count, "]}"))


def _xml(data: bytes) -> Iterator[Problem]:
    """Well-formedness; entities are not expanded, so none can grow."""
    parser = expat.ParserCreate()
    parser.DefaultHandler = lambda _: None  # with one, entities of the document itself are left as they stand
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        yield Problem("script-damaged", f"it is not XML: {sentence(error, 120)}")
