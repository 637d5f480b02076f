"""What the filters and queries of metrics and alerts name: jobs, workflows, namespaces, kinds of resources. Pure.

They are searched for by the fields the pipeline writes (`jsonPayload.job`, `jsonPayload.workflow`) and those of Google's
resources. What is only excluded (`!=`, `NOT`) or matched by a pattern (`=~`) names nothing that must be there.
"""

from __future__ import annotations

import re

_FIELDS = {
    "jsonPayload.job": "job",
    "resource.labels.job_name": "job",
    "jsonPayload.workflow": "workflow",
    "resource.labels.workflow_id": "workflow",
    "resource.labels.namespace_name": "namespace",
}
_NAMES = re.compile(
    rf"(?P<no>(?:\bNOT\s+|-)?)\b(?P<field>{'|'.join(map(re.escape, _FIELDS))})\s*=\s*(?P<many>\(\s*)?"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[\w./-]+)(?(many)(?P<more>(?:\s+OR\s+(?:\"[^\"]*\"|[\w./-]+))*))"
)
_EXCLUDED = re.compile(r"(?:\bNOT\s*|-)\([^()]*\)")
_RESOURCE = re.compile(r"(?<!-)(?<!NOT )\bresource\.type\s*=\s*[\"']?([\w./]+)[\"']?")
_TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*\"|[<>!=]=|=~|!~|[()=<>:~]|[^\s()=<>:~!\"]+|.", re.DOTALL)
_PLAIN = re.compile(r"\"(?!(?:AND|OR|NOT)\")([\w./]+)\"")
"""A word in quotation marks that needs none."""
_COMPARE = frozenset({"=", "!=", "<", ">", "<=", ">=", ":", "=~", "!~"})
_FETCH = re.compile(r"\bfetch\s+([\w./]+)")
"""The kind of resource that a query of Monitoring's query language (MQL) begins with."""


def named_in(text: str) -> set[tuple[str, str]]:
    """The jobs, workflows and namespaces that a filter of the log names: ("job", "simready-job")."""
    found: set[tuple[str, str]] = set()
    for match in _NAMES.finditer(_EXCLUDED.sub("", text)):
        if match["no"]:
            continue
        values = [match["value"]]
        if match["many"]:
            values += re.split(r"\s+OR\s+", match["more"].strip())
        found |= {(_FIELDS[match["field"]], bare) for one in values if (bare := _bare(one))}
    return found


def resources_in(text: str) -> set[str]:
    """The kinds of resources that a filter or query is about; empty: any."""
    return set(_RESOURCE.findall(text)) | set(_FETCH.findall(text))


def terms_of(text: str) -> list[str]:
    """What a filter asks for, so that two that ask for the same are equal: without white space, `AND`, needless quotes, or the terms' order.

    A filter with `OR`, `NOT` or parentheses keeps its order: what belongs together there is not worked out.
    """
    tokens = [_PLAIN.sub(r"\1", one) for one in _TOKEN.findall(text) if not one.isspace() and one != "AND"]
    terms: list[str] = []
    for place, one in enumerate(tokens):
        if terms and (one in _COMPARE or tokens[place - 1] in _COMPARE):
            terms[-1] += one
        else:
            terms.append(one)
    return terms if {"OR", "NOT", "(", ")", "-"} & set(tokens) else sorted(terms)


def _bare(value: str) -> str:
    return value.removeprefix("OR").strip().strip("\"'")
