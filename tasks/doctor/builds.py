"""What a workflow gives Cloud Build to run: names in its texts that neither Workflows nor Cloud Build fills in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tasks.doctor.source import Source

BUILT_IN = frozenset(
    [
        "BRANCH_NAME",
        "BUILD_ID",
        "COMMIT_SHA",
        "LOCATION",
        "PROJECT_ID",
        "PROJECT_NUMBER",
        "REF_NAME",
        "REPO_FULL_NAME",
        "REPO_NAME",
        "REVISION_ID",
        "SERVICE_ACCOUNT",
        "SERVICE_ACCOUNT_EMAIL",
        "SHORT_SHA",
        "TAG_NAME",
        "TRIGGER_BUILD_CONFIG_PATH",
        "TRIGGER_NAME",
    ]
)
"""Google: "Substitute variable values" of Cloud Build. Names that begin with an underscore are a build's own."""
FIELDS = ("name", "args", "env", "dir", "entrypoint")
"""Of a step, what Cloud Build fills in: never `script`."""
_NAME = re.compile(r"\$\$|\$(?:\{(\w+)\}|([A-Z_][A-Z0-9_]*))")
"""`$$` is a dollar sign that stays. Cloud Build takes a name in capitals with or without braces."""
_CAPITALS = re.compile(r"[A-Z][A-Z0-9_]*")


def unfilled(source: Source) -> list[str]:
    """The names that stay as they are, as in `${gkeCluster}`, in their order."""
    started = list(builds(source))
    variables = source.variables() if started else set()
    found = [
        name for build in started for text in texts(build) for name in left_in(text, variables, loose=_is_loose(build))
    ]
    return list(dict.fromkeys(found))


def builds(source: Source) -> Iterator[Mapping[str, Any]]:
    """The builds that it starts, by the connector or by a request; one that is an expression is not known."""
    by_connector = (args for _, args in source.calls("googleapis.cloudbuild."))
    by_request = (args for _, args in source.calls("http.") if "cloudbuild.googleapis.com" in str(args.get("url")))
    for args in (*by_connector, *by_request):
        body = args.get("body")
        if isinstance(body, Mapping):
            yield body


def texts(build: Mapping[str, Any]) -> Iterator[str]:
    """Every text of its steps, but for those that are one expression as a whole."""
    steps = build.get("steps")
    for step in steps if isinstance(steps, list) else ():
        for field in FIELDS if isinstance(step, Mapping) else ():
            value = step.get(field)
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str) and not (text.lstrip().startswith("${") and text.rstrip().endswith("}")):
                    yield text


def left_in(text: str, variables: set[str], *, loose: bool) -> Iterator[str]:
    """Names in one text that nobody fills in.

    Args:
        text: What Cloud Build is given.
        variables: Those of the workflow. A name that is none of them, and no capitals, is the shell's own.
        loose: Whether the build allows names that Cloud Build does not know.
    """
    for found in _NAME.finditer(text):
        name = found[1] or found[2]
        if not name:
            continue
        refused = _CAPITALS.fullmatch(name) and name not in BUILT_IN and not loose
        if refused or (found[1] and name in variables and not _is_set_in(text, name)):
            yield f"${{{name}}}"


def _is_set_in(text: str, name: str) -> bool:
    """Whether the shell's script gives it a value itself."""
    return re.search(rf"(?<![\w-]){name}=|\bfor {name}\b|\bread\b[^\n]*\b{name}\b", text) is not None


def _is_loose(build: Mapping[str, Any]) -> bool:
    options = build.get("options")
    return isinstance(options, Mapping) and options.get("substitutionOption") == "ALLOW_LOOSE"
