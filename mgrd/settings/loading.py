"""From one TOML file, the environment and a run's overrides to settings; each wrong key is named."""

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from mgrd.errors import ConfigError
from mgrd.settings.runtime import Runtime, StoreSettings
from mgrd.settings.spec import Spec

SETTINGS_FILE = "mgrd.toml"
ENV_PREFIX, ENV_DELIMITER = "MGRD_", "__"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        nested_model_default_partial_update=True,
    )

    spec: Spec = Spec()
    runtime: Runtime = Runtime()
    store: StoreSettings = StoreSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, dotenv_settings, file_secret_settings
        assert isinstance(env_settings, EnvSettingsSource)
        return env_settings, init_settings


def require_workspace(root: Path) -> None:
    """Raises ConfigError where `root` is no workspace: before anything is read or written there."""
    if not (root / SETTINGS_FILE).is_file():
        raise ConfigError(f"{root} is no workspace: it has no {SETTINGS_FILE}; make one with `mgrd init {root}`")


def load_settings(root: Path, overrides: dict[str, object] | None = None) -> Settings:
    """Settings of the workspace at `root`: its mgrd.toml, then the environment, then `overrides`.

    `overrides` maps dotted keys to values, such as `{"spec.rounds": 2}`; items of a list are numbered
    (`spec.panel.judges.0.model`). Raises ConfigError that names every wrong key.
    """
    return parse_settings(root / SETTINGS_FILE, overrides)


def parse_settings(path: Path, overrides: dict[str, object] | None = None) -> Settings:
    """As `load_settings`, of any TOML file; a missing file gives the defaults."""
    try:
        settings = Settings(**(tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}))
        return settings if not overrides else _overridden(settings, overrides)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}; correct the TOML") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{_place(e['loc'])}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}: {wrong}; see `mgrd config schema`") from error
    except SettingsError as error:
        given = ", ".join(sorted(name for name in os.environ if name.startswith(ENV_PREFIX) and ENV_DELIMITER in name))
        raise ConfigError(f"{given}: {error.__cause__ or error}; lists and sections take JSON") from error


def _overridden(settings: Settings, overrides: dict[str, object]) -> Settings:
    """The settings with the overrides in them, all checked anew."""
    merged = settings.model_dump()
    for dotted, value in overrides.items():
        try:
            _put(merged, dotted.split("."), value)
        except (LookupError, TypeError, ValueError) as error:
            raise ConfigError(f"there is no setting {dotted}; see `mgrd config schema`") from error
    # Field by field: the whole would read the environment again, over the overrides.
    sections: dict[str, Any] = {}
    for name, section in (("spec", Spec), ("runtime", Runtime), ("store", StoreSettings)):
        try:
            sections[name] = section.model_validate(merged[name])
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, (name, *e['loc'])))}: {e['msg']}" for e in error.errors())
            raise ConfigError(
                f"what was given in place of {SETTINGS_FILE}: {wrong}; see `mgrd config schema`"
            ) from error
    return Settings.model_construct(**sections)


def _place(keys: tuple[int | str, ...]) -> str:
    """The dotted key, and the environment variable that has set it, if one has."""
    dotted = ".".join(map(str, keys))
    for end in range(len(keys), 1, -1):
        variable = ENV_PREFIX + ENV_DELIMITER.join(map(str, keys[:end])).upper()
        if variable in os.environ:
            return f"{dotted} (set by {variable})"
    return dotted


def _put(node: Any, path: list[str], value: object) -> None:
    """Set the value at the path; sections that are none are made, items of a list are numbered.

    Raises LookupError, TypeError or ValueError where the path leads nowhere.
    """
    *parents, leaf = path
    if not parents:
        raise LookupError(leaf)  # a whole section is no setting
    for key in parents:
        index: Any = int(key) if isinstance(node, list) else key
        if node[index] is None:
            node[index] = {}
        elif isinstance(node[index], tuple):
            node[index] = list(node[index])
        node = node[index]
    node[leaf] = value
