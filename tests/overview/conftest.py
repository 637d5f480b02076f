"""No test of this folder has a Prefect server, whatever others in the same process have started."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings


@pytest.fixture(autouse=True)
def without_prefect() -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: None}):
        yield
