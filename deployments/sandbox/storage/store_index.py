"""Names in order, and pages of them: a page costs what it shows, however large the bucket is."""

import re
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from deployments.sandbox.storage.store_errors import BadRequest
from deployments.sandbox.storage.store_version import StoredVersion

EXAMINED_PER_PAGE = 10_000
"""A page with a matchGlob looks at no more than this many versions; it may then be short, or empty, with a token."""


class VersionIndex:
    """Versions of objects in the order of a listing: by name (in UTF-8 order), then by generation."""

    __slots__ = ("names", "versions")

    def __init__(self) -> None:
        """Start empty."""
        self.names: list[str] = []
        self.versions: dict[str, list[StoredVersion]] = {}

    def put(self, version: StoredVersion) -> None:
        """Add a version, or put it in the place of the one with the same generation."""
        known = self.versions.get(version.name)
        if known is None:
            self.versions[version.name] = [version]
            if self.names and version.name < self.names[-1]:
                insort(self.names, version.name)
            else:
                self.names.append(version.name)
            return
        known[:] = [other for other in known if other.generation != version.generation]
        insort(known, version, key=_generation)

    def remove(self, version: StoredVersion) -> None:
        """Take a version out; one that is not there is no error."""
        known = self.versions.get(version.name, [])
        left = [other for other in known if other.generation != version.generation]
        if left:
            self.versions[version.name] = left
        elif known:
            del self.versions[version.name]
            del self.names[bisect_left(self.names, version.name)]

    def of(self, name: str) -> list[StoredVersion]:
        """Every version of one name, oldest first."""
        return self.versions.get(name, [])

    def find(self, name: str, generation: int) -> StoredVersion | None:
        """The version of a name with this generation."""
        return next((version for version in self.of(name) if version.generation == generation), None)


def _generation(version: StoredVersion) -> int:
    return version.generation


@dataclass(frozen=True, slots=True)
class Query:
    """What a listing asks for, as in Google's "Objects: list" page; "" = not asked for."""

    prefix: str = ""
    delimiter: str = ""
    trailing_delimiter: bool = False
    start: str = ""
    end: str = ""
    glob: str = ""


@dataclass(slots=True)
class Page:
    """One page. `cursor` is where the next page begins, None when this is the last."""

    items: list[StoredVersion] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    cursor: tuple[str, int] | None = None


def read_page(index: VersionIndex, query: Query, cursor: tuple[str, int] | None, limit: int) -> Page:
    """The next `limit` items and prefixes after `cursor` (a name and a generation; None = from the beginning)."""
    page = Page()
    for examined, (version, prefix, wanted) in enumerate(_entries(index, query, cursor)):
        if len(page.items) + len(page.prefixes) >= limit or examined >= EXAMINED_PER_PAGE:
            return page
        page.cursor = (_after(prefix), -1) if prefix else (version.name, version.generation)
        if prefix:
            page.prefixes.append(prefix)
        if wanted and (not prefix or (query.trailing_delimiter and version.name == prefix)):
            page.items.append(version)
    page.cursor = None
    return page


def _entries(
    index: VersionIndex, query: Query, cursor: tuple[str, int] | None
) -> Iterator[tuple[StoredVersion, str, bool]]:
    """Every version in the range, with a delimiter the first of each common prefix and that prefix, and if it matches.

    A prefix is there as soon as any name below it matches the glob.
    """
    names, matches = index.names, glob_matcher(query.glob) if query.glob else None
    after, generation = cursor or ("", -1)
    position = bisect_left(names, max(query.prefix, query.start, after))
    while position < len(names):
        name = names[position]
        if not name.startswith(query.prefix) or (query.end and name >= query.end):
            return
        cut = name.find(query.delimiter, len(query.prefix)) if query.delimiter else -1
        wanted = matches is None or matches(name) is not None
        if cut >= 0 and wanted:
            prefix = name[: cut + len(query.delimiter)]
            yield index.versions[name][0], prefix, True
            position = bisect_left(names, _after(prefix), lo=position)
            continue
        for version in index.versions[name]:
            if name != after or version.generation > generation:
                yield version, "", wanted
        position += 1


def _after(prefix: str) -> str:
    """The least string above every name that begins with `prefix`."""
    last = ord(prefix[-1])
    if last == 0x10FFFF:
        return prefix + chr(last)
    return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)  # what is between are no characters


_GLOB_TOKENS = re.compile(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|\{[^}]*\}|.", re.DOTALL)
_GLOB_REGEX = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def glob_matcher(glob: str) -> Callable[[str], re.Match[str] | None]:
    """What tells whether a name matches a matchGlob. Raises BadRequest when it makes no sense, as `[z-a]` does."""
    try:
        return re.compile(glob_pattern(glob), re.DOTALL).fullmatch
    except (re.error, OverflowError, RecursionError):
        raise BadRequest(f"Invalid value for matchGlob: '{glob}'") from None


def glob_pattern(glob: str) -> str:
    """The regular expression of a matchGlob: * and ? within a segment, ** across, [sets] and {alternatives}."""
    return "".join(_glob_part(token) for token in _GLOB_TOKENS.findall(glob))


def _glob_part(token: str) -> str:
    if token in _GLOB_REGEX:
        return _GLOB_REGEX[token]
    if len(token) > 1 and token[0] == "[":
        negated, letters = token[1] in "!^", re.sub(r"([\\\[&|~^])", r"\\\1", token[1:-1].lstrip("!^"))
        return f"[{'^' if negated else ''}{letters}]"
    if len(token) > 1 and token[0] == "{":
        return "(?:" + "|".join(glob_pattern(part) for part in token[1:-1].split(",")) + ")"
    return re.escape(token)
