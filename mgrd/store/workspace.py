"""A workspace: the one folder that a campaign reads and writes.

    mgrd.toml   tables/   audio/   models/   features/   replies/   reports/   cache/   .prefect/

Nothing is written outside of it.
"""

import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from mgrd.errors import ConfigError, StoreError, boundary
from mgrd.settings import SETTINGS_FILE, Settings, load_settings, parse_settings, require_workspace
from mgrd.store.delta import Store
from mgrd.store.ledger import Ledger
from mgrd.store.lock import hold, process_start

LOGGER = logging.getLogger("mgrd")

SETTINGS_HEADER = """\
# Settings of this workspace. Everything has a default: write only what differs.
# `mgrd config schema` prints all of it; docs/configuration.md explains it.

[spec]
seed = 0
rounds = 3
"""


class Workspace:
    """Paths, settings, tables and ledger of one campaign."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root = root.resolve()
        self.settings = settings
        self.store = Store(self.root, settings.store.uri)

    @classmethod
    def open(cls, root: Path, overrides: dict[str, object] | None = None) -> "Workspace":
        """The workspace at `root`. Raises ConfigError when there is none."""
        require_workspace(root)
        return cls(root, load_settings(root, overrides))

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.store)

    @property
    def audio(self) -> Path:
        return self.root / "audio"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def replies(self) -> Path:
        """The cache of judges' replies."""
        return self.root / "replies"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def data_docs(self) -> Path:
        """What the contracts found, a page per stage and table."""
        return self.reports / "contracts"

    @property
    def cache(self) -> Path:
        """What can be made again: the pictures of clips and the review app's mirror of the tables."""
        return self.root / "cache"

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for the files of one piece of work while it lasts. What killed processes left is removed."""
        parent, here = self.cache / "scratch", socket.gethostname()
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.glob(f"{here}-*"):
            if not process_start(int(left.name.removeprefix(f"{here}-").split("-")[0])):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{here}-{os.getpid()}-", dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def pictures(self) -> Path:
        """What review draws of clips; made when evidence is measured."""
        return self.cache / "pictures"

    @contextmanager
    def held(self, what: str) -> Iterator[None]:
        """Be the one that writes here, for the block. Raises BusyError when another process is."""
        with hold(self.root, what) as dead:
            if dead is not None:
                LOGGER.warning(
                    "took over from `%s` (process %d on %s, since %s), which is gone",
                    dead.what, dead.pid, dead.host, dead.since,
                )  # fmt: skip
            yield

    def resolve(self, uri: str) -> Path:
        """A row's uri as a path: relative ones lie in the workspace."""
        path = Path(uri)
        return path if path.is_absolute() else self.root / path


def init_workspace(root: Path, settings: Path | None = None) -> bool:
    """Make the folder and its settings file, from a given one if wished; False when it was a workspace already.

    Raises ConfigError when the given file is missing or holds wrong settings; the folder is then left as it was.
    """
    path = root / SETTINGS_FILE
    if path.exists():
        return False
    text = SETTINGS_HEADER
    if settings is not None:
        if not settings.is_file():
            raise ConfigError(f"{settings}: no such settings file; start without --settings for the defaults")
        parse_settings(settings)
        text = settings.read_text(encoding="utf-8")
    if root.exists() and not root.is_dir():
        raise ConfigError(f"{root} is a file; name a folder, which is made if it is missing")
    with boundary(StoreError, f"{root}: the workspace cannot be made there"):
        root.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return True
