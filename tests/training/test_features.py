"""The feature cache: as the model itself hears, computed once, whole shards or none, no silent cut."""

import json
from pathlib import Path

import pytest
import soundfile
import torch

from mgrd.errors import AudioError, EngineError
from mgrd.models import listen
from mgrd.models.checkpoints import LoadedModel, load_model
from mgrd.training import features as module
from mgrd.training.features import FeatureCache
from tests.tiny_model import WINDOW, tiny_model, tone, tones


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return load_model(tiny_model(tmp_path_factory.mktemp("models") / "tiny"))


def cache_of(loaded: LoadedModel, folder: Path) -> FeatureCache:
    return FeatureCache(folder, loaded.encoder_sha, "float32")


@pytest.mark.parametrize("seconds", [1.0, 0.6, 0.31])
def test_features_equal_what_the_library_hears(loaded: LoadedModel, tmp_path: Path, seconds: float) -> None:
    path = tone(tmp_path / "clip.wav", 440, seconds)
    cache = cache_of(loaded, tmp_path)
    cache.ensure(loaded, [("full", tone(tmp_path / "full.wav", 300)), ("clip", path)])
    features, lengths = cache.get(["clip"])
    samples, rate = soundfile.read(path, dtype="float32")
    text = "<|audio_bos|><|AUDIO|><|audio_eos|>"
    batch = loaded.processor(text=text, audio=samples, sampling_rate=rate, return_tensors="pt")
    heard: list[torch.Tensor] = []
    hook = loaded.model.model.audio_tower.register_forward_hook(lambda *a: heard.append(a[2].last_hidden_state))
    loaded.model(**batch)
    hook.remove()
    count = int((batch.input_ids == loaded.model.config.audio_token_id).sum())
    assert lengths.tolist() == [count] == [cache.tokens("clip")]
    assert torch.allclose(features[0], heard[0][0, :count], atol=1e-5)


def test_tokens_follow_the_duration(loaded: LoadedModel, tmp_path: Path) -> None:
    cache = cache_of(loaded, tmp_path)
    cache.ensure(loaded, [("long", tone(tmp_path / "a.wav", 440)), ("short", tone(tmp_path / "b.wav", 440, 0.4))])
    assert (cache.tokens("long"), cache.tokens("short")) == (25, 10)


def test_a_clip_beyond_the_window_is_refused_by_name(loaded: LoadedModel, tmp_path: Path) -> None:
    path = tone(tmp_path / "long.wav", 440, 2 * WINDOW)
    with pytest.raises(AudioError, match=r"long\.wav.*window"):
        cache_of(loaded, tmp_path).ensure(loaded, [("long", path)])


def test_a_clip_beyond_the_window_is_heard_in_equal_windows_where_that_is_asked_for(
    loaded: LoadedModel, tmp_path: Path
) -> None:
    path = tone(tmp_path / "long.wav", 440, 2.5 * WINDOW)
    cache = FeatureCache(tmp_path, loaded.encoder_sha, "float32", "split")
    cache.ensure(loaded, [("long", path), ("short", tone(tmp_path / "short.wav", 440, 0.4))])
    assert cache.windows("long") == (21, 21, 21)
    assert cache.windows("short") == (10,)
    samples, rate = soundfile.read(path, dtype="float32")
    middle = tmp_path / "middle.wav"
    soundfile.write(middle, samples[round(len(samples) / 3) : round(2 * len(samples) / 3)], rate, subtype="FLOAT")
    cache.ensure(loaded, [("middle", middle)])
    features, lengths = cache.get(["long", "middle"])
    assert lengths.tolist() == [63, 21]
    assert torch.allclose(features[0, 21:42], features[1, :21], atol=1e-3)


def test_what_was_split_is_still_refused_elsewhere(loaded: LoadedModel, tmp_path: Path) -> None:
    clips = [("long", tone(tmp_path / "long.wav", 440, 2 * WINDOW))]
    FeatureCache(tmp_path, loaded.encoder_sha, "float32", "split").ensure(loaded, clips)
    with pytest.raises(AudioError, match="window"):
        cache_of(loaded, tmp_path).ensure(loaded, clips)


