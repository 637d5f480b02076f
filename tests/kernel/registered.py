"""What there is of a kind: so that a list which forgets one fails a test."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import tasks


def every(base: type[Any]) -> set[type[Any]]:
    """Every class of that kind that there is below `tasks` and that can be made: all procedures, or all checks."""
    for module in pkgutil.walk_packages(tasks.__path__, "tasks."):
        importlib.import_module(module.name)

    def below(one: type[Any]) -> Iterator[type[Any]]:
        for child in one.__subclasses__():
            yield child
            yield from below(child)

    return {one for one in below(base) if one.__module__.startswith("tasks.") and not inspect.isabstract(one)}
