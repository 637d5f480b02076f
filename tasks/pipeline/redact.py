"""What many read holds no secret, as evidence and causes: names are kept, values that may be secret are not.

What comes from Secret Manager never has its value in an answer of Google's (a job names the secret). What is left are
values that somebody has put where they do not belong: plain variables, arguments, headers, log lines. They are known by
the name beside them or by their form; a secret under an innocent name in running text cannot be known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LEFT_OUT = "(left out, may be secret)"
LONGEST = 4_000
"""Characters of one text that are kept: log lines and results hold whole documents now and then."""
_NAME = (
    r"passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|"
    r"authorization|cookie|signature"
)
SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_IN_TEXT = re.compile(
    rf"(?P<name>(?<![A-Za-z0-9_-])(?i:[a-z0-9_-]*(?:{_NAME})[a-z0-9_-]*)[\"']?\s*[:=]\s*[\"']?)(?i:(?:bearer|basic)\s+)?[^\s\"',;}}&]+"
    r"|(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?s:-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|\bAIza[0-9A-Za-z_-]{30,}|\bya29\.[0-9A-Za-z._-]{20,}|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9._-]{10,}"
)
_REFERENCES = ("valueSource", "secretKeyRef", "secretEnvironmentVariables")
"""Where Google's and Kubernetes' JSON only names a secret."""


def without_secrets(value: Any) -> Any:
    """The same plain data, without values that may be secret and with long texts cut."""
    if isinstance(value, Mapping):
        if "name" in value and "value" in value and SECRET_NAME.search(str(value["name"])):
            return {**{str(key): without_secrets(one) for key, one in value.items()}, "value": LEFT_OUT}
        return {str(key): _under(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(one) for one in value]
    return text_without_secrets(value) if isinstance(value, str) else value


def _under(key: str, value: Any) -> Any:
    """What stands under a name: left out when the name says that it is secret, unless it only refers to one."""
    if key in _REFERENCES:
        return value
    if SECRET_NAME.search(key) and isinstance(value, str | int | float) and value != "":
        return LEFT_OUT
    return without_secrets(value)


def text_without_secrets(text: str) -> str:
    """A text without what looks like a secret, cut when it is long."""
    clean = _IN_TEXT.sub(lambda found: f"{found['name'] or ''}{LEFT_OUT}", text[:LONGEST])
    return clean if len(text) <= LONGEST else f"{clean} ... (cut: it has {len(text):,} characters)"
