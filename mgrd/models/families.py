"""How a family of audio models writes a conversation: its tokens for turns and sound, and its template.

A checkpoint's family is told by its tokenizer. Qwen2-Audio checkpoints bring their chat template (ChatML);
Step-Audio's is written here after the one that its owner serves it with: turns between `<|BOT|>` and
`<|EOT|>`, users called human, and the think block opened by the prompt.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mgrd.errors import EngineError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class Family:
    """`audio` stands once for each unit of sound, `end` ends a turn, `chat` are all tokens that no text may hold.

    `template` is None where the checkpoint brings its own.
    """

    name: Literal["qwen2-audio", "step-audio"]
    audio: str
    end: str
    chat: tuple[str, ...]
    template: Path | None = None


QWEN2_AUDIO = Family(
    "qwen2-audio", "<|AUDIO|>", "<|im_end|>",
    ("<|im_start|>", "<|im_end|>", "<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>"),
)  # fmt: skip
STEP_AUDIO = Family(
    "step-audio", "<audio_patch>", "<|EOT|>",
    ("<|BOT|>", "<|EOT|>", "<audio_start>", "<audio_patch>", "<audio_end>"),
    Path(__file__).with_name("step_audio.jinja"),
)  # fmt: skip
FAMILIES = (QWEN2_AUDIO, STEP_AUDIO)


def family_of(tokenizer: "PreTrainedTokenizerBase") -> Family:
    """The family whose chat tokens the tokenizer has. Raises EngineError for none."""
    known = set(tokenizer.get_vocab())
    for family in FAMILIES:
        if known.issuperset(family.chat):
            return family
    wanted = "; ".join(f"{family.name}: {' '.join(family.chat)}" for family in FAMILIES)
    raise EngineError(f"the tokenizer has the chat tokens of no known family ({wanted})")
