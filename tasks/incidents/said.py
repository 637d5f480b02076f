"""What an incident's record holds: the one shape of every entry's data."""

from __future__ import annotations

from typing import ClassVar

from tasks.remediation.plan import Stored


class Said(Stored):
    """One entry's data."""

    kind: ClassVar[str]
