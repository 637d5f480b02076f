"""Listings: order, prefixes, offsets, globs, versions; and that a page costs what it shows."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.sandbox.storage.store import ObjectStore, Query
from deployments.sandbox.storage.store_index import VersionIndex, read_page
from tests.sandbox.storage_world import StorageServer

NAMES = ["a/1", "a/2", "a/b/1", "a/b/2", "a/b/", "b", "c/", "c/x", "é", "\U0001f600", "\uffff"]


def fill(server: StorageServer, names: list[str]) -> None:
    for name in names:
        server.store.put("data", name, b"x", quiet=True)


def names_of(page: dict[str, Any]) -> list[str]:
    return [item["name"] for item in page.get("items", [])]


def pages(server: StorageServer, **query: Any) -> Iterator[dict[str, Any]]:
    token: str | None = None
    while True:
        page = server.listing("data", **query, **({"pageToken": token} if token else {}))
        yield page
        token = page.get("nextPageToken")
        if token is None:
            return


def test_names_come_in_the_order_of_their_utf8_bytes(storage_server: StorageServer) -> None:
    fill(storage_server, NAMES)
    assert names_of(storage_server.listing("data")) == sorted(NAMES, key=str.encode)


@pytest.mark.parametrize(
    ("query", "items", "prefixes"),
    [
        ({"delimiter": "/"}, ["b", "é", "\uffff", "\U0001f600"], ["a/", "c/"]),
        ({"delimiter": "/", "prefix": "a/"}, ["a/1", "a/2"], ["a/b/"]),
        ({"delimiter": "/", "prefix": "a/b"}, [], ["a/b/"]),
        ({"delimiter": "/", "prefix": "c/"}, ["c/", "c/x"], []),
        ({"delimiter": "/", "prefix": "a/", "includeTrailingDelimiter": "true"}, ["a/1", "a/2", "a/b/"], ["a/b/"]),
        ({"delimiter": "b/"}, ["a/1", "a/2", "b", "c/", "c/x", "é", "\uffff", "\U0001f600"], ["a/b/"]),
        ({"startOffset": "a/b/", "endOffset": "c/"}, ["a/b/", "a/b/1", "a/b/2", "b"], []),
        ({"startOffset": "a/2", "endOffset": "b", "delimiter": "/"}, [], ["a/"]),
        ({"matchGlob": "a/*"}, ["a/1", "a/2"], []),
        ({"matchGlob": "**/1"}, ["a/1", "a/b/1"], []),
        ({"matchGlob": "a/**/[1-1]"}, ["a/1", "a/b/1"], []),
        ({"matchGlob": "{b,c/?}"}, ["b", "c/x"], []),
        ({"matchGlob": "*", "prefix": "b"}, ["b"], []),
    ],
)
def test_a_listing_shows_what_it_is_asked_for(
    storage_server: StorageServer, query: dict[str, str], items: list[str], prefixes: list[str]
) -> None:
    fill(storage_server, NAMES)
    page = storage_server.listing("data", **query)
    assert (names_of(page), page.get("prefixes", [])) == (items, prefixes)


def test_pages_join_to_the_whole_list(storage_server: StorageServer) -> None:
    fill(storage_server, NAMES)
    for query in ({}, {"delimiter": "/"}, {"prefix": "a/"}, {"delimiter": "/", "prefix": "a/"}):
        whole = storage_server.listing("data", **query)
        parts = list(pages(storage_server, maxResults=1, **query))
        assert [name for part in parts for name in names_of(part)] == names_of(whole)
        assert [name for part in parts for name in part.get("prefixes", [])] == whole.get("prefixes", [])
        assert all(len(names_of(part)) + len(part.get("prefixes", [])) == 1 for part in parts)


def test_a_listing_goes_on_where_it_was_when_objects_come_and_go(storage_server: StorageServer) -> None:
    fill(storage_server, ["a", "b", "c", "d"])
    first = storage_server.listing("data", maxResults=2)
    storage_server.store.delete("data", "b")
    fill(storage_server, ["aa", "bb"])
    rest = storage_server.listing("data", pageToken=first["nextPageToken"])
    assert names_of(first) + names_of(rest) == ["a", "b", "bb", "c", "d"]


def test_versions_are_listed_with_the_oldest_of_a_name_first(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("versioned", versioning=True)
    made = [storage_server.store.put("versioned", name, b"x").generation for name in ("a", "b", "a", "a")]
    storage_server.store.delete("versioned", "b")
    parts = storage_server.listing("versioned", versions="true")["items"]
    assert [int(each["generation"]) for each in parts] == [made[0], made[2], made[3], made[1]]
    assert ["timeDeleted" in each for each in parts] == [True, True, False, True]
    assert names_of(storage_server.listing("versioned")) == ["a"]
    token = storage_server.listing("versioned", versions="true", maxResults=1)["nextPageToken"]
    rest = storage_server.listing("versioned", versions="true", pageToken=token)["items"]
    assert [int(each["generation"]) for each in rest] == [made[2], made[3], made[1]]


def test_a_folder_of_only_noncurrent_versions_still_gives_a_prefix(storage_server: StorageServer) -> None:
    storage_server.store.create_bucket("versioned", versioning=True)
    storage_server.store.put("versioned", "gone/a", b"x")
    storage_server.store.delete("versioned", "gone/a")
    assert storage_server.listing("versioned", versions="true", delimiter="/")["prefixes"] == ["gone/"]
    assert "prefixes" not in storage_server.listing("versioned", delimiter="/")


class CountedNames(list[str]):
    """A list of names that counts how often one of them is looked at."""

    looks = 0

    def __getitem__(self, place: Any) -> Any:
        """Count one look."""
        self.looks += 1
        return super().__getitem__(place)


def test_a_hundred_thousand_objects_are_a_hundred_pages_that_cost_the_same(storage_server: StorageServer) -> None:
    for number in range(100_000):
        storage_server.store.put("data", f"scenes/{number // 100}/{number:06d}", b"x", quiet=True)
    names = storage_server.store.bucket("data").live_index.names = CountedNames(
        storage_server.store.bucket("data").live_index.names
    )
    costs, seen = [], 0
    for page in pages(storage_server, fields="items/name,nextPageToken"):
        costs.append(names.looks)
        names.looks, seen = 0, seen + len(page["items"])
    assert storage_server.requests.count("storage", "objects.list") == 100
    assert (len(costs), seen) == (100, 100_000)
    assert 1000 <= min(costs) <= max(costs) <= 1000 + 2 * 17 + 2, (
        "a page looks at its own names, and searches for its beginning"
    )
    (page,) = pages(storage_server, prefix="scenes/", delimiter="/", maxResults=1000)
    assert len(page["prefixes"]) == 1000
    assert 1000 <= names.looks <= 1000 * (17 + 2) + 2 * 17, "a folder is passed by a search, not by reading it"


def test_a_page_holds_at_most_a_thousand(storage_server: StorageServer) -> None:
    for number in range(1001):
        storage_server.store.put("data", f"{number}", b"x", quiet=True)
    assert [len(page["items"]) for page in pages(storage_server, maxResults=5000)] == [1000, 1]


def test_a_glob_over_many_names_gives_short_pages_and_goes_on(storage_server: StorageServer) -> None:
    for number in range(10_050):
        storage_server.store.put("data", f"{number:06d}", b"x", quiet=True)
    found = list(pages(storage_server, matchGlob="*049"))
    assert [name for page in found for name in names_of(page)] == [f"{number * 1000 + 49:06d}" for number in range(11)]
    assert len(found) == 2


TEXT = st.text(alphabet="ab/\U0010ffff", min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(names=st.sets(TEXT, max_size=20), prefix=st.text("ab/", max_size=2), delimiter=st.sampled_from(["", "/", "ab"]))
def test_pages_of_any_size_equal_a_plain_walk(names: set[str], prefix: str, delimiter: str) -> None:
    store = ObjectStore()
    store.create_bucket("b")
    for name in names:
        store.put("b", name, b"")
    items, prefixes = [], []
    for name in sorted(each for each in names if each.startswith(prefix)):
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            items.append(name)
        elif name[: cut + len(delimiter)] not in prefixes:
            prefixes.append(name[: cut + len(delimiter)])
    index: VersionIndex = store.bucket("b").live_index
    for limit in (1, 3, 100):
        found_items, found_prefixes, cursor = [], [], None
        while True:
            page = read_page(index, Query(prefix=prefix, delimiter=delimiter), cursor, limit)
            found_items += [version.name for version in page.items]
            found_prefixes += page.prefixes
            cursor = page.cursor
            if cursor is None:
                break
        assert (found_items, found_prefixes) == (items, prefixes)
