"""SFT: the loss falls, the sound matters, the encoder does not move, and a seed decides everything."""

import hashlib
from pathlib import Path

import polars as pl
import pytest
import soundfile
import torch

from mgrd.errors import TrainingError
from mgrd.models.checkpoints import LoadedModel, load_model, save_model
from mgrd.models.parallel import workers
from mgrd.models.render import Renderer
from mgrd.training.adapters import TARGETS, Lora, trainable_parameters
from mgrd.training.batches import cut_rows, draw_batches, render_rows, shard_batch
from mgrd.training.features import FeatureCache
from mgrd.training.loss import set_gradients, weighted_loss
from mgrd.training.optimizer import rate_factor
from mgrd.training.sft import TrainReport, train_sft
from tests.tiny_model import rows, tones

ROWS = rows(["clip0", "clip1", "clip2", None])


def train(folder: Path, out: Path, features: FeatureCache, data: pl.DataFrame = ROWS, **changes: object) -> TrainReport:
    settings = {"steps": 12, "batch_rows": 4, "learning_rate": 1e-2, "warmup": 0.1, "weight_decay": 0.01, "seed": 0}
    return train_sft(folder, out, data, features, **{**settings, **changes})


def test_the_loss_falls_and_progress_is_told(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    told: list[int] = []
    report = train(folder, tmp_path / "out", features, on_step=told.append, steps=40)
    assert sum(told) == len(report.losses) == 40
    assert report.losses[-1] < 0.5 * report.losses[0]
    assert report.tokens > 40 * 4 * 20


def test_the_same_seed_gives_the_same_weights(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    shas = [train(folder, tmp_path / str(i), features, seed=seed).model_id for i, seed in enumerate((0, 0, 1))]
    assert shas[0] == shas[1] != shas[2]


def test_the_encoder_and_its_key_do_not_change(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    train(folder, tmp_path / "out", features)
    before, after = load_model(folder), load_model(tmp_path / "out")
    assert after.encoder_sha == before.encoder_sha
    assert after.sha != before.sha
    moved = {
        name
        for (name, old), new in zip(before.model.named_parameters(), after.model.parameters(), strict=True)
        if not torch.equal(old, new)
    }
    assert not [name for name in moved if "audio_tower" in name]
    assert [name for name in moved if "multi_modal_projector" in name]
    assert [name for name in moved if "language_model" in name]


def gradients(
    loaded: LoadedModel, data: pl.DataFrame, features: FeatureCache, count: int = 1, part_rows: int = 0
) -> tuple[float, torch.Tensor]:
    """Loss, and the projector's gradient."""
    batch = render_rows(data, Renderer(loaded.processor), features)
    with workers(count) as crew:
        loss, _ = set_gradients(
            loaded.model, trainable_parameters(loaded.model), batch, features, crew, part_rows=part_rows
        )
    gradient = loaded.model.model.multi_modal_projector.linear.weight.grad
    assert gradient is not None
    return loss, gradient


def test_the_loss_on_cached_features_is_that_of_the_library_with_its_encoder_running(
    folder: Path, features: FeatureCache, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The library's own forward pass, row by row: audio tower, projector, decoder, loss where the mask is true."""
    loaded = load_model(folder)
    renderer = Renderer(loaded.processor)
    paths = tones(tmp_path_factory.mktemp("audio"), 3)
    data = rows(list(paths))
    calls: list[int] = []
    loaded.model.model.audio_tower.register_forward_hook(lambda *_: calls.append(1))
    total, count = 0.0, 0
    for row, rendered in zip(data.iter_rows(named=True), render_rows(data, renderer, features), strict=True):
        samples, rate = soundfile.read(paths[row["clip_id"]], dtype="float32")
        sound = loaded.processor(text="<|AUDIO|>", audio=samples, sampling_rate=rate, return_tensors="pt")
        ids = torch.tensor([rendered.example.ids])
        labels = ids.masked_fill(~torch.tensor([rendered.example.loss_mask]), -100)
        with torch.no_grad():
            output = loaded.model(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                input_features=sound["input_features"],
                feature_attention_mask=sound["feature_attention_mask"],
                labels=labels,
            )
        learnt = len(rendered.example.completion)
        total, count = total + float(output.loss) * learnt, count + learnt
    assert len(calls) == data.height
    cached, tokens = weighted_loss(load_model(folder).model, render_rows(data, renderer, features), features)
    assert tokens > count
    assert float(cached) / count == pytest.approx(total / count, abs=1e-6)


def test_half_precision_features_give_nearly_the_same_loss(
    folder: Path, features: FeatureCache, tmp_path: Path
) -> None:
    loaded = load_model(folder)
    half = FeatureCache(tmp_path / "half", loaded.encoder_sha, "float16")
    half.ensure(loaded, list(tones(tmp_path / "audio", 4).items()))
    data = rows(["clip0", "clip1", "clip2"])
    assert gradients(load_model(folder), data, half)[0] == pytest.approx(
        gradients(load_model(folder), data, features)[0], rel=1e-3
    )


@pytest.mark.parametrize("lora", [None, Lora(rank=2, alpha=4)])
def test_the_encoder_is_bit_identical_after_training(
    folder: Path, features: FeatureCache, tmp_path: Path, lora: Lora | None
) -> None:
    train(folder, tmp_path / "out", features, lora=lora)
    before, after = (load_model(place).model.model.audio_tower.state_dict() for place in (folder, tmp_path / "out"))
    assert before.keys() == after.keys()
    for name, weight in before.items():
        assert weight.numpy().tobytes() == after[name].numpy().tobytes(), name


def test_adapters_train_little_and_are_merged(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    report = train(folder, tmp_path / "out", features, lora=Lora(rank=2, alpha=4), steps=40)
    assert report.losses[-1] < 0.8 * report.losses[0]
    before, after = load_model(folder).model, load_model(tmp_path / "out").model
    assert [name for name, _ in after.named_parameters()] == [name for name, _ in before.named_parameters()]
    moved = {
        name
        for (name, old), new in zip(before.named_parameters(), after.parameters(), strict=True)
        if not torch.equal(old, new)
    }
    assert any("multi_modal_projector" in name for name in moved)
    assert {name.split(".")[-2] for name in moved if "language_model" in name} == set(TARGETS)
    assert not {"lm_head.weight", "model.language_model.embed_tokens.weight"} & moved


def test_parts_of_a_batch_add_up_to_its_gradients(folder: Path, features: FeatureCache) -> None:
    whole, parts = (gradients(load_model(folder), ROWS, features, 2, part_rows) for part_rows in (0, 1))
    assert whole[0] == pytest.approx(parts[0], abs=1e-5)
    assert torch.allclose(whole[1], parts[1], atol=1e-5)


def test_parts_hold_rows_of_like_length_and_every_row_once(folder: Path, features: FeatureCache) -> None:
    batch = render_rows(ROWS, Renderer(load_model(folder).processor), features)
    parts = cut_rows(batch, 2)
    assert [len(part) for part in parts] == [2, 2, 2, 2]
    assert sorted(row.row_id for part in parts for row in part) == sorted(row.row_id for row in batch)
    longest = [max(len(row.example.ids) for row in part) for part in parts]
    assert longest == sorted(longest)


def test_activation_checkpointing_changes_nothing_but_the_cost(
    folder: Path, features: FeatureCache, tmp_path: Path
) -> None:
    plain = train(folder, tmp_path / "plain", features)
    again = train(folder, tmp_path / "again", features, activation_checkpointing=True)
    assert again.losses == pytest.approx(plain.losses, abs=1e-5)


def test_a_row_longer_than_the_decoder_is_refused_by_name(folder: Path, features: FeatureCache) -> None:
    renderer = Renderer(load_model(folder).processor)
    with pytest.raises(TrainingError, match=r"row0-1 has \d+ tokens"):
        render_rows(rows(["clip0"]), renderer, features, positions=20)


def test_another_sound_changes_loss_and_gradients(folder: Path, features: FeatureCache) -> None:
    first, second = (
        gradients(load_model(folder), rows(["clip0"]).with_columns(clip_id=pl.lit(clip)), features)
        for clip in ("clip0", "clip3")
    )
    assert abs(first[0] - second[0]) > 1e-3
    assert not torch.allclose(first[1], second[1], atol=1e-3)


def test_shards_side_by_side_give_the_gradients_of_the_whole(folder: Path, features: FeatureCache) -> None:
    whole, parts = (gradients(load_model(folder), ROWS, features, count) for count in (1, 3))
    assert whole[0] == pytest.approx(parts[0], abs=1e-5)
    assert torch.allclose(whole[1], parts[1], atol=1e-5)


def test_shards_keep_clips_together_and_are_balanced(folder: Path, features: FeatureCache) -> None:
    batch = render_rows(ROWS, Renderer(load_model(folder).processor), features)
    shards = shard_batch(batch, 2)
    clips = [{row.clip_id for row in shard if row.clip_id} for shard in shards]
    assert not clips[0] & clips[1]
    assert sorted(row.row_id for shard in shards for row in shard) == sorted(row.row_id for row in batch)
    assert len(shard_batch(batch[:1], 2)) == 1


def test_the_model_learns_to_tell_sounds_apart(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    data = rows(["clip0", "clip3"]).filter(pl.col("reasoning") == "")
    data = data.with_columns(answer=pl.Series(["falling", "rising"]))
    report = train(folder, tmp_path / "out", features, data, steps=100, batch_rows=2)
    assert report.losses[-1] < 0.02


def test_a_row_weighs_as_it_says(folder: Path, features: FeatureCache) -> None:
    loaded = load_model(folder)
    both = rows(["clip0"])
    first, second = (gradients(loaded, both[i : i + 1], features)[0] for i in (0, 1))
    lengths = [len(r.example.completion) for r in render_rows(both, Renderer(loaded.processor), features)]
    expected = (3 * lengths[0] * first + lengths[1] * second) / (3 * lengths[0] + lengths[1])
    weighted = both.with_columns(weight=pl.Series([3.0, 1.0]))
    assert gradients(loaded, weighted, features)[0] == pytest.approx(expected, abs=1e-4)


def test_a_diverging_run_saves_nothing(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    loaded = load_model(folder)
    with torch.no_grad():
        loaded.model.lm_head.weight.fill_(torch.nan)
    broken = tmp_path / "broken"
    save_model(loaded.model, loaded.processor, broken)
    with pytest.raises(TrainingError, match="learning rate"):
        train(broken, tmp_path / "out", features)
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_the_parent_is_left_as_it_was(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    before = hashlib.sha256((folder / "model.safetensors").read_bytes()).digest()
    train(folder, tmp_path / "out", features)
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).digest() == before


def test_no_rows_is_an_error(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no rows"):
        train(folder, tmp_path / "out", features, ROWS.head(0))


def test_batches_use_every_row_once_an_epoch_and_keep_clips_together(folder: Path, features: FeatureCache) -> None:
    rendered = render_rows(ROWS, Renderer(load_model(folder).processor), features)
    batches = list(draw_batches(rendered, 4, 4, seed=0))
    assert [len(batch) for batch in batches] == [4] * 4
    epochs = [[row.row_id for batch in part for row in batch] for part in (batches[:2], batches[2:])]
    assert all(sorted(epoch) == sorted(ROWS["row_id"]) for epoch in epochs)
    assert epochs[0] != epochs[1]
    for batch in batches:
        clips = [row.clip_id for row in batch if row.clip_id]
        assert all(clips.count(clip) == 2 for clip in clips)


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    factors = [rate_factor(step, 100, 0.1) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == factors[9] == factors[10] == 1.0
    assert factors[99] < 0.001


def test_bfloat16_products_give_nearly_the_gradients_of_float32(folder: Path, features: FeatureCache) -> None:
    batch = render_rows(ROWS, Renderer(load_model(folder).processor), features)
    found = {}
    for dtype in (torch.float32, torch.bfloat16):
        model = load_model(folder).model
        with workers(2) as crew:
            loss, _ = set_gradients(model, trainable_parameters(model), batch, features, crew, dtype)
        gradient = model.model.multi_modal_projector.linear.weight.grad
        assert gradient is not None
        assert gradient.dtype == torch.float32
        found[dtype] = loss, gradient.flatten()
    assert found[torch.bfloat16][0] == pytest.approx(found[torch.float32][0], rel=0.02)
    assert not torch.equal(found[torch.bfloat16][1], found[torch.float32][1]), "bfloat16 was not used"
    assert torch.cosine_similarity(found[torch.bfloat16][1], found[torch.float32][1], dim=0) > 0.99


def test_the_report_says_which_precision_was_used(folder: Path, features: FeatureCache, tmp_path: Path) -> None:
    assert train(folder, tmp_path / "a", features, precision="bfloat16").precision == "bfloat16"
    assert train(folder, tmp_path / "b", features).precision == "float32"
