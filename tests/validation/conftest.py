"""What tests of the validation share."""

from __future__ import annotations

import pytest


@pytest.fixture
def without_openusd(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without usd-core: USD is checked as text, and no other process is started."""
    monkeypatch.setattr("tasks.validation.usd.open.find_spec", lambda name: None)
