"""DPO: the loss of the paper, pairs become ordered, the sound is heard, the encoder stays."""

import math
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from mgrd.errors import TrainingError
from mgrd.models.checkpoints import load_model
from mgrd.models.render import Renderer
from mgrd.settings.training import PreferenceSpec
from mgrd.training.batches import TrainingRow
from mgrd.training.dpo import Pair, dpo_loss, train_dpo
from mgrd.training.features import FeatureCache
from mgrd.training.gradients import row_states
from tests.tiny_model import PROMPTS

SPEC = PreferenceSpec(steps=15, batch_pairs=4, learning_rate=2e-3)
HEARS, DENIES = "the pitch rises", "i cannot hear"


def pairs(folder: Path, features: FeatureCache, *, swapped: bool = False) -> list[Pair]:
    """Listening over denial; with `swapped` each pair hears the other clip."""
    renderer = Renderer(load_model(folder).processor)
    clips = ("clip1", "clip0") if swapped else ("clip0", "clip1")
    made = []
    for clip in clips:
        chosen, rejected = (
            renderer.example(PROMPTS[0], features.tokens(clip), reasoning, "rising") for reasoning in (HEARS, DENIES)
        )
        made.append(Pair(f"pair {len(made)}", clip, chosen, rejected))
    return made


def margins(folder: Path, features: FeatureCache, made: list[Pair]) -> list[float]:
    rows = [TrainingRow(p.pair_id, p.clip_id, one, 1.0) for p in made for one in (p.chosen, p.rejected)]
    with torch.no_grad():
        logprobs, _, _ = row_states(load_model(folder).model, rows, features)
    sums = [float(part.sum()) for part in logprobs.split([len(row.example.completion) for row in rows])]
    return [sums[at] - sums[at + 1] for at in range(0, len(sums), 2)]


def test_the_loss_is_that_of_the_paper() -> None:
    loss = dpo_loss(torch.tensor([-3.0]), torch.tensor([-5.0]), torch.tensor([0.5]), beta=0.1)
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-0.1 * (2.0 - 0.5))))


def test_preferred_chains_become_likelier_and_the_encoder_stays(
    folder: Path, features: FeatureCache, tmp_path: Path
) -> None:
    made = pairs(folder, features)
    before = margins(folder, features, made)
    report = train_dpo(load_model(folder), tmp_path / "out", made, features, SPEC, seed=0)
    assert report.losses[0] == pytest.approx(math.log(2), abs=1e-4)
    assert report.losses[-1] < 0.5 * report.losses[0]
    assert report.ordered[-1] == 1.0
    after = margins(tmp_path / "out", features, made)
    assert all(late > early + 1 for early, late in zip(before, after, strict=True))
    assert load_model(tmp_path / "out").encoder_sha == load_model(folder).encoder_sha


def test_another_sound_gives_another_model(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"steps": 1, "batch_pairs": 1})
    one, other = (
        train_dpo(load_model(folder), tmp_path / name, made, features, spec, seed=0).model_id
        for name, made in (("a", pairs(folder, features)[:1]), ("b", pairs(folder, features, swapped=True)[:1]))
    )
    assert one != other


def test_the_same_seed_gives_the_same_weights(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"steps": 2})
    made = pairs(folder, features)
    shas = {train_dpo(load_model(folder), tmp_path / str(i), made, features, spec, seed=0).model_id for i in range(2)}
    assert len(shas) == 1


def test_a_killed_run_goes_on_and_ends_with_the_same_weights(
    folder: Path, features: FeatureCache, tmp_path: Path
) -> None:
    spec = SPEC.model_copy(update={"steps": 7})
    made = pairs(folder, features)
    whole = train_dpo(load_model(folder), tmp_path / "whole", made, features, spec, seed=0)
    steps: list[int] = []

    def kill(count: int) -> None:
        steps.append(count)
        if sum(steps) == 5:
            raise InterruptedError

    again: list[int] = []
    for told in (kill, again.append):
        with suppress(InterruptedError):
            report = train_dpo(
                load_model(folder), tmp_path / "parts", made, features, spec, seed=0, checkpoint_steps=2, on_step=told
            )
    assert again == [4, 1, 1, 1], "four steps were behind it, three were owed"
    assert report == whole
    assert not list(tmp_path.glob(".*.run"))


def test_no_pairs_is_an_error(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no preference pairs"):
        train_dpo(load_model(folder), tmp_path / "out", [], features, SPEC, seed=0)
