"""Retention of checkpoints: what rounds to come may start from stays, the registry forgets nothing."""

from pathlib import Path

import pytest

from mgrd.errors import ConfigError
from mgrd.store import Workspace, frame_of
from mgrd.store.checkpoints import current_checkpoint, retire_checkpoints, unneeded_checkpoints
from mgrd.store.workspace import init_workspace
from schemas import MODELS


def workspace(root: Path, promoted: tuple[int, ...], rounds: int = 4, **runtime: int) -> Workspace:
    """Rounds 0 to `rounds`, each with the checkpoints of two stages."""
    init_workspace(root)
    opened = Workspace.open(root, {f"runtime.{name}": value for name, value in runtime.items()})
    for round_ in range(rounds + 1):
        rows = [
            {
                "model_id": f"{stage}{round_}", "parent_id": None, "round": round_, "stage": stage,
                "uri": f"models/round-{round_}-{stage}", "template_sha": "t", "arm": "filtered",
                "promoted": stage == "dpo" and round_ in promoted, "metrics": "{}",
            }
            for stage in ("train", "dpo")
        ]  # fmt: skip
        for row in rows:
            (root / str(row["uri"])).mkdir(parents=True)
        opened.store.replace(MODELS, frame_of(MODELS, rows), {"round": round_})
    return opened


def names(folders: list[Path]) -> list[str]:
    return [folder.name for folder in folders]


def test_a_campaign_stands_at_the_newest_model_that_was_promoted(tmp_path: Path) -> None:
    opened = workspace(tmp_path / "w", promoted=(0, 1, 2))
    assert current_checkpoint(opened) == tmp_path / "w" / "models" / "round-2-dpo"


def test_before_a_promotion_it_stands_at_the_outside_model_or_at_none(tmp_path: Path) -> None:
    opened = workspace(tmp_path / "w", promoted=())
    with pytest.raises(ConfigError, match="has no model yet"):
        current_checkpoint(opened)
    outside = Workspace.open(tmp_path / "w", {"spec.model.base": str(tmp_path / "base")})
    assert current_checkpoint(outside) == tmp_path / "base"


def test_old_rounds_go_and_round_0_stays(tmp_path: Path) -> None:
    opened = workspace(tmp_path / "w", promoted=(1, 2, 3, 4))
    assert names(unneeded_checkpoints(opened, 2)) == ["round-1-train", "round-1-dpo", "round-2-train", "round-2-dpo"]
    assert unneeded_checkpoints(opened, 4) == []


def test_the_newest_promoted_model_stays_however_old(tmp_path: Path) -> None:
    opened = workspace(tmp_path / "w", promoted=(1,))
    assert names(unneeded_checkpoints(opened, 1)) == [
        "round-1-train", "round-2-train", "round-2-dpo", "round-3-train", "round-3-dpo",
    ]  # fmt: skip


@pytest.mark.parametrize(("kept", "left"), [(1, 5), (None, 10)])
def test_only_what_the_setting_lets_go_is_deleted(tmp_path: Path, kept: int | None, left: int) -> None:
    root = tmp_path / "w"
    opened = workspace(root, promoted=(1,), **({} if kept is None else {"keep_models": kept}))
    retire_checkpoints(opened)
    assert len(list((root / "models").iterdir())) == left
    assert opened.store.read(MODELS).height == 10
    assert retire_checkpoints(opened) == [], "again is the same as once"


def test_a_row_that_points_outside_deletes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "w"
    opened = workspace(root, promoted=(4,))
    (root / "audio").mkdir(exist_ok=True)
    row = {
        "model_id": "x", "parent_id": None, "round": 1, "stage": "train", "uri": "audio", "template_sha": "t",
        "arm": "filtered", "promoted": False, "metrics": "{}",
    }  # fmt: skip
    opened.store.replace(MODELS, frame_of(MODELS, [row]), {"round": 1})
    assert "audio" not in names(unneeded_checkpoints(opened, 1))
