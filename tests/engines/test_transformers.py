"""The transformers engine: greedy as the library, rows independent of their batch, scores that agree."""

import dataclasses
from pathlib import Path

import pytest
import soundfile
import torch

from mgrd.engines.decoding import Vocabulary, choose_tokens, write_chains
from mgrd.engines.protocol import Completion, SampleRequest, Sampling, ScoreRequest
from mgrd.engines.transformers import TransformersEngine
from mgrd.errors import DataError, EngineError
from mgrd.models.checkpoints import load_model
from mgrd.models.forward import completion_logprobs, pack_rows
from mgrd.models.render import Renderer
from mgrd.training.features import FeatureCache
from tests.tiny_model import PROMPTS, tiny_model, tone, tones

LIMIT = 12
SAMPLED = Sampling(temperature=1.0, top_p=1.0, max_new_tokens=LIMIT)
GREEDY = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=LIMIT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    audio = tmp_path_factory.mktemp("audio")
    return {**tones(audio, 3), "short": tone(audio / "short.wav", 500, 0.5)}


def engine_of(folder: Path, tmp_path: Path, batch_requests: int = 32) -> TransformersEngine:
    return TransformersEngine(folder, tmp_path / "features", batch_requests=batch_requests, precision="float32")


def requests_of(clips: dict[str, Path], samples: int = 4) -> list[SampleRequest]:
    return [
        SampleRequest(
            f"{clip}-{j}", clip, clips.get(clip or ""), prompt,
            tuple(range(samples)), tuple(100 * i + 10 * j + k for k in range(samples)),
        )
        for i, clip in enumerate([*clips, None])
        for j, prompt in enumerate(PROMPTS)
    ]  # fmt: skip


def sampled(engine: TransformersEngine, requests: list[SampleRequest], sampling: Sampling) -> list[Completion]:
    return [completion for batch in engine.sample(requests, sampling) for completion in batch]


def same(first: list[Completion], second: list[Completion]) -> bool:
    def plain(completion: Completion) -> Completion:
        return dataclasses.replace(completion, logprob=round(completion.logprob, 3))

    return [plain(c) for c in first] == [plain(c) for c in second]


def test_greedy_equals_generate_token_by_token(folder: Path, clips: dict[str, Path], tmp_path: Path) -> None:
    loaded = load_model(folder)
    renderer = Renderer(loaded.processor)
    banned = [token for token in renderer.special_ids if token != renderer.end_id]
    requests = requests_of(clips, samples=1)
    found = sampled(engine_of(folder, tmp_path), requests, GREEDY)
    for request, completion in zip(requests, found, strict=True):
        content = [{"type": "audio"}] if request.audio else []
        turn = {"role": "user", "content": [*content, {"type": "text", "text": request.prompt}]}
        text = loaded.processor.apply_chat_template([turn], add_generation_prompt=True, tokenize=False)
        audio = soundfile.read(request.audio, dtype="float32")[0] if request.audio else None
        batch = loaded.processor(text=text, audio=audio, sampling_rate=16_000, return_tensors="pt")
        written = loaded.model.generate(**batch, max_new_tokens=LIMIT, suppress_tokens=banned)
        tail = written[0, batch.input_ids.shape[1] :].tolist()
        assert completion.text == renderer.decode(tail)
        assert completion.completion_tokens == len(tail)
        assert completion.prompt_tokens == batch.input_ids.shape[1]


def test_a_rows_tokens_do_not_depend_on_its_batch(folder: Path, clips: dict[str, Path], tmp_path: Path) -> None:
    requests = requests_of(clips)
    together = sampled(engine_of(folder, tmp_path), requests, SAMPLED)
    in_threes = sampled(engine_of(folder, tmp_path, batch_requests=3), requests, SAMPLED)
    assert same(together, in_threes)
    last = [dataclasses.replace(r, sample_indices=(3,), seeds=(r.seeds[3],)) for r in requests]
    assert same([c for c in together if c.sample_index == 3], sampled(engine_of(folder, tmp_path), last, SAMPLED))


def test_seeds_and_sounds_make_the_difference(folder: Path, clips: dict[str, Path], tmp_path: Path) -> None:
    engine = engine_of(folder, tmp_path)
    first = requests_of(clips)[0]
    texts = [completion.text for completion in sampled(engine, [first], SAMPLED)]
    assert len(set(texts)) > 1
    other = dataclasses.replace(first, clip_id="clip2", audio=clips["clip2"])
    assert [completion.text for completion in sampled(engine, [other], SAMPLED)] != texts


def test_requests_may_ask_for_different_numbers_of_chains(folder: Path, clips: dict[str, Path], tmp_path: Path) -> None:
    requests = requests_of(clips)
    uneven = [
        dataclasses.replace(r, sample_indices=r.sample_indices[: 1 + i % 4], seeds=r.seeds[: 1 + i % 4])
        for i, r in enumerate(requests)
    ]
    found = sampled(engine_of(folder, tmp_path), uneven, SAMPLED)
    wanted = {(r.request_id, k) for r in uneven for k in r.sample_indices}
    everything = sampled(engine_of(folder, tmp_path), requests, SAMPLED)
    assert same(found, [c for c in everything if (c.request_id, c.sample_index) in wanted])


