"""The name of a Job that is created again: free, after RFC 1123, and told apart from the former one by its digits."""

from __future__ import annotations

import re

import pytest

from tasks.actions.new_gke_job import MOST_LETTERS, next_name


@pytest.mark.parametrize(
    ("former", "taken", "name"),
    [
        ("geniesim-gpu-kitchen-1700000000", set(), "geniesim-gpu-kitchen-1700000001"),
        ("geniesim-gpu-kitchen-9", {"geniesim-gpu-kitchen-10"}, "geniesim-gpu-kitchen-11"),
        ("geniesim-gpu-kitchen", set(), "geniesim-gpu-kitchen-1"),
        ("geniesim-gpu-Kitchen_001-17", set(), "geniesim-gpu-kitchen-001-18"),
        ("17", set(), "job-18"),
        ("_", set(), "job-1"),
    ],
)
def test_the_next_name_differs_in_its_digits_and_is_free(former: str, taken: set[str], name: str) -> None:
    assert next_name(former, taken) == name


@pytest.mark.parametrize("former", ["a" * 63, "a" * 52 + "-9999999999", "x-" * 40 + "99", "É_kitchen-9"])
def test_every_name_is_one_that_a_cluster_takes(former: str) -> None:
    name = next_name(former, {former})
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert len(name) <= MOST_LETTERS
    assert name != former
