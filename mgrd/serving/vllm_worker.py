"""The process that holds vLLM: chat requests come in over a pipe, replies in the shape of an OpenAI server go out.

It is run as a file by the Python that has vLLM, so it imports nothing of this project. A request that vLLM refuses
is answered with an error; whatever else goes wrong ends the process, and its parent starts another.

    python -I vllm_worker.py FILE_DESCRIPTOR

A message is JSON. In: the arguments of `vllm.LLM`, once; then batches {"clips": {name: base64 WAV}, "bodies": [...]}.
Out: {"ready": true}; then per batch any number of {"progress": n} and one {"replies": [...]}.
"""

import io
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

Body = dict[str, Any]
PLAIN = ("temperature", "top_p", "max_tokens", "seed", "n", "stop", "stop_token_ids", "prompt_logprobs")
"""Fields of a request that are vLLM's own sampling parameters."""


def main() -> None:
    pipe = Connection(int(sys.argv[1]))
    model = Model(receive(pipe), pipe)
    send(pipe, {"ready": True})
    while True:
        try:
            batch = receive(pipe)
        except EOFError:  # the parent is gone, or done
            return
        send(pipe, {"replies": model.answer(batch["bodies"], batch["clips"])})


def receive(pipe: Connection) -> Any:
    return json.loads(pipe.recv_bytes())


def send(pipe: Connection, message: object) -> None:
    pipe.send_bytes(json.dumps(message).encode())


class Model:
    """A checkpoint in vLLM."""

    def __init__(self, options: dict[str, Any], pipe: Connection) -> None:
        self.llm: Any = import_module("vllm").LLM(**options)
        self.pipe = pipe
        config = self.llm.llm_engine.model_config.hf_config
        self.audio_token = getattr(config, "audio_token_index", None) or getattr(config, "audio_token_id", None)

    def answer(self, bodies: Sequence[Body], clips: dict[str, str]) -> list[Body]:
        """Replies in the order of the requests; those that begin or go on with an answer go together."""
        replies: list[Body] = [{} for _ in bodies]
        kinds: dict[tuple[bool, bool], list[int]] = {}
        for place, body in enumerate(bodies):
            kind = body.get("add_generation_prompt", True), body.get("continue_final_message", False)
            kinds.setdefault(kind, []).append(place)
        for kind, places in kinds.items():
            for place, reply in zip(places, self._chat([bodies[at] for at in places], clips, kind), strict=True):
                replies[place] = reply
        return replies

    def _chat(self, bodies: list[Body], clips: dict[str, str], kind: tuple[bool, bool]) -> list[Body]:
        try:
            outputs = self.llm.chat(
                [filled(body["messages"], clips) for body in bodies],
                [parameters(body) for body in bodies],
                use_tqdm=self._progress,
                add_generation_prompt=kind[0],
                continue_final_message=kind[1],
            )
        except Exception as error:  # of one request: too long, no audio, a field that it does not take
            if not is_refusal(error):
                raise
            if len(bodies) == 1:
                return [{"error": str(error)}]
            return [reply for body in bodies for reply in self._chat([body], clips, kind)]
        return [self._reply(output) for output in outputs]

    def _progress(self, *things: Any, **given: Any) -> Any:
        """A progress bar that nobody sees: it tells the parent that prompts are prepared and chains finished."""
        from tqdm import tqdm

        pipe = self.pipe

        class Told(tqdm):
            def update(self, n: float | None = 1) -> bool | None:
                send(pipe, {"progress": n})
                return super().update(n)

        return Told(*things, **{**given, "file": io.StringIO()})

    def _reply(self, output: Any) -> Body:
        prompt = list(output.prompt_token_ids)
        written = [choice(each) for each in output.outputs]
        details: Body = {"cached_tokens": output.num_cached_tokens or 0}
        if self.audio_token is not None:
            details["audio_tokens"] = prompt.count(self.audio_token)
        usage = {
            "prompt_tokens": len(prompt),
            "completion_tokens": sum(len(each["token_ids"]) for each in written),
            "prompt_tokens_details": details,
        }
        reply: Body = {"choices": written, "usage": usage}
        if output.prompt_logprobs is not None:
            reply["prompt_logprobs"] = [
                None if known is None else {str(token): told(known[token])}
                for token, known in zip(prompt, output.prompt_logprobs, strict=True)
            ]
        return reply


def is_refusal(error: Exception) -> bool:
    """Whether vLLM finds fault with a request: its own class for that in newer releases, ValueError in older ones."""
    return any(kind.__name__ in {"ValueError", "VLLMClientError"} for kind in type(error).__mro__)


def filled(messages: list[Body], clips: dict[str, str]) -> list[Body]:
    """The messages with each clip's sound where its name stands."""
    return [
        {**message, "content": [_part(part, clips) for part in message["content"]]}
        if isinstance(message["content"], list)
        else message
        for message in messages
    ]


def _part(part: Body, clips: dict[str, str]) -> Body:
    if part["type"] != "input_audio":
        return part
    return {"type": "input_audio", "input_audio": {**part["input_audio"], "data": clips[part["input_audio"]["data"]]}}


def parameters(body: Body) -> Any:
    """vLLM's sampling parameters of a request; fields that it does not know are an error of this request."""
    given = {name: body[name] for name in PLAIN if name in body}
    given |= {name: value for name, value in body.items() if name not in {*PLAIN, *HANDLED}}
    if body.get("logprobs"):
        given["logprobs"] = 0  # of the token that was drawn alone
    if bias := body.get("logit_bias"):
        given["logit_bias"] = {int(token): value for token, value in bias.items()}
    try:
        return import_module("vllm").SamplingParams(**given)
    except TypeError as error:
        raise ValueError(str(error)) from error


HANDLED = {"model", "messages", "logprobs", "logit_bias", "add_generation_prompt", "continue_final_message"}


def choice(written: Any) -> Body:
    ids = list(written.token_ids)
    logprobs = None
    if written.logprobs:
        pairs = zip(ids, written.logprobs, strict=True)
        logprobs = {"content": [{"token": known[token].decoded_token, "logprob": known[token].logprob}
                                for token, known in pairs]}  # fmt: skip
    return {
        "message": {"role": "assistant", "content": written.text},
        "finish_reason": written.finish_reason,
        "token_ids": ids,
        "logprobs": logprobs,
    }


def told(known: Any) -> Body:
    return {"logprob": known.logprob, "decoded_token": known.decoded_token}


if __name__ == "__main__":
    main()
