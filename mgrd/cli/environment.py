"""The process environment of a command: nothing is written outside the workspace, nothing is fetched.

Must run before Prefect, transformers or numba are imported, since they read it at import.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mgrd.store import Workspace


def prepare(workspace: Path) -> None:
    """`keep_in` the workspace. Raises ConfigError where there is none, and leaves no trace there."""
    from mgrd.settings import require_workspace

    require_workspace(workspace)
    keep_in(workspace)


def keep_in(folder: Path) -> None:
    """Point state and caches of libraries into the folder. What the user has set stays."""
    home = folder.resolve()
    defaults = {
        "PREFECT_HOME": str(home / ".prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",  # an error is told once, by the command line
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",  # its default is short for a busy machine
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HOME": str(home / ".cache" / "huggingface"),
        "NUMBA_CACHE_DIR": str(home / ".cache" / "numba"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "TOKENIZERS_PARALLELISM": "false",
        "GX_ANALYTICS_ENABLED": "false",
        "TMPDIR": str(home / ".cache" / "tmp"),
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    Path(os.environ["TMPDIR"]).mkdir(parents=True, exist_ok=True)


def open_to_run(folder: Path, overrides: dict[str, object] | None = None) -> "Workspace":
    """The workspace of a command that runs stages: libraries write into it, and stages are told as they finish.

    Raises ConfigError where there is none; then nothing is made.
    """
    from mgrd.store import Workspace
    from mgrd.store.logs import write_log

    opened = Workspace.open(folder, overrides)
    keep_in(folder)
    write_log(opened.settings)
    return opened
