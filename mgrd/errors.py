"""The errors of the pipeline, and the one place that turns foreign errors into ours.

Every message says what went wrong, where (file, row, key) and what to do next. Each class also
derives from the closest standard type, so callers may catch either. Errors are built from their
message alone, so they pickle across process pools and Ray. Rows that cannot be processed are not
errors: they go to the quarantine table with a reason.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class MgrdError(Exception):
    """Base of all errors that the pipeline raises on purpose."""


class ConfigError(MgrdError, ValueError):
    """A setting is missing, unknown or out of range."""


class DataError(MgrdError, ValueError):
    """A row, table or file does not hold what its schema promises."""


class AudioError(DataError):
    """An audio file cannot be decoded or is outside what the pipeline accepts."""


class StoreError(MgrdError, OSError):
    """A table could not be read or committed."""


class BusyError(StoreError):
    """Another process holds the workspace."""


class OverdueError(MgrdError, TimeoutError):
    """A stage took longer than it may; what it finished is committed."""


class EngineError(MgrdError, RuntimeError):
    """A model could not be loaded, sampled or scored."""


class EngineStopError(EngineError):
    """The engine as a whole cannot go on (out of reach, the wrong model, no such ability); no row is at fault."""


class JudgeError(MgrdError, RuntimeError):
    """The judge cannot go on: no key, access refused, spend limit reached, or too often out of reach."""


class TrainingError(MgrdError, RuntimeError):
    """Training cannot start or cannot continue."""


class CalibrationError(MgrdError, RuntimeError):
    """The policy agrees too little with people, or nobody has labelled chains yet."""


class ContractError(MgrdError, AssertionError):
    """A stage's output breaks an invariant: rows lost, keys doubled, splits leaked."""


@contextmanager
def boundary(error: type[MgrdError], what: str) -> Iterator[None]:
    """Re-raise any foreign error inside the block as `error`, with `what` in front.

    Our own errors pass unchanged: they already say where they come from.
    """
    try:
        yield
    except MgrdError:
        raise
    except Exception as cause:
        raise error(f"{what}: {type(cause).__name__}: {cause}") from cause
