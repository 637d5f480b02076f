"""The table of finding codes (codes.json): how grave each is, what it means and what to do about it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["error", "warning", "unread", "info"]
"""`unread`: something was not looked at, so nothing is known of it. It never counts against a scene."""


class Code(BaseModel):
    """One kind of finding."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: Severity
    meaning: str
    fix: str
    """One sentence saying what to do; may hold `{object}` and `{stage}`."""


def _load() -> dict[str, Code]:
    table = json.loads(files("tasks.validation").joinpath("codes.json").read_text("utf-8"))
    return {code: Code.model_validate(entry) for code, entry in table.items()}


CODES: dict[str, Code] = _load()
"""Every code the validator can give."""
