"""Stands in for vLLM in tests of the process around it: it writes the prompt backwards, and misbehaves on request.

What it does wrong is in the prompt: "die", "hang", "refuse"; a word after it names a file, and then it does so only
while that file is missing. Faults of the real engine cannot be had on demand; its replies are tested in tests/vllm.
"""

import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class VLLMClientError(Exception):
    pass


class SamplingParams:
    def __init__(self, temperature: float, max_tokens: int, seed: int = 0, n: int = 1, **_: Any) -> None:
        self.n, self.seed, self.max_tokens, self.temperature = n, seed, max_tokens, temperature


class LLM:
    def __init__(self, model: str, **options: Any) -> None:
        if model == "missing":
            raise OSError("no such model")
        self.options = options
        config = SimpleNamespace(audio_token_index=9)
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(hf_config=config))

    def chat(self, conversations: list[Any], parameters: list[SamplingParams], use_tqdm: Any, **_: Any) -> list[Any]:
        outputs = []
        rendered = list(use_tqdm(conversations, desc="Rendering conversations"))
        with use_tqdm(total=len(conversations), desc="Processed prompts") as bar:
            for messages, asked in zip(rendered, parameters, strict=True):
                outputs.append(_output(messages[0]["content"], asked, self.options))
                bar.update(1)
        return outputs


def _output(content: Any, asked: SamplingParams, options: dict[str, Any]) -> Any:
    text = content if isinstance(content, str) else content[-1]["text"]
    sound = 0 if isinstance(content, str) else len(content[0]["input_audio"]["data"])
    fault, _, mark = text.partition(" ")
    if fault in {"die", "hang"} and not (mark and Path(mark).exists()):
        if mark:
            Path(mark).touch()
        if fault == "hang":
            time.sleep(3600)
        os._exit(3)
    if fault == "refuse":
        raise (ValueError if mark else VLLMClientError)("the prompt is too long")
    if fault == "pid":
        text = str(os.getpid())[::-1]
    if fault == "options":
        text = str(sorted(options))[::-1]
    if fault == "slow":
        time.sleep(float(mark))
    chains = [
        SimpleNamespace(text=text[::-1], token_ids=[1, 2], logprobs=None, finish_reason="stop") for _ in range(asked.n)
    ]
    return SimpleNamespace(
        prompt_token_ids=[1] + [9] * sound, outputs=chains, prompt_logprobs=None, num_cached_tokens=0
    )
