"""The pipeline's log: one logger, lines for people or JSON for machines, and no secret in either.

A record of JSON has `time` (UTC), `level`, `round` and `stage` (null outside of one), `message` and `fields`, which
hold the figures of the message under their names.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from mgrd.settings import Settings
from mgrd.store.secrets import secrets_of, starred

LOGGER = logging.getLogger("mgrd")

_stages: list[tuple[int, str]] = []
"""Round and stage that this process is in, innermost last. Threads of a stage speak for it, too."""


@contextmanager
def in_stage(round_: int, stage: str) -> Iterator[None]:
    """Records of the block are of this stage."""
    _stages.append((round_, stage))
    try:
        yield
    except BaseException as error:
        error.__dict__.setdefault("stage", (round_, stage))  # for whoever tells of it, outside of the stage
        raise
    finally:
        _stages.pop()


def write_log(settings: Settings) -> None:
    """Lines of the pipeline on standard error, from `info` on, in the format of the settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.runtime.log_format == "json" else logging.Formatter("%(message)s"))
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(logging.INFO)
    keep_secrets(settings)


def write_json(settings: Settings) -> None:
    """JSON lines on standard error where the settings ask for them, beside the handlers that are there.

    For processes whose log is somebody else's, such as an orchestrator's worker. Calling it again changes nothing.
    """
    keep_secrets(settings)
    if settings.runtime.log_format != "json" or any(isinstance(one.formatter, JsonLines) for one in LOGGER.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    LOGGER.addHandler(handler)
    if LOGGER.level == logging.NOTSET:
        LOGGER.setLevel(logging.INFO)


def keep_secrets(settings: Settings) -> None:
    """Stars in place of these settings' keys, in every record and for every handler."""
    LOGGER.filters = [one for one in LOGGER.filters if not isinstance(one, _Secrets)]
    LOGGER.addFilter(_Secrets(secrets_of(settings)))


def told_as_json(error: BaseException) -> bool:
    """Log what ends a command, where the log is JSON; False where it is not, and the caller must say it."""
    if not any(isinstance(one.formatter, JsonLines) for one in LOGGER.handlers):
        return False
    place = error.__dict__.get("stage", (None, None))
    LOGGER.error("%s", error, extra={"place": place, "fields": {"error": type(error).__name__}})
    return True


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        round_, stage = getattr(record, "place", None) or (_stages[-1] if _stages else (None, None))
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "round": round_,
            "stage": stage,
            "message": " ".join(record.getMessage().split()),
            "fields": getattr(record, "fields", {}),
        }
        if record.exc_info:
            told["traceback"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


class _Secrets(logging.Filter):
    """Rewrites records before any handler sees them."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = starred(record.getMessage(), self._secrets), None
        if fields := getattr(record, "fields", None):
            record.fields = starred(fields, self._secrets)
        if record.exc_info:  # formatters take the text where there is one
            record.exc_text = starred(logging.Formatter().formatException(record.exc_info), self._secrets)
        return True
