"""What a server answers: completions, counts and log-probabilities, read from JSON that may be anything."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mgrd.models.render import THINK_CLOSE, THINK_OPEN, completion_text, parse_completion
from mgrd.serving.failures import NotACompletionError
from mgrd.serving.values import count_of, number_of, part_of

FINISHED = {"stop": "stop", "eos": "stop", "end_turn": "stop", "length": "length"}
BYTES_PER_TOKEN = 4.0
"""For servers that neither count tokens nor list them."""
BROKEN = "\ufffd"
_SURROGATE = re.compile(r"[\ud800-\udfff]")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Token:
    """One token of text; `text` holds U+FFFD where a character goes over several."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Written:
    """One choice of a reply: `text` with think tags; `tokens` and `token_ids` are empty where the server lists none."""

    text: str
    finish_reason: str
    tokens: tuple[Token, ...]
    completion_tokens: int
    reasoning_tokens: int
    token_ids: tuple[int, ...] = ()

    @property
    def logprob(self) -> float | None:
        return sum(token.logprob for token in self.tokens) if self.tokens else None


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: its choices in order, and the prompt's tokens; `audio_tokens` is None where they were not counted."""

    choices: tuple[Written, ...]
    prompt_tokens: int
    audio_tokens: int | None


def read_answer(data: object, stop: Sequence[str] = ()) -> Answer:
    """The chains in a reply. Raises NotACompletionError when it is none."""
    choices = part_of(data, "choices")
    if not isinstance(choices, list) or not all(isinstance(part_of(c, "message"), Mapping) for c in choices):
        raise NotACompletionError(f"the reply is no chat completion: {str(data)[:100]}")
    usage = part_of(data, "usage")
    texts = [_text(choice["message"], stop) for choice in choices]
    listed = [_tokens(choice) for choice in choices]
    size = max(1, sum(len(text.encode()) for text in texts))
    total = count_of(part_of(usage, "completion_tokens"))
    total = round(size / BYTES_PER_TOKEN) if total is None else total
    written = []
    for choice, text, tokens in zip(choices, texts, listed, strict=True):
        share = total if len(choices) == 1 else len(tokens) or round(total * len(text.encode()) / size)
        thought = count_of(part_of(part_of(usage, "completion_tokens_details"), "reasoning_tokens"))
        reasoning = thought if thought and len(choices) == 1 else reasoning_tokens(text, tokens, share)
        finish = choice.get("finish_reason")
        ids = choice.get("token_ids")
        ids = tuple(ids) if isinstance(ids, list) and all(count_of(each) is not None for each in ids) else ()
        reason = FINISHED.get(str(finish), str(finish))
        written.append(Written(text, reason, tokens, share, min(reasoning, share), ids))
    details = part_of(usage, "prompt_tokens_details")
    heard = count_of(part_of(details, "audio_tokens")) or count_of(
        part_of(part_of(details, "multimodal_tokens"), "audio")
    )
    return Answer(tuple(written), count_of(part_of(usage, "prompt_tokens")) or 0, heard)


def reasoning_tokens(text: str, tokens: Sequence[Token], total: int) -> int:
    """Tokens between the think tags: counted where they are listed, else by the reasoning's share of the text."""
    reasoning = parse_completion(text).reasoning
    if not reasoning:
        return 0
    if not tokens:
        return round(total * len(reasoning) / len(text))
    start, end, count = text.find(reasoning), text.find(reasoning) + len(reasoning), 0
    for token, (low, high) in zip(tokens, spans_of(tokens, text) or [(0, 0)] * len(tokens), strict=True):
        count += bool(token.text.strip()) and low < end and start < high
    return count


def read_prompt_tokens(data: object) -> int:
    """How many tokens the prompt has. Raises NotACompletionError when the server does not count them."""
    count = count_of(part_of(part_of(data, "usage"), "prompt_tokens"))
    if not count:
        raise NotACompletionError("the reply does not count the prompt's tokens")
    return count


def read_prompt_logprobs(data: object) -> tuple[Token, ...] | None:
    """The prompt's tokens with their log-probabilities (the first has none: 0); None where the server gives none."""
    listed = part_of(data, "prompt_logprobs")
    if listed is None and isinstance(choices := part_of(data, "choices"), list) and choices:
        listed = part_of(choices[0], "prompt_logprobs")
    if not isinstance(listed, list) or not listed:
        return None
    tokens = []
    for entry in listed:
        given = next(iter(entry.values()), None) if isinstance(entry, Mapping) else None
        tokens.append(Token(str(part_of(given, "decoded_token") or ""), number_of(part_of(given, "logprob")) or 0.0))
    return tuple(tokens)


def spans_of(tokens: Sequence[Token], text: str) -> tuple[Span, ...] | None:
    """The characters of `text` that each token stands for; None when the tokens do not write that text.

    Tokens that share a character have the same span. A token without text has an empty span.
    """
    spans: list[Span] = []
    place = at = 0
    while at < len(tokens):
        token = tokens[at].text
        if BROKEN not in token or text.startswith(token, place):
            if not text.startswith(token, place):
                return None
            spans.append((place, place + len(token)))
            place, at = place + len(token), at + 1
            continue
        run = at
        while run < len(tokens) and (BROKEN in tokens[run].text or not tokens[run].text):
            run += 1
        end = text.find(tokens[run].text, place) if run < len(tokens) else len(text)
        if end < 0 or end - place > sum(max(1, len(t.text)) for t in tokens[at:run]):
            return None
        spans += [(place, end)] * (run - at)
        place, at = end, run
    return tuple(spans) if place == len(text) else None


def _text(message: Mapping[str, Any], stop: Sequence[str]) -> str:
    """The text of a message; reasoning that the server put beside it goes back into a think block."""
    content = _plain(message.get("content"))
    reasoning = _plain(message.get("reasoning_content")) or _plain(message.get("reasoning"))
    for end in stop:
        content = content.removesuffix(end)
    if reasoning and THINK_CLOSE not in content:
        stripped = reasoning.strip()
        return completion_text(stripped, content.lstrip("\n")) if content else f"{THINK_OPEN}\n{stripped}"
    return content


def _plain(content: object) -> str:
    """Text of a string, or of parts; without lone surrogates, which JSON may hold and UTF-8 may not."""
    if isinstance(content, list):
        content = "".join(str(part_of(part, "text") or "") for part in content)
    return _SURROGATE.sub(BROKEN, content) if isinstance(content, str) else ""


def _tokens(choice: Mapping[str, Any]) -> tuple[Token, ...]:
    listed = part_of(choice.get("logprobs"), "content")
    if not isinstance(listed, list):
        return ()
    logprobs = [number_of(part_of(entry, "logprob")) for entry in listed]
    known = [(_plain(part_of(entry, "token")), value) for entry, value in zip(listed, logprobs, strict=True)]
    tokens = tuple(Token(text, value) for text, value in known if value is not None)
    return tokens if len(tokens) == len(listed) else ()
