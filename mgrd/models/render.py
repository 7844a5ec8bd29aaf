"""The one renderer: from messages to token ids and loss mask, and from text back to its parts.

Training, sampling and scoring all render here, through the chat template of the checkpoint's family, so
that they cannot drift apart. Nothing else in the project writes a chat token or a think tag.
"""

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mgrd.errors import DataError, EngineError, boundary
from mgrd.models.families import family_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Qwen2AudioProcessor

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


@dataclass(frozen=True, slots=True)
class Message:
    """A turn of a conversation. `windows` are the audio tokens of each piece of sound, which stands before the text.

    `reasoning` is the think block of an assistant's turn: "" is an empty block; None writes none, which
    only turns before the last may.
    """

    role: Literal["system", "user", "assistant"]
    text: str
    windows: tuple[int, ...] = ()
    reasoning: str | None = None


class Renderer:
    """Renders for one checkpoint, given its processor, or its tokenizer where transformers knows no processor.

    Raises EngineError when its family is unknown or its chat template has no place for audio.
    """

    def __init__(self, source: "Qwen2AudioProcessor | PreTrainedTokenizerBase") -> None:
        self._source = source
        self._tokenizer: Any = getattr(source, "tokenizer", source)
        self.family = family_of(self._tokenizer)
        self._rests: dict[tuple[str, str], tuple[int, ...]] = {}
        self._frames: dict[int, _Frame] = {}
        self.audio_id: int = self._tokenizer.convert_tokens_to_ids(self.family.audio)
        self.end_id: int = self._tokenizer.convert_tokens_to_ids(self.family.end)
        self._opens_think = self._frame(0).after.rstrip().endswith(THINK_OPEN)
        special = {*self._tokenizer.all_special_tokens, *self.family.chat}
        self._special_text = re.compile("|".join(map(re.escape, sorted(special))))
        self.special_ids = tuple(sorted(self._tokenizer.convert_tokens_to_ids(sorted(special))))
        """Special tokens, which a model must never write except `end_id`."""
        self._frame(1)

    def _write(self, messages: Sequence[Message]) -> str:
        """The conversation up to where the model writes, one audio token for each piece of sound."""
        turns: list[dict[str, Any]] = []
        for message in messages:
            if message.role == "user":
                content: Any = [*({"type": "audio"} for _ in message.windows), {"type": "text", "text": message.text}]
            elif message.reasoning is None:
                content = message.text
            else:
                content = completion_text(message.reasoning, message.text)
            turns.append({"role": message.role, "content": content})
        own: dict[str, Any] = (
            {} if self.family.template is None else {"chat_template": self.family.template.read_text()}
        )
        return str(self._source.apply_chat_template(turns, add_generation_prompt=True, tokenize=False, **own))

    def _frame(self, pieces: int) -> "_Frame":
        """What the template puts around one user's text after so many pieces of sound."""
        if pieces not in self._frames:
            text = self._write([Message("user", _SLOT, (1,) * pieces)])
            before, found, after = text.partition(_SLOT)
            if not found:
                raise EngineError("the checkpoint's chat template drops the user's text")
            *heads, last = before.split(self.family.audio)
            if len(heads) != pieces or self.family.audio in after:
                raise EngineError(f"the chat template renders {pieces} clips with {len(heads)} {self.family.audio}")
            self._frames[pieces] = _Frame(tuple(tuple(self._encode(head)) for head in heads), last, after)
        return self._frames[pieces]

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False)

    def prompt(self, text: str, audio_tokens: int | Sequence[int]) -> RenderedPrompt:
        """A user's text on a clip of `audio_tokens` tokens (0: no clip), or on one heard in several windows.

        Raises DataError on chat tokens in the text.
        """
        windows = [audio_tokens] if isinstance(audio_tokens, int) else audio_tokens
        windows = [count for count in windows if count]
        frame = self._frame(len(windows))
        prefix: tuple[int, ...] = ()
        for head, count in zip(frame.heads, windows, strict=True):
            prefix += head + (self.audio_id,) * count
        return RenderedPrompt(prefix, self._rest(frame.last, text, frame.after))

    def render(self, messages: Sequence[Message]) -> RenderedExample:
        """A conversation of which the last turn is learnt: loss on its think block, text and end of turn.

        Raises DataError when that turn is not the assistant's, or on chat tokens in any text.
        """
        *context, final = messages
        if final.role != "assistant" or not context:
            raise DataError("a training example is a conversation that ends with the assistant's turn")
        for message in context:
            self._refuse_special(f"{message.reasoning or ''} {message.text}")
        windows = [count for message in context for count in message.windows]
        *heads, last = self._write(context).split(self.family.audio)
        if len(heads) != len(windows):
            raise EngineError(f"the chat template renders {len(windows)} pieces of sound as {len(heads)}")
        prefix: list[int] = []
        for head, count in zip(heads, windows, strict=True):
            prefix += [*self._encode(head), *[self.audio_id] * count]
        prompt = RenderedPrompt(tuple(prefix), tuple(self._encode(last)))
        return RenderedExample(prompt, self._learnt(final.reasoning or "", final.text))

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

    def example(self, prompt: str, audio_tokens: int | Sequence[int], reasoning: str, answer: str) -> RenderedExample:
        """A training example: the loss lies on think block, answer and end of turn."""
        return RenderedExample(self.prompt(prompt, audio_tokens), self._learnt(reasoning, answer))

    def _learnt(self, reasoning: str, answer: str) -> tuple[int, ...]:
        return (*self.completion(completion_text(reasoning, answer)), self.end_id)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of completion ids; the end of turn and other special tokens leave no trace, think tags stay."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def count_tokens(self, text: str) -> int:
        return len(self._encode(text))

    def _refuse_special(self, text: str) -> None:
        if found := self._special_text.search(text):
            raise DataError(f"text holds the chat token {found.group()}: {text[:80]!r}; remove it from the row")


@dataclass(frozen=True, slots=True)
class _Frame:
    """Ids before each piece of sound, the text between the last one and the user's, and the text after that."""

    heads: tuple[tuple[int, ...], ...]
    last: str
    after: str


def open_renderer(folder: Path) -> Renderer:
    """The renderer of a checkpoint, read from its tokenizer files alone: neither weights nor torch are loaded.

    A checkpoint that does not keep its tokenizer and its chat template in files of their own is read through its
    processor. Raises EngineError when it cannot be read.
    """
    with boundary(EngineError, f"reading the tokenizer of {folder}"):
        if all((folder / name).is_file() for name in ("tokenizer.json", "chat_template.jinja")):
            from transformers import PreTrainedTokenizerFast

            return Renderer(PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True))
        from transformers import AutoProcessor

        return Renderer(AutoProcessor.from_pretrained(folder, trust_remote_code=False, local_files_only=True))


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
