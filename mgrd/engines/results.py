"""From replies to results: what a server's or vLLM's answer means for the request that it answers."""

import json
from collections.abc import Sequence
from pathlib import Path

from mgrd.engines.answers import Answer, Token, Written, spans_of
from mgrd.engines.asking import SentClip
from mgrd.engines.protocol import Completion, SampleRequest, Score, ScoreRequest
from mgrd.errors import EngineError, EngineStopError, MgrdError
from mgrd.settings.runtime import ModelRuntime

NEVER = -100.0
"""Logit bias of tokens that a chain must not hold; the protocol's lowest."""


def completion_of(
    request: SampleRequest, index: int, clip: SentClip | None, answer: Answer, chain: Written, runtime: ModelRuntime
) -> Completion:
    """Raises EngineError when the chain ended by anything but its end or the limit."""
    if chain.finish_reason not in {"stop", "length"}:
        raise EngineError(f"{request.request_id}: the server ended a chain with {chain.finish_reason!r}")
    return Completion(
        request_id=request.request_id,
        sample_index=index,
        text=chain.text,
        finish_reason=chain.finish_reason,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=chain.completion_tokens,
        reasoning_tokens=chain.reasoning_tokens,
        audio_tokens=_audio_tokens(request.request_id, clip, answer, runtime.audio_tokens_per_second),
        logprob=chain.logprob,
        token_ids=chain.token_ids,
    )


def _audio_tokens(request_id: str, clip: SentClip | None, answer: Answer, per_second: float) -> int:
    """As counted by the server, else by the clip's length; never more than the prompt has."""
    if clip is None:
        return 0
    if answer.audio_tokens is not None:
        return answer.audio_tokens
    tokens = int(clip.seconds * per_second)
    if answer.prompt_tokens and answer.prompt_tokens <= tokens:
        raise EngineStopError(
            f"{request_id}: the server saw {answer.prompt_tokens} tokens, and the clip alone has {tokens}: the "
            "sound did not reach the model whole; check the model, its window and "
            "audio_tokens_per_second in the runtime settings"
        )
    return tokens


def score_of(request: ScoreRequest, own: Sequence[Token]) -> Score:
    """The score of a completion from its tokens, the end of the turn included where it was asked for.

    Raises EngineStopError when they are not the tokens of what was given.
    """
    text = own[:-1] if request.ended else own
    spans = spans_of(text, request.completion)
    if spans is None:
        told = "".join(token.text for token in text)
        raise EngineStopError(
            f"{request.request_id}: the chat template does not render a given answer as it was written "
            f"({told[:60]!r} for {request.completion[:60]!r}), so its log-probabilities are of other tokens; "
            "set spec.counterfactual.share = 0, or serve the checkpoint with its own template"
        )
    end = len(request.completion)
    return Score(
        request.request_id,
        tuple(token.logprob for token in own),
        (*spans, (end, end)) if request.ended else spans,
    )


def chat_token_bias(folder: Path) -> dict[str, float]:
    """Logit bias against special tokens but the end of turn, read from the checkpoint's files; none without them."""
    try:
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        end = json.loads((folder / "tokenizer_config.json").read_text()).get("eos_token")
    except (OSError, ValueError):
        return {}
    end = end.get("content") if isinstance(end, dict) else end
    special = [token for token in tokenizer.get("added_tokens", []) if token.get("special")]
    return {str(token["id"]): NEVER for token in special if token["content"] != end}


def raise_worst(results: Sequence[object]) -> None:
    """Raise what stops the engine before what concerns one request; foreign errors first of all; nothing for none."""
    errors = [result for result in results if isinstance(result, BaseException)]
    errors.sort(key=lambda error: (isinstance(error, MgrdError), not isinstance(error, EngineStopError)))
    if errors:
        raise errors[0]
