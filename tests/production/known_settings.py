"""Every environment variable that Prefect and its integrations with Redis and Kubernetes read as a setting."""

from __future__ import annotations

from collections.abc import Iterator

from prefect.settings import Settings
from prefect.settings.legacy import _get_valid_setting_names
from prefect_kubernetes.settings import KubernetesSettings
from prefect_redis.cleanup_queue import RedisWorkerCleanupQueueSettings
from prefect_redis.client import RedisMessagingSettings
from pydantic_settings import BaseSettings


def known_settings() -> set[str]:
    """Names, in capitals."""
    integrations = (KubernetesSettings, RedisWorkerCleanupQueueSettings, RedisMessagingSettings)
    return {*_get_valid_setting_names(Settings), *(name for one in integrations for name in _of(one))}


def _of(model: type[BaseSettings]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings):
            yield from _of(field.annotation)
        else:
            yield f"{model.model_config['env_prefix']}{name}".upper()
