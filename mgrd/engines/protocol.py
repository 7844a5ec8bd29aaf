"""The one protocol behind which chains are sampled and scored.

Engines never decide what is good and never drop a request: each request comes back as completions
or raises EngineError naming it. An engine that cannot go on at all raises EngineStopError.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mgrd.errors import EngineError


@dataclass(frozen=True, slots=True)
class Sampling:
    """Parameters of a sampling run; temperature 0 is greedy."""

    temperature: float
    top_p: float
    max_new_tokens: int


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """A question put to the model: `len(sample_indices)` completions, one seed each.

    `audio` is a file no longer than the model's window, or None for a text task; `clip_id` keys the
    encoder cache; `prompt` is the user's text without the audio part.
    """

    request_id: str
    clip_id: str | None
    audio: Path | None
    prompt: str
    sample_indices: tuple[int, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote: text with think tags as they came, without the end-of-turn token.

    `logprob` is None where an engine cannot tell. `token_ids` are the ids as they were written, the end of the
    turn included where it came; empty where an engine cannot tell.
    """

    request_id: str
    sample_index: int
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    audio_tokens: int
    logprob: float | None
    token_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """A completion to be scored teacher-forced, given the prompt and a clip (or silence, or none).

    `ended` adds the end of the turn as a last token: the probability is then of this text and no longer one.
    """

    request_id: str
    clip_id: str | None
    audio: Path | None
    prompt: str
    completion: str
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """Log-probabilities (natural log) of each completion token.

    `spans` are the characters [start, end) of the completion that each token stands for; the end of the turn has
    an empty span. Tokens that share a character of several bytes have the same span. An engine that cannot tell
    leaves them out.
    """

    request_id: str
    token_logprobs: tuple[float, ...]
    spans: tuple[tuple[int, int], ...] = ()


def audio_of(request: SampleRequest | ScoreRequest) -> Path | None:
    """The file of the request's clip. Raises EngineError for a clip without its file, or a file without its key."""
    if (request.clip_id is None) != (request.audio is None):
        raise EngineError(f"request {request.request_id}: clip_id and audio must come together")
    return request.audio


class Engine(Protocol):
    """A model that samples and scores."""

    name: str
    model_id: str

    def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> Iterator[list[Completion]]:
        """Completions batch by batch as they finish, so a caller can commit what is done.

        An error comes after all completions that could be had: what was written is never lost with it.
        """
        ...

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]: ...

    def close(self) -> None: ...
