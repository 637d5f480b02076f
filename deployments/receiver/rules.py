"""The rules in force: the shipped ones (`rules.yaml`), and before them those of an installation."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from blocks.environment import PipelineEnvironment
from deployments.receiver.known import with_known
from deployments.receiver.message import Message
from deployments.receiver.rule import Rule, kept
from deployments.receiver.strict import clean

SHIPPED = Path(__file__).with_name("rules.yaml")


@dataclass(frozen=True)
class Event:
    """What a rule has made of a message: the same happening always has the same key, whatever road it came by."""

    rule: str
    key: str
    values: dict[str, str]


class Rules:
    """The rules of one installation, asked in their order; the first that fits is the one."""

    def __init__(self, environment: PipelineEnvironment, rules: tuple[Rule, ...]) -> None:
        """`environment` says what is the pipeline's. Raises ValueError for two rules of one name."""
        self.environment = environment
        self.by_name = {rule.name: rule for rule in rules}
        if len(self.by_name) < len(rules):
            raise ValueError("Two rules have the same name.")

    def event_of(self, message: Message) -> Event | None:
        """The event a message is; None when no rule is about it.

        Raises `Undecodable` when a rule is about it and what the rule keeps is not there or is no clean text.
        """
        data = with_known(self.environment, message)
        for rule in self.by_name.values():
            if rule.kind == message.kind and rule.fits(data):
                return self._event(rule, data)
        return None

    def _event(self, rule: Rule, data: dict[str, Any]) -> Event:
        values = {
            name: clean(kept(data, value), f"What rule {rule.name} keeps as {name}")
            for name, value in rule.values.items()
        }
        ingredients = [self.environment.project, rule.name, *(values[name] for name in rule.identity)]
        return Event(rule.name, hashlib.sha256(json.dumps(ingredients).encode()).hexdigest(), values)


def load_rules(environment: PipelineEnvironment, own: Path | None = None) -> Rules:
    """The rules of an installation.

    Args:
        environment: The pipeline.
        own: A file like rules.yaml whose rules are asked first; one with the name of a shipped rule replaces it.

    Raises ValueError (and pydantic's ValidationError, which is one) with the rule at fault, OSError.
    """
    first = read_rules(own) if own else ()
    names = {rule.name for rule in first}
    return Rules(environment, (*first, *(rule for rule in read_rules(SHIPPED) if rule.name not in names)))


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file, in its order."""
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("rules"), list):
        raise ValueError(f"{path} is no file of rules: it must hold a list `rules`.")
    return tuple(Rule.model_validate(one) for one in content["rules"])
