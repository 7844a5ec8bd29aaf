"""The pipeline's log: one logger, lines for people or JSON for machines, and no secret in either.

A record of JSON has `time` (UTC), `level`, `round` and `stage` (null outside of one), `message` and `fields`, which
hold the figures of the message under their names.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from mgrd.settings import Settings
from mgrd.store.running import current_stage, stage_of
from mgrd.store.secrets import secrets_of, starred

LOGGER = logging.getLogger("mgrd")


def write_log(settings: Settings) -> None:
    """Lines of the pipeline on standard error, from `info` on, in the format of the settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.runtime.log_format == "json" else logging.Formatter("%(message)s"))
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(logging.INFO)
    _keep_secrets(settings)


def join_log(settings: Settings) -> None:
    """Speak through the handlers that are there, such as those of an orchestrator's worker, from `info` on.

    Where the settings ask for JSON, it is written to standard error, and no other handler prints the same lines there.
    Calling it again changes nothing.
    """
    _keep_secrets(settings)
    if LOGGER.level == logging.NOTSET:
        LOGGER.setLevel(logging.INFO)
    if settings.runtime.log_format == "json" and not _writes_json():
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        LOGGER.addHandler(handler)
        LOGGER.propagate = False


def _keep_secrets(settings: Settings) -> None:
    """Stars in place of these settings' keys, in every record and for every handler."""
    LOGGER.filters = [one for one in LOGGER.filters if not isinstance(one, _Secrets)]
    LOGGER.addFilter(_Secrets(secrets_of(settings)))


def told_as_json(error: BaseException) -> bool:
    """Log what ends a command, where the log is JSON; False where it is not, and the caller must say it."""
    if not _writes_json():
        return False
    LOGGER.error("%s", error, extra={"place": stage_of(error), "fields": {"error": type(error).__name__}})
    return True


def _writes_json() -> bool:
    return any(isinstance(one.formatter, JsonLines) for one in LOGGER.handlers)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        place = getattr(record, "place", None) or current_stage()
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "round": place and place.round,
            "stage": place and place.stage,
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
