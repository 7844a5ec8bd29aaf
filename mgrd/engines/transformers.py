"""Sampling and scoring with transformers' own model classes, in this process.

The encoder's outputs come from the feature cache, prompts are prefilled once per question, and chains
of one question share its keys and values. Greedy chains equal `model.generate` token by token.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from mgrd.engines.decoding import Vocabulary, Written, write_chains
from mgrd.engines.protocol import Completion, SampleRequest, Sampling, Score, ScoreRequest, audio_of
from mgrd.errors import EngineError, boundary
from mgrd.models.checkpoints import LoadedModel, load_model
from mgrd.models.forward import completion_logprobs, pack_rows
from mgrd.models.listen import LongClips
from mgrd.models.parallel import workers
from mgrd.models.render import RenderedPrompt, Renderer, parse_completion
from mgrd.training.features import FeatureCache, StoredPrecision

SCORE_ROWS = 64
"""Completions that one thread scores at once."""

Prompts = Sequence[RenderedPrompt]
Chains = list[list[Written]]


class TransformersEngine:
    """A Qwen2-Audio-class checkpoint, sampled and scored in float32."""

    name = "transformers"

    def __init__(
        self,
        model: Path | LoadedModel,
        features: Path,
        device: str = "cpu",
        batch_requests: int = 32,
        precision: StoredPrecision = "float16",
        long_clips: LongClips = "refuse",
    ) -> None:
        """`features` is the folder of the encoder cache; `batch_requests` questions are sampled together.

        With a model in memory the engine writes with the weights that this model has at the time: on-policy.
        """
        if torch.device(device).type != "cpu":
            raise EngineError(f"device {device!r}: this engine runs on the CPU; serve the checkpoint with vLLM instead")
        self._loaded = load_model(model, device) if isinstance(model, Path) else model
        self._features = FeatureCache(features, self._loaded.encoder_sha, precision, long_clips)
        self._renderer = Renderer(self._loaded.processor)
        self._batch_requests = batch_requests
        self._vocabulary = Vocabulary.of(
            self._loaded.model.lm_head.out_features, self._renderer.end_id, self._renderer.special_ids
        )
        self.model_id = self._loaded.sha

    def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> Iterator[list[Completion]]:
        """Completions of `batch_requests` questions at a time, in the order of the requests."""
        for start in range(0, len(requests), self._batch_requests):
            batch = requests[start : start + self._batch_requests]
            prompts = self._prompts(batch)

            def write(
                places: Sequence[int], batch: Sequence[SampleRequest] = batch, prompts: Prompts = prompts
            ) -> Chains:
                heard = self._heard([batch[at].clip_id for at in places])
                seeds = [batch[at].seeds for at in places]
                chosen = [prompts[at] for at in places]
                return write_chains(self._loaded.model, chosen, *heard, seeds, sampling, self._vocabulary)

            with boundary(EngineError, f"sampling {batch[0].request_id} to {batch[-1].request_id}"), workers() as crew:
                share = math.ceil(len(batch) / crew.count)
                order = sorted(range(len(batch)), key=lambda at: len(prompts[at].ids))  # like with like: less padding
                shards = [order[at : at + share] for at in range(0, len(batch), share)]
                chains = [each for shard in crew.map(write, shards) for each in shard]
                written = [chains for _, chains in sorted(zip(order, chains, strict=True), key=lambda pair: pair[0])]
            yield [
                self._completion(request, index, prompt, chain)
                for request, prompt, chains in zip(batch, prompts, written, strict=True)
                for index, chain in zip(request.sample_indices, chains, strict=True)
            ]

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """Teacher-forced log-probabilities of the completions' tokens, in the order of the requests."""
        prompts = self._prompts(requests)
        spans = [self._spans(request) for request in requests]
        completions = [self._completion_ids(request) for request in requests]
        order = sorted(range(len(requests)), key=lambda at: requests[at].clip_id or "")

        def force(places: list[int]) -> list[tuple[float, ...]]:
            clips = [requests[at].clip_id for at in places]
            pack = pack_rows([prompts[at] for at in places], [completions[at] for at in places], clips)
            heard = self._features.get(list(dict.fromkeys(clip for clip in clips if clip is not None)))
            lengths = [len(completions[at]) for at in places]
            with torch.inference_mode():
                logprobs = completion_logprobs(self._loaded.model, pack, lengths, *heard)
            return [tuple(part.tolist()) for part in logprobs.split(lengths)]

        with boundary(EngineError, f"scoring {len(requests)} completions"), workers() as crew:
            shards = [order[start : start + SCORE_ROWS] for start in range(0, len(order), SCORE_ROWS)]
            forced = [logprobs for shard in crew.map(force, shards) for logprobs in shard]
        by_place = dict(zip(order, forced, strict=True))
        return [Score(request.request_id, by_place[at], spans[at]) for at, request in enumerate(requests)]

    def close(self) -> None:
        """Nothing is held open."""

    def _prompts(self, requests: Sequence[SampleRequest] | Sequence[ScoreRequest]) -> list[RenderedPrompt]:
        """Render after making sure that every clip has been heard."""
        wanted: dict[str, Path] = {}
        for request in requests:
            audio = audio_of(request)
            if request.clip_id is not None and audio is not None:
                wanted[request.clip_id] = audio
        self._features.ensure(self._loaded, list(wanted.items()))
        return [
            self._renderer.prompt(
                request.prompt, 0 if request.clip_id is None else self._features.windows(request.clip_id)
            )
            for request in requests
        ]

    def _completion_ids(self, request: ScoreRequest) -> tuple[int, ...]:
        ids = self._renderer.completion(request.completion)
        return (*ids, self._renderer.end_id) if request.ended else ids

    def _spans(self, request: ScoreRequest) -> tuple[tuple[int, int], ...]:
        spans = self._renderer.spans(request.completion)
        end = len(request.completion)
        return (*spans, (end, end)) if request.ended else spans

    def _heard(self, clips: Sequence[str | None]) -> tuple[Tensor, Tensor]:
        """Features [n, tokens, width] and token counts [n] of clips, zero tokens where there is none."""
        present = [at for at, clip in enumerate(clips) if clip is not None]
        features, counts = self._features.get([clip for clip in clips if clip is not None])
        lengths = torch.zeros(len(clips), dtype=torch.long)
        lengths[present] = counts
        heard = torch.zeros(len(clips), features.shape[1], features.shape[2])
        heard[present] = features
        return heard, lengths

    def _completion(self, request: SampleRequest, index: int, prompt: RenderedPrompt, chain: Written) -> Completion:
        text = self._renderer.decode(chain.ids)
        reasoning = parse_completion(text).reasoning
        return Completion(
            request_id=request.request_id,
            sample_index=index,
            text=text,
            finish_reason="stop" if chain.ended else "length",
            prompt_tokens=len(prompt.ids),
            completion_tokens=len(chain.ids),
            reasoning_tokens=self._reasoning_tokens(reasoning, len(chain.ids)),
            audio_tokens=prompt.prefix.count(self._renderer.audio_id),
            logprob=chain.logprob,
            token_ids=chain.ids,
        )

    def _reasoning_tokens(self, reasoning: str | None, completion_tokens: int) -> int:
        """Tokens of the reasoning. Broken UTF-8 is longer when encoded again: never more than were written."""
        return min(self._renderer.count_tokens(reasoning), completion_tokens) if reasoning else 0
