"""What a server is asked: the JSON bodies of sampling and scoring, as its dialect of the protocol wants them.

The bodies are a contract with servers that we do not run; tests hold them against recorded ones.
"""

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import soundfile

from mgrd.audio.decode import MODEL_RATE, decode, mono_16k, probe
from mgrd.engines.protocol import Sampling
from mgrd.errors import AudioError
from mgrd.models.files import window_seconds
from mgrd.settings.runtime import ModelRuntime

SLACK_SECONDS = 0.01
"""A clip may pass the window by one hop of resampling tail."""
KEPT_CLIPS = 64
"""The chains of a question come together, and those of a clip's questions soon after."""
DROPPABLE = ("logprobs", "logit_bias", "seed", "n")
"""Fields that a chain can be sampled without, for servers that refuse them by name."""
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """How one server is asked: its settings, the name it gives the model, and what it was found not to take.

    `bias` is added to the logits of tokens, by id; it keeps chat tokens out of chains.
    """

    server: ModelRuntime
    model: str
    bias: Mapping[str, float]
    audio: Literal["input_audio", "audio_url"] = "input_audio"
    dropped: frozenset[str] = frozenset()
    limit: str = "max_tokens"

    def sampling(self, prompt: str, clip: str | None, sampling: Sampling, seed: int, count: int) -> Body:
        """`count` chains on one question; `clip` is base64 WAV."""
        messages = self._messages(prompt, clip)
        body: Body = {
            "model": self.model,
            "messages": messages,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            self.limit: sampling.max_new_tokens,
            "seed": seed,
            "logprobs": True,
        }
        if count > 1:
            body["n"] = count
        if self.bias:
            body["logit_bias"] = dict(self.bias)
        if self.server.stop:
            body["stop"] = list(self.server.stop)
        if self.server.stop_token_ids:
            body["stop_token_ids"] = list(self.server.stop_token_ids)
        if self.server.assistant_prefix:
            messages.append({"role": "assistant", "content": self.server.assistant_prefix})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        return {name: value for name, value in (body | self.server.extra).items() if name not in self.dropped}

    def scoring(self, prompt: str, clip: str | None, completion: str | None, *, ended: bool = False) -> Body:
        """The log-probabilities of prompt and completion; of the prompt up to the answer without a completion."""
        messages = self._messages(prompt, clip)
        body: Body = {"model": self.model, "messages": messages, "temperature": 0.0, self.limit: 1}
        if completion is not None:
            prefix = self.server.assistant_prefix
            whole = completion if completion.startswith(prefix) else prefix + completion
            messages.append({"role": "assistant", "content": whole})
            body |= {"prompt_logprobs": 0, "add_generation_prompt": False, "continue_final_message": not ended}
        return {**body, **self.server.extra}

    def simpler(self, parameter: str | None) -> "Asking | None":
        """How to ask after the server refused a field by its name; None when nothing can be left out."""
        if parameter == "max_tokens" and self.limit == "max_tokens":
            return replace(self, limit="max_completion_tokens")
        if parameter in DROPPABLE and parameter not in self.dropped:
            return replace(self, dropped=self.dropped | {parameter})
        return None

    def _messages(self, prompt: str, clip: str | None) -> list[Body]:
        system = [{"role": "system", "content": self.server.system}] if self.server.system else []
        if clip is None:
            return [*system, {"role": "user", "content": prompt}]
        if self.audio == "input_audio":
            part: Body = {"type": "input_audio", "input_audio": {"data": clip, "format": "wav"}}
        else:
            part = {"type": "audio_url", "audio_url": {"url": f"data:audio/wav;base64,{clip}"}}
        return [*system, {"role": "user", "content": [part, {"type": "text", "text": prompt}]}]


@dataclass(frozen=True, slots=True)
class SentClip:
    """A clip as it is sent: mono 16 kHz WAV in base64, and its length."""

    data: str
    seconds: float


def sent_clips(folder: Path, runtime: ModelRuntime) -> Callable[[Path], SentClip]:
    """Reads clips up to the model's window, of the settings or of the checkpoint in `folder`; keeps the last ones."""
    most = min(runtime.max_audio_seconds, window_seconds(folder, runtime.max_audio_seconds))
    return lru_cache(KEPT_CLIPS)(lambda path: read_sent_clip(path, most))


def read_sent_clip(path: Path, most_seconds: float) -> SentClip:
    """The clip in a file, 16 bits a sample. Raises AudioError when it is longer than the model's window."""
    told = probe(path).seconds
    samples = None if told > most_seconds + SLACK_SECONDS else mono_16k(decode(path))
    seconds = told if samples is None else len(samples) / MODEL_RATE
    if samples is None or seconds > most_seconds + SLACK_SECONDS:
        raise AudioError(
            f"{path}: {seconds:.2f} s is longer than the model's window of {most_seconds:g} s "
            "(the checkpoint's, or max_audio_seconds in the runtime settings); split it at ingest "
            "(spec.ingest.window_seconds)"
        )
    file = io.BytesIO()
    soundfile.write(file, samples[: round(most_seconds * MODEL_RATE)], MODEL_RATE, format="WAV", subtype="PCM_16")
    return SentClip(base64.b64encode(file.getvalue()).decode(), seconds)
