"""A tiny model and its encoder's features, which the tests of training share; each module has its own."""

from pathlib import Path

import pytest

from mgrd.models.checkpoints import load_model
from mgrd.training.features import FeatureCache
from tests.tiny_model import tiny_model, tones


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def features(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    """Features of four tones, `clip0` to `clip3`."""
    loaded = load_model(folder)
    cache = FeatureCache(tmp_path_factory.mktemp("features"), loaded.encoder_sha, "float32")
    cache.ensure(loaded, list(tones(tmp_path_factory.mktemp("audio"), 4).items()))
    return cache
