"""An engine without a model: canned chains, the same for the same seed, and faults on request.

It rehearses a campaign: every stage sees chains of every kind within seconds, and what goes wrong is
programmed (`runtime.mock.faults`). Its chains say nothing about any clip.
"""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mgrd.audio.decode import probe
from mgrd.engines.protocol import Completion, SampleRequest, Sampling, Score, ScoreRequest
from mgrd.errors import EngineError, EngineStopError
from mgrd.ids import seed_from
from mgrd.models.render import THINK_CLOSE, THINK_OPEN, completion_text, parse_completion
from mgrd.serving.faults import Schedule
from mgrd.settings.runtime import MockFault, MockRuntime

AUDIO_TOKENS_PER_SECOND = 25
PROMPT_OVERHEAD = 6
"""Chat tokens around a prompt."""
CHAINS = (
    "The pitch rises from low to high over the clip.",
    "The pitch falls toward the end and the sound grows quieter.",
    "I hear two onsets with a pause of half a second between them.",
    "The tempo is steady at about 120 BPM and the timbre is bright.",
    "The sound is muffled, its level stays constant.",
    "The transcript says that a man greets his friend, so the mood is friendly.",
    "",
)
_CHOICES = re.compile(r"Choices: (.+?)\.(?:\s|$)")
_TOKEN = re.compile(r"\s*\S+|\s+$")

Writer = Callable[[str, str, str], str]
"""From reasoning, answer and prompt to the text of a faulty chain."""
WRITERS: dict[str, Writer] = {
    "empty": lambda _reasoning, _answer, _prompt: "",
    "no-think": lambda reasoning, answer, _: f"{reasoning} {answer}",
    "unclosed": lambda reasoning, answer, _: f"{THINK_OPEN}\n{reasoning} {answer}",
    "doubled": lambda reasoning, answer, _: completion_text(f"{reasoning}\n{THINK_CLOSE}\n{THINK_OPEN}", answer),
    "surrogate": lambda _reasoning, answer, _prompt: completion_text(
        "The transcript says that two people talk about the weather.", answer
    ),
    "denial": lambda _reasoning, answer, _prompt: completion_text("As a text model I cannot hear audio.", answer),
    "json": lambda reasoning, answer, _: completion_text(f'{{"model": "mock", "choices": []}} {reasoning}', answer),
    "echo": lambda _reasoning, answer, prompt: completion_text(prompt, answer),
    "garbage": lambda reasoning, answer, _: completion_text(f"\u202e\u0000\ufffd{reasoning}\U000e0001", answer),
}
"""What each fault of a chain makes of it; `cut` ends a good chain in its middle."""


class MockEngine:
    """Canned chains; tokens are words. The faults count the chains asked of this engine."""

    name = "mock"

    def __init__(self, model_id: str = "mock", runtime: MockRuntime | None = None) -> None:
        self.model_id = model_id
        self._faults: Schedule[MockFault] = Schedule((runtime or MockRuntime()).faults)

    def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> Iterator[list[Completion]]:
        """Completions question by question; a question lost to a fault is named after all others have come."""
        lost: EngineError | None = None
        for request in requests:
            try:
                yield self._chains(request, sampling)
            except EngineStopError:
                raise
            except EngineError as error:
                lost = lost or error
        if lost is not None:
            raise lost

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        """Log-probabilities between -1 and 0 per word; with another clip they are others."""
        return [self._score(request) for request in requests]

    def close(self) -> None:
        """Nothing is held open."""

    def _chains(self, request: SampleRequest, sampling: Sampling) -> list[Completion]:
        chains = []
        for index, seed in zip(request.sample_indices, request.seeds, strict=True):
            fault = self._faults.next_due(request.prompt)
            kind = None if fault is None else fault.fault
            if fault is not None:
                _strike(fault, request.request_id)
            if kind != "missing":
                own = seed if sampling.temperature else seed_from("mock greedy", request.request_id)
                chains.append(_completion(request, index, own, sampling, kind))
        return chains

    def _score(self, request: ScoreRequest) -> Score:
        spans = [found.span() for found in _TOKEN.finditer(request.completion)]
        if request.ended:
            spans.append((len(request.completion), len(request.completion)))
        given = (request.clip_id, request.prompt)
        logprobs = [-seed_from("mock score", given, request.completion[: end + 1], at) / 2**31
                    for at, (_, end) in enumerate(spans)]  # fmt: skip
        return Score(request.request_id, tuple(logprobs), tuple(spans))


def _strike(fault: MockFault, request_id: str) -> None:
    if fault.fault == "hang":
        time.sleep(fault.seconds)
    elif fault.fault == "error":
        raise EngineError(f"mock fault: {request_id} is lost")
    elif fault.fault == "stop":
        raise EngineStopError(f"mock fault: the engine stops at {request_id}; run again to go on")
    elif fault.fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


def _completion(request: SampleRequest, index: int, seed: int, sampling: Sampling, fault: str | None) -> Completion:
    reasoning = CHAINS[seed_from("mock chain", seed) % len(CHAINS)]
    answer = _answer(request.prompt, seed)
    writer = WRITERS.get(fault or "")
    text = completion_text(reasoning, answer) if writer is None else writer(reasoning, answer, request.prompt)
    tokens = _TOKEN.findall(text)
    limit = max(1, len(tokens) // 2) if fault == "cut" else sampling.max_new_tokens - 1
    ended = len(tokens) <= limit
    tokens = tokens[:limit]
    text = "".join(tokens)
    thought = parse_completion(text).reasoning
    heard = 0 if request.audio is None else _audio_tokens(request.audio)
    return Completion(
        request_id=request.request_id,
        sample_index=index,
        text=text,
        finish_reason="stop" if ended else "length",
        prompt_tokens=heard + len(_TOKEN.findall(request.prompt)) + PROMPT_OVERHEAD,
        completion_tokens=len(tokens) + ended,
        reasoning_tokens=len(_TOKEN.findall(thought or "")),
        audio_tokens=heard,
        logprob=-float(len(tokens)),
    )


def _answer(prompt: str, seed: int) -> str:
    """One of the prompt's choices; a word where it names none."""
    named = _CHOICES.search(prompt)
    choices = named[1].split(", ") if named else ["rising"]
    return choices[seed_from("mock answer", seed) % len(choices)]


def _audio_tokens(path: Path) -> int:
    return max(1, round(probe(path).seconds * AUDIO_TOKENS_PER_SECOND))