def test_logprobs_equal_teacher_forced_scores(folder: Path, clips: dict[str, Path], tmp_path: Path) -> None:
    loaded = load_model(folder)
    renderer = Renderer(loaded.processor)
    cache = FeatureCache(tmp_path, loaded.encoder_sha, "float32")
    cache.ensure(loaded, list(clips.items()))
    prompts = [renderer.prompt(PROMPTS[0], cache.tokens(clip)) for clip in clips]
    vocabulary = Vocabulary.of(loaded.model.lm_head.out_features, renderer.end_id, ())
    written = write_chains(loaded.model, prompts, *cache.get(list(clips)), [[7, 8]] * len(clips), SAMPLED, vocabulary)
    chains = [
        (prompt, chain, clip) for prompt, pair, clip in zip(prompts, written, clips, strict=True) for chain in pair
    ]
    pack = pack_rows(
        [prompt for prompt, _, _ in chains], [c.ids for _, c, _ in chains], [clip for _, _, clip in chains]
    )
    lengths = [len(chain.ids) for _, chain, _ in chains]
    forced = completion_logprobs(loaded.model, pack, lengths, *cache.get(list(clips))).split(lengths)
    for (_, chain, _), logprobs in zip(chains, forced, strict=True):
        assert float(logprobs.sum()) == pytest.approx(chain.logprob, abs=1e-3)


def test_scores_come_in_the_order_of_the_requests(folder: Path, clips: dict[str, Path], tmp_path: Path) -> None:
    ask = [
        ScoreRequest(f"{clip}-{j}", clip, clips.get(clip or ""), prompt, "<think>\n\n</think>\n\nrising")
        for j, prompt in enumerate(PROMPTS)
        for clip in ("clip2", None, "clip0", "short")
    ]
    engine = engine_of(folder, tmp_path)
    together = engine.score(ask)
    apart = [engine.score([one])[0] for one in ask]
    assert [score.request_id for score in together] == [one.request_id for one in ask]
    for first, second in zip(together, apart, strict=True):
        assert first.token_logprobs == pytest.approx(second.token_logprobs, abs=1e-4)


def test_scores_depend_on_the_sound(folder: Path, clips: dict[str, Path], tmp_path: Path) -> None:
    ask = [ScoreRequest(name, name, clips[name], PROMPTS[0], "<think>\n\n</think>\n\nrising") for name in clips]
    scores = engine_of(folder, tmp_path).score(ask)
    assert len({round(sum(score.token_logprobs), 3) for score in scores}) == len(clips)


def test_chat_tokens_are_never_sampled(folder: Path, clips: dict[str, Path], tmp_path: Path) -> None:
    loaded = load_model(folder)
    renderer = Renderer(loaded.processor)
    engine = engine_of(folder, tmp_path)
    hot = Sampling(temperature=50.0, top_p=1.0, max_new_tokens=LIMIT)
    seeds = tuple(range(64))
    found = sampled(engine, [SampleRequest("a", "clip0", clips["clip0"], PROMPTS[0], seeds, seeds)], hot)
    special = loaded.processor.tokenizer.convert_ids_to_tokens(list(renderer.special_ids))
    assert not [token for completion in found for token in special if token in completion.text]
    assert any(completion.finish_reason == "stop" for completion in found)


def test_audio_tokens_follow_the_clip(folder: Path, clips: dict[str, Path], tmp_path: Path) -> None:
    found = sampled(engine_of(folder, tmp_path), requests_of(clips, samples=1), GREEDY)
    tokens = {completion.request_id[:-2]: completion.audio_tokens for completion in found}
    assert tokens == {"clip0": 25, "clip1": 25, "clip2": 25, "short": 12, "None": 0}


def test_a_prompt_with_chat_tokens_is_refused(folder: Path, clips: dict[str, Path], tmp_path: Path) -> None:
    bad = SampleRequest("a", "clip0", clips["clip0"], "<|AUDIO|>", (0,), (0,))
    with pytest.raises(DataError, match="chat token"):
        sampled(engine_of(folder, tmp_path), [bad], SAMPLED)


def test_a_clip_without_its_audio_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="together"):
        sampled(engine_of(folder, tmp_path), [SampleRequest("a", "clip0", None, "?", (0,), (0,))], SAMPLED)


def test_tokens_follow_the_distribution() -> None:
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    uniforms = torch.linspace(0, 1, 2001, dtype=torch.float64)[:-1]
    rows = logits.expand(2000, 4)
    drawn = choose_tokens(rows, uniforms, SAMPLED).bincount(minlength=4) / 2000
    assert torch.allclose(drawn, torch.tensor([0.5, 0.3, 0.15, 0.05]), atol=1e-3)
    nucleus = choose_tokens(rows, uniforms, dataclasses.replace(SAMPLED, top_p=0.7)).bincount(minlength=4) / 2000
    assert torch.allclose(nucleus, torch.tensor([0.625, 0.375, 0.0, 0.0]), atol=1e-3)


def test_a_banned_last_token_is_not_drawn_at_the_edge() -> None:
    logits = torch.tensor([[1.0, 1.0, -torch.inf]])
    assert choose_tokens(logits, torch.tensor([1.0], dtype=torch.float64), SAMPLED).tolist() == [1]
