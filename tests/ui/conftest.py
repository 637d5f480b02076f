"""A browser for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.ui.browser import opened


@pytest.fixture
def page() -> Iterator[Page]:
    with opened() as page:
        yield page
