"""Which of the catalogue's workflows, jobs and triggers the sandbox has deployed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime


class Deployed:
    """A set of deployed things, each with the time of its deployment. Only names of the catalogue can be in it."""

    def __init__(self, known: Iterable[str], deployed: Iterable[str] | None = None) -> None:
        """`known` are the catalogue's names; `deployed` those that are there at the start (None = all of them)."""
        self._known = frozenset(known)
        self._since = dict.fromkeys(self._known if deployed is None else deployed, datetime.now(UTC))

    def __contains__(self, name: str) -> bool:
        return name in self._since

    def names(self) -> list[str]:
        """The deployed names, sorted."""
        return sorted(self._since)

    def since(self, name: str) -> datetime | None:
        """When `name` was deployed; None when it is not."""
        return self._since.get(name)

    def put(self, name: str, deployed: bool) -> None:
        """Deploy `name`, or take it away. Raises KeyError when the catalogue does not know it."""
        if name not in self._known:
            raise KeyError(name)
        if deployed:
            self._since.setdefault(name, datetime.now(UTC))
        else:
            self._since.pop(name, None)
