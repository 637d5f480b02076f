"""The kinds of action on lists of objects: bring back, prove, remove, and put back what a run replaced or removed."""

from __future__ import annotations

from tasks.remediation.kind import Kind
from tasks.restore.apply_lists import apply_remove, apply_restore
from tasks.restore.list_parts import ObjectList
from tasks.restore.put_back import inverse_of_list, put_back_list, put_back_markers
from tasks.restore.verify_lists import apply_verify

restore_list = Kind(
    name="restore_list",
    params=ObjectList,
    effect="write",
    apply=apply_restore,
    inverse=inverse_of_list,
    by_parts=True,
    task="restore_objects",
)
remove_list = Kind(
    name="remove_list",
    params=ObjectList,
    effect="delete",
    apply=apply_remove,
    inverse=inverse_of_list,
    by_parts=True,
    task="remove_objects",
)
verify_list = Kind(name="verify_list", params=ObjectList, effect="read", apply=apply_verify, task="verify_objects")
LIST_KINDS = (restore_list, verify_list, remove_list, put_back_list, put_back_markers)
"""All of them."""
