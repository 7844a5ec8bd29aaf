"""Rollouts: on-policy chains of the real engine, scored by the filter's scorer, in a fixed order."""

from pathlib import Path

import pytest
import torch

from mgrd.engines.mock import MockEngine
from mgrd.engines.rollouts import EngineRollouts, Task
from mgrd.engines.transformers import TransformersEngine
from mgrd.errors import EngineError
from mgrd.models.checkpoints import LoadedModel, load_model
from mgrd.models.render import Renderer
from mgrd.settings import GroundingSpec
from mgrd.settings.runtime import MockRuntime
from mgrd.settings.training import ReinforceSpec
from mgrd.training.features import FeatureCache
from mgrd.training.gradients import row_states
from mgrd.training.policy import as_rows
from tests.tiny_model import PROMPTS, tiny_model, tones

SPEC = ReinforceSpec(prompts=2, rollouts=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return tones(tmp_path_factory.mktemp("audio"), 3)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


def tasks(sounds: dict[str, Path]) -> list[Task]:
    heard = [
        Task(f"q-{clip}", clip, path, PROMPTS[0], "How does the pitch move?", ("falling", "rising"), "rising", ())
        for clip, path in sounds.items()
    ]
    return [*heard, Task("q-text", None, None, PROMPTS[1], "How many?", ("one", "two"), "two", ())]


def source(
    folder: Path, sounds: dict[str, Path], cache: Path, spec: ReinforceSpec = SPEC
) -> tuple[EngineRollouts, LoadedModel, FeatureCache]:
    loaded = load_model(folder)
    features = FeatureCache(cache, loaded.encoder_sha)
    features.ensure(loaded, list(sounds.items()))
    made = EngineRollouts(
        TransformersEngine(loaded, cache), Renderer(loaded.processor), features, tasks(sounds), tasks(sounds), spec,
        GroundingSpec(), max_new_tokens=12, seed=0,
    )  # fmt: skip
    return made, loaded, features


def test_the_learner_sees_the_probabilities_that_the_engine_sampled_from(
    folder: Path, sounds: dict[str, Path], cache: Path
) -> None:
    made, loaded, features = source(folder, sounds, cache)
    rollouts = [one for group in made.draw(0) + made.draw(1) for one in group]
    assert {one.clip_id for one in rollouts} == {*sounds, None}
    with torch.no_grad():
        logprobs, _, _ = row_states(loaded.model, as_rows(rollouts), features)
    sums = [float(part.sum()) for part in logprobs.split([len(one.ids) for one in rollouts])]
    assert sums == pytest.approx([one.logprob for one in rollouts], abs=1e-3)


def test_a_moved_model_writes_other_chains(folder: Path, sounds: dict[str, Path], cache: Path) -> None:
    made, loaded, _ = source(folder, sounds, cache)
    before = made.draw(0)
    assert made.draw(0) == before
    with torch.no_grad():
        loaded.model.lm_head.weight.mul_(-1)
    assert made.draw(0) != before


def test_every_question_comes_once_before_any_comes_again(folder: Path, sounds: dict[str, Path], cache: Path) -> None:
    made, _, _ = source(folder, sounds, cache)
    groups = made.draw(0) + made.draw(1)
    assert {group[0].clip_id for group in groups} == {*sounds, None}
    assert all(len(group) == 4 and len({one.prompt for one in group}) == 1 for group in groups)


def test_a_look_asks_every_heldout_question_with_the_same_seeds(
    folder: Path, sounds: dict[str, Path], cache: Path
) -> None:
    made, _, _ = source(folder, sounds, cache)
    first, second = made.look(0), made.look(10)
    assert (first.step, second.step) == (0, 10)
    assert (first.reward, first.length) == (second.reward, second.length)


def test_an_engine_without_token_ids_is_refused(folder: Path, sounds: dict[str, Path], cache: Path) -> None:
    made, loaded, _ = source(folder, sounds, cache)
    made.engine = MockEngine(loaded.sha, MockRuntime())
    with pytest.raises(EngineError, match="token ids"):
        made.draw(0)


def test_an_empty_window_says_what_to_widen(folder: Path, sounds: dict[str, Path], cache: Path) -> None:
    made, _, features = source(folder, sounds, cache)
    with pytest.raises(EngineError, match="window"):
        EngineRollouts(made.engine, made.renderer, features, [], [], SPEC, GroundingSpec(), max_new_tokens=12, seed=0)
