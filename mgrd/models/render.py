"""The one renderer: from question and chain to token ids and loss mask, and from text back to its parts.

Training, sampling and scoring all render here, through the checkpoint's own chat template, so that
they cannot drift apart. Nothing else in the project writes a chat token or a think tag.
"""

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mgrd.errors import DataError, EngineError

if TYPE_CHECKING:
    from transformers import Qwen2AudioProcessor

THINK_OPEN, THINK_CLOSE = "<think>", "</think>"

_SLOT = "@@prompt@@"


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """Token ids of a question as the model gets it.

    `prefix` ends with the last audio token and is the same for every question on a clip (empty
    without audio); `rest` goes on to the point where the model writes.
    """

    prefix: tuple[int, ...]
    rest: tuple[int, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        return self.prefix + self.rest


@dataclass(frozen=True, slots=True)
class RenderedExample:
    """A prompt with its completion; `loss_mask` over `ids` is true on the completion, end of turn included."""

    prompt: RenderedPrompt
    completion: tuple[int, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        return self.prompt.ids + self.completion

    @property
    def loss_mask(self) -> tuple[bool, ...]:
        return (False,) * len(self.prompt.ids) + (True,) * len(self.completion)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The parts of a completion: `reasoning` is None without a think block, `answer` None when none follows it.

    `problems` is a subset of `unclosed_think`, `doubled_think`, `no_think`, `empty_answer`.
    """

    reasoning: str | None
    answer: str | None
    problems: tuple[str, ...]


class Renderer:
    """Renders for one checkpoint; raises EngineError when its chat template has no place for audio."""

    def __init__(self, processor: "Qwen2AudioProcessor") -> None:
        self._tokenizer = processor.tokenizer
        self._rests: dict[tuple[str, str], tuple[int, ...]] = {}
        self.audio_id: int = processor.audio_token_id
        self.end_id: int = self._tokenizer.eos_token_id
        self._with_audio = self._template(processor, audio=True)
        self._text_only = self._template(processor, audio=False)
        self._end_text: str = self._tokenizer.eos_token
        before, found, after = self._with_audio[0].rpartition(processor.audio_token)
        if not found or processor.audio_token in before:
            raise EngineError(f"the chat template renders one clip without exactly one {processor.audio_token}")
        self._audio_parts = (tuple(self._encode(before)), after)
        self._opens_think = self._text_only[1].rstrip().endswith(THINK_OPEN)
        special = set(self._tokenizer.all_special_tokens)
        self._special_text = re.compile("|".join(map(re.escape, sorted(special))))
        self.special_ids = tuple(sorted(self._tokenizer.convert_tokens_to_ids(sorted(special))))
        """Special tokens, which a model must never write except `end_id`."""

    @staticmethod
    def _template(processor: "Qwen2AudioProcessor", *, audio: bool) -> tuple[str, str]:
        content: list[Any] = [{"type": "audio"}] if audio else []
        content.append({"type": "text", "text": _SLOT})
        turn: dict[str, Any] = {"role": "user", "content": content}
        text = processor.apply_chat_template([turn], add_generation_prompt=True, tokenize=False)
        before, found, after = str(text).partition(_SLOT)
        if not found:
            raise EngineError("the checkpoint's chat template drops the user's text")
        return before, after

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False)

    def prompt(self, text: str, audio_tokens: int) -> RenderedPrompt:
        """A user's text on a clip of `audio_tokens` tokens (0: no clip). Raises DataError on chat tokens in it."""
        if audio_tokens:
            head, after = self._audio_parts
            prefix = head + (self.audio_id,) * audio_tokens
            return RenderedPrompt(prefix, self._rest(after, text, self._with_audio[1]))
        return RenderedPrompt((), self._rest(self._text_only[0], text, self._text_only[1]))

    def _rest(self, before: str, text: str, after: str) -> tuple[int, ...]:
        known = self._rests.get((before, text))
        if known is None:
            self._refuse_special(text)
            known = self._rests[before, text] = tuple(self._encode(before + text + after))
        return known

    def completion(self, text: str) -> tuple[int, ...]:
        """Ids of what a model wrote, without end of turn, as it stands after `prompt(...)`."""
        self._refuse_special(text)
        return tuple(self._encode(text[self._opened(text) :]))

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """The characters [start, end) of `text` that each token of `completion(text)` stands for.

        Raises EngineError where the checkpoint's tokenizer cannot tell.
        """
        skipped = self._opened(text)
        if not self._tokenizer.is_fast:
            raise EngineError("the checkpoint's tokenizer gives no character offsets; save it as tokenizer.json")
        encoded = self._tokenizer(text[skipped:], add_special_tokens=False, return_offsets_mapping=True)
        return tuple((start + skipped, end + skipped) for start, end in encoded["offset_mapping"])

    def _opened(self, text: str) -> int:
        """Characters of the think tag that already stands at the end of the prompt."""
        tag = f"{THINK_OPEN}\n"
        return len(tag) if self._opens_think and text.startswith(tag) else 0

    def example(self, prompt: str, audio_tokens: int, reasoning: str, answer: str) -> RenderedExample:
        """A training example: the loss lies on think block, answer and end of turn."""
        text = completion_text(reasoning, answer)
        return RenderedExample(self.prompt(prompt, audio_tokens), (*self.completion(text), self.end_id))

    def decode(self, ids: Sequence[int]) -> str:
        """Text of completion ids; the end of turn and other special tokens leave no trace, think tags stay."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def count_tokens(self, text: str) -> int:
        return len(self._encode(text))

    def _refuse_special(self, text: str) -> None:
        if found := self._special_text.search(text):
            raise DataError(f"text holds the chat token {found.group()}: {text[:80]!r}; remove it from the row")


def completion_text(reasoning: str, answer: str) -> str:
    """What a model should write; without reasoning the think block is empty."""
    return f"{THINK_OPEN}\n{reasoning}\n{THINK_CLOSE}\n\n{answer}"


def parse_completion(text: str) -> Parsed:
    """The parts of a completion, with or without its opening tag (some templates put that in the prompt)."""
    opened, closed = text.count(THINK_OPEN), text.count(THINK_CLOSE)
    problems = ["doubled_think"] if opened > 1 or closed > 1 else []
    if not closed:
        problems.append("unclosed_think" if opened else "no_think")
        if opened:
            return Parsed(text.split(THINK_OPEN, 1)[1].strip(), None, tuple(problems))
        reasoning, answer = None, text.strip()
    else:
        block, _, tail = text.partition(THINK_CLOSE)
        reasoning = block.split(THINK_OPEN, 1)[-1].replace(THINK_OPEN, "").strip()
        answer = tail.replace(THINK_OPEN, "").replace(THINK_CLOSE, "").strip()
    if not answer:
        problems.append("empty_answer")
    return Parsed(reasoning, answer or None, tuple(problems))


def match_choice(answer: str | None, choices: Sequence[str]) -> str | None:
    """The one choice that an answer names: equal, or the only one found in it as whole words; None in doubt.

    A choice inside a longer named choice does not count ("flat" in "flat tone").
    """
    if not answer:
        return None
    said = _plain(answer)
    plain = {choice: _plain(choice) for choice in choices}
    equal = [choice for choice in choices if plain[choice] == said]
    if equal:
        return equal[0]
    named = [choice for choice in choices if plain[choice] and f" {plain[choice]} " in f" {said} "]
    longest = [c for c in named if not any(plain[c] != plain[o] and f" {plain[c]} " in f" {plain[o]} " for o in named)]
    return longest[0] if len(longest) == 1 else None


def _plain(text: str) -> str:
    """Lower case, punctuation as blanks, single blanks, no leading article or option letter."""
    words = text.casefold().translate(str.maketrans(dict.fromkeys(string.punctuation, " "))).split()
    if len(words) > 1 and words[0] in {"a", "an", "the"}:
        words = words[1:]
    return " ".join(words)
