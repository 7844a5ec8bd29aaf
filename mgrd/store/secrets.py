"""Values that are never said: the keys that the settings name, and those that libraries take from the environment."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from mgrd.settings import Settings

STARS = "***"
LIBRARIES = (
    "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "OPENAI_API_KEY", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING",
    "OPENLINEAGE_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_CLIENT_SECRET", "AZURE_STORAGE_SAS_TOKEN", "GOOGLE_SERVICE_ACCOUNT_KEY",
)  # fmt: skip


def secrets_of(settings: Settings) -> list[str]:
    """Values of the variables that hold keys, longest first: one key may begin with another."""
    panel, server = settings.spec.panel, settings.runtime.server
    names = {judge.api_key_env for judge in panel.judges} if panel else set()
    names |= {server.api_key_env} if server else set()
    values = {os.environ.get(name) for name in (*names, *LIBRARIES) if name}
    return sorted((value for value in values if value), key=len, reverse=True)


def starred(value: Any, secrets: Sequence[str]) -> Any:
    """A text, or the texts inside plain data, with stars in the place of secrets."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, STARS)
        return value
    if isinstance(value, Mapping):
        return {starred(key, secrets): starred(part, secrets) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [starred(part, secrets) for part in value]
    return value