def test_tokens_that_do_not_stand_for_the_whole_clip_are_an_error(
    loaded: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "token_count", lambda frames: frames // 8)
    with pytest.raises(AudioError, match=r"cut\.wav.*not heard"):
        cache_of(loaded, tmp_path).ensure(loaded, [("cut", tone(tmp_path / "cut.wav", 440))])


def test_a_clip_too_short_for_a_token_is_named(loaded: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"click\.wav.*too short"):
        cache_of(loaded, tmp_path).ensure(loaded, [("click", tone(tmp_path / "click.wav", 440, 0.01))])


def test_another_process_opens_the_same_cache(loaded: LoadedModel, tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, loaded.encoder_sha, "float32", "split")
    cache.ensure(loaded, list(tones(tmp_path / "audio", 1).items()))
    again = FeatureCache.of(json.loads(json.dumps(cache.description())))
    assert torch.equal(again.get(["clip0"])[0], cache.get(["clip0"])[0])


def test_files_of_another_layout_are_computed_anew(loaded: LoadedModel, tmp_path: Path) -> None:
    cache = cache_of(loaded, tmp_path)
    cache.ensure(loaded, list(tones(tmp_path / "audio", 1).items()))
    index = next(cache.folder.glob("*.json"))
    index.write_text(json.dumps({"clips": ["clip0"], "tokens": [25]}))
    assert "clip0" not in cache_of(loaded, tmp_path)


def test_a_clip_of_another_rate_is_resampled(loaded: LoadedModel, tmp_path: Path) -> None:
    samples, _ = soundfile.read(tone(tmp_path / "a.wav", 440), dtype="float32")
    soundfile.write(tmp_path / "b.wav", samples.repeat(3), 48_000)
    cache = cache_of(loaded, tmp_path)
    cache.ensure(loaded, [("b", tmp_path / "b.wav")])
    assert cache.tokens("b") == 25


def test_nothing_is_computed_twice(loaded: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = list(tones(tmp_path / "audio", 3).items())
    done: list[int] = []
    cache_of(loaded, tmp_path).ensure(loaded, clips, done.append)
    monkeypatch.setattr(module, "encode_clips", lambda *_: pytest.fail("encoded again"))
    again = cache_of(loaded, tmp_path)
    again.ensure(loaded, clips, done.append)
    assert sum(done) == 6
    assert again.get(["clip2", "clip0"])[0].shape == (2, 25, 8)


def test_a_killed_run_goes_on_with_the_missing_shards(
    loaded: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHARD_CLIPS", 2)
    clips = list(tones(tmp_path / "audio", 3).items())
    broken = [*clips[:2], ("clip2", tmp_path / "missing.wav")]
    with pytest.raises(AudioError, match="missing"):
        cache_of(loaded, tmp_path).ensure(loaded, broken)
    resumed = cache_of(loaded, tmp_path)
    assert "clip1" in resumed
    assert "clip2" not in resumed
    resumed.ensure(loaded, clips)
    assert "clip2" in resumed


def test_a_shard_without_its_index_does_not_exist(loaded: LoadedModel, tmp_path: Path) -> None:
    cache = cache_of(loaded, tmp_path)
    cache.ensure(loaded, list(tones(tmp_path / "audio", 1).items()))
    next(cache.folder.glob("*.json")).unlink()
    assert "clip0" not in cache_of(loaded, tmp_path)


def test_half_precision_is_close(loaded: LoadedModel, tmp_path: Path) -> None:
    clips = list(tones(tmp_path / "audio", 1).items())
    half, full = (FeatureCache(tmp_path, loaded.encoder_sha, which) for which in ("float16", "float32"))
    for cache in (half, full):
        cache.ensure(loaded, clips)
    assert torch.allclose(half.get(["clip0"])[0], full.get(["clip0"])[0], atol=2e-3, rtol=2e-3)


def test_the_cache_of_another_encoder_is_refused(loaded: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="encoder"):
        FeatureCache(tmp_path, "other").ensure(loaded, [])


def test_features_that_were_not_computed_are_named(loaded: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="clip9"):
        cache_of(loaded, tmp_path).get(["clip9"])
