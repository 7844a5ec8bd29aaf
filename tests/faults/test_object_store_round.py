"""A whole round whose tables lie in an object store, killed and continued there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mgrd.store import Store, Workspace
from schemas import DISTILLED, MODELS, TRACES
from tests.faults.campaigns import REPOSITORY, Killable, events, killable_campaigns, tables
from tests.faults.object_store import object_store

SETTINGS = (REPOSITORY / "examples" / "tiny.toml").read_text() + 'engine = "mock"\n'
URI = "s3://rounds/campaign"
KILLED_AFTER = (3, 9, 21, 34)
"""Events of the round: while it samples, between stages, while it trains and measures."""


def ready(killable: Killable, root: Path, settings: str, environment: dict[str, str]) -> Path:
    """A workspace that stands before its first round."""
    file = root.parent / f"{root.name}.toml"
    file.write_text(settings)
    for command in (["init", str(root), "--settings", str(file)], ["ingest", "embedded", "-w", str(root)]):
        done = subprocess.run(
            [sys.executable, "-m", "mgrd", *command], cwd=REPOSITORY, env={**os.environ, **environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert killable.run(root, root / "events", **{"spec.rounds": 0}) == 0, killable.said(root)
    (root / "events").unlink()
    return root


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_a_round_in_an_object_store_that_is_killed_and_continued_ends_like_one_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with object_store("rounds") as environment, killable_campaigns(tmp_path, environment) as killable:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        local = ready(killable, tmp_path / "local", SETTINGS, environment)
        assert killable.run(local, local / "events") == 0, killable.said(local)

        remote = ready(killable, tmp_path / "remote", f'{SETTINGS}\n[store]\nuri = "{URI}"\n', environment)
        sampled: list[tuple[str, str, int]] = []
        for event in KILLED_AFTER:
            paid = Store(remote, URI).read(TRACES, {"round": 1})["seed"].to_list()
            assert killable.run(remote, remote / "events", kill_after=event) == -9, killable.said(remote)
            asked = [tuple(chain) for kind, chains in events(remote) if kind == "sample" for chain in chains]
            assert not {seed for _, _, seed in asked} & set(paid), "committed chains were sampled again"
            sampled += asked
            (remote / "events").unlink()
        assert sampled, "no kill struck while chains were sampled"
        assert killable.run(remote, remote / "events") == 0, killable.said(remote)

        found = tables(remote, URI)
        for name, rows in tables(local).items():
            assert found[name].equals(rows), f"table {name} differs from that of an undisturbed round on disk"
        assert not (remote / "tables").exists(), "nothing is written beside the object store"
        assert Workspace.open(remote).ledger.newest(1, "promote") is not None
        assert {row["round"] for row in found[MODELS.name].iter_rows(named=True)} == {0, 1}
        assert found[DISTILLED.name].height
