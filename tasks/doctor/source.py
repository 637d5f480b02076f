"""The source of a workflow as it is deployed: its steps and expressions, read without running anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_JOB = re.compile(r"/jobs/([a-z][a-z0-9-]*)")
_ENV = re.compile(r"(default\(\s*)?sys\.get_env\(\s*[\"'](\w+)[\"']\s*(,\s*(?:[\"']([^\"']*)[\"'])?)?")
_REGEX = re.compile(r"text\.match_regex\([^,]+,\s*\"((?:[^\"\\]|\\.)*)\"\s*\)")
_TEXT = re.compile(r"\btext\.(\w+)\(")
TEXT_FUNCTIONS = frozenset(
    [
        "decode",
        "encode",
        "find_all",
        "find_all_regex",
        "match_regex",
        "replace_all",
        "replace_all_regex",
        "split",
        "substring",
        "to_lower",
        "to_upper",
        "url_decode",
        "url_encode",
        "url_encode_plus",
    ]
)
"""Google: "Module: text" of the Workflows standard library."""
_EXPRESSION = re.compile(r"^\s*(?:-\s+)?(?:\w+:\s+)?['\"]?\$\{")
"""A text, or a line of one that is no YAML, that is an expression; a shell's script is none."""
_STORAGE = "googleapis.storage.v1.objects."
_RUN = "googleapis.run.v2.projects.locations.jobs.run"


@dataclass(frozen=True, slots=True)
class EnvironmentRead:
    """One `sys.get_env`."""

    name: str
    has_default: bool
    """Whether the source says what to take instead, in it or with `default(...)` around it."""
    default: str = ""
    """The default when it is a plain text."""


class Source:
    """One workflow's source. Of one that is no YAML only the lines are read, and no step is known."""

    def __init__(self, text: str) -> None:
        """Read it."""
        self.problem = ""
        """Why it is no YAML, with the line at fault; empty when it is."""
        try:
            self.tree = yaml.safe_load(text)
            self._texts = list(_strings(self.tree))
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = f"line {mark.line + 1}: " if mark is not None else ""
            self.problem = f"{line}{getattr(error, 'problem', None) or 'it is no YAML'}"
            self.tree = {}
            self._texts = [line for line in text.splitlines() if not line.lstrip().startswith("#")]

    def reads(self, key: str) -> bool:
        """Whether it takes a key out of a mapping without asking whether it is there, as in `event.job_id`."""
        pattern = re.compile(rf"\w\.{re.escape(key)}\b")
        return any("${" in one and pattern.search(one) for one in self._texts)

    def mentions(self, word: str) -> bool:
        """Whether a word stands anywhere in it by itself, keys included."""
        pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        return any(pattern.search(one) for one in self._texts)

    def jobs(self) -> set[str]:
        """The Cloud Run jobs that stand in it as resource names."""
        return {name for text in self._texts for name in _JOB.findall(text)}

    def environment(self) -> list[EnvironmentRead]:
        """The variables that it reads."""
        found = (one for text in self._texts for one in _ENV.finditer(text))
        return [EnvironmentRead(one[2], one[3] is not None or one[1] is not None, one[4] or "") for one in found]

    def event_patterns(self) -> list[str]:
        """The regular expressions that it tests texts against."""
        return [found.replace("\\\\", "\\") for text in self._texts for found in _REGEX.findall(text)]

    def unknown_functions(self) -> set[str]:
        """What it calls that Workflows does not have."""
        called = {f"text.{name}" for text in self._texts for name in _TEXT.findall(text) if name not in TEXT_FUNCTIONS}
        return called | {"&&" for text in self._texts if _EXPRESSION.match(text) and "&&" in text}

    def timeouts_beside_overrides(self) -> list[str]:
        """Steps that start a job with a timeout where Cloud Run takes none."""
        return [name for name, args in self.calls(_RUN) if _misplaced(args)]

    def unencoded_objects(self) -> list[str]:
        """Steps that name an object to Cloud Storage without encoding its slashes."""
        steps = ((name, args.get("object")) for name, args in self.calls(_STORAGE))
        encodes = self.mentions("text.url_encode") or self.mentions("text.url_encode_plus")
        return [name for name, value in steps if isinstance(value, str) and _has_slash(value, encodes)]

    def repeated_steps(self) -> list[str]:
        """Names that several steps of one list have."""
        counts = (Counter(name for name, _ in _named(steps)) for steps in _step_lists(self.tree))
        return sorted({name for count in counts for name, number in count.items() if number > 1})

    def results_beside_try(self) -> list[str]:
        """Steps that want a result kept where Workflows takes none: beside `try`, not in it."""
        steps = (one for each in _step_lists(self.tree) for one in _named(each))
        return [name for name, step in steps if "try" in step and "result" in step]

    def written(self) -> list[str]:
        """How it names the objects that it writes. Variables in it are followed to what they are set to, once."""
        names = [str(args.get("name", "")) for _, args in self.calls(f"{_STORAGE}insert")]
        set_to = [(re.compile(rf"(?<![\w.]){re.escape(key)}(?!\w)"), value) for key, value in self._assigned()]
        return [*names, *(value for one in names if "${" in one for key, value in set_to if key.search(one))]

    def variables(self) -> set[str]:
        """The names of its variables."""
        return {re.split(r"[.\[]", key)[0] for key, _ in self._assigned()} | set(_given(self.tree))

    def _assigned(self) -> Iterator[tuple[str, str]]:
        for steps in _step_lists(self.tree):
            for _, step in _named(steps):
                for one in step.get("assign") or ():
                    if isinstance(one, Mapping):
                        yield from ((str(key), str(value)) for key, value in one.items())

    def calls(self, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Steps that call something of that name, with their arguments; none when those are an expression."""
        for steps in _step_lists(self.tree):
            for name, step in _named(steps):
                inner = step.get("try", step)
                call = inner if isinstance(inner, Mapping) else step
                if str(call.get("call", "")).startswith(prefix):
                    args = call.get("args")
                    yield name, args if isinstance(args, Mapping) else {}


def _misplaced(args: Mapping[str, Any]) -> bool:
    body = args.get("body") if isinstance(args.get("body"), Mapping) else {}
    return "timeout" in args or (isinstance(body, Mapping) and "timeout" in body)


def _has_slash(value: str, encodes: bool) -> bool:
    """Whether a name goes out as it is; a variable may have been encoded before, in a source that encodes anything."""
    return "url_encode" not in value and ("/" in value or ("${" in value and not encodes))


def _named(steps: list[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in steps:
        if isinstance(one, Mapping):
            for name, step in one.items():
                if isinstance(step, Mapping):
                    yield str(name), step


def _given(tree: Any) -> Iterator[str]:
    """Parameters, and what results and errors are kept in."""
    if isinstance(tree, Mapping):
        found = tree.get("params")
        for one in found if isinstance(found, list) else ():
            yield from map(str, one) if isinstance(one, Mapping) else [str(one)]
        yield from (tree[key] for key in ("result", "as") if isinstance(tree.get(key), str))
        for inner in tree.values():
            yield from _given(inner)
    elif isinstance(tree, list):
        for inner in tree:
            yield from _given(inner)


def _step_lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "steps" and isinstance(inner, list):
                yield inner
            yield from _step_lists(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _step_lists(inner)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
