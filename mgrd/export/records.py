"""An export row in the shape of each format: what TRL, ms-swift, LLaMA-Factory, verl and NeMo call it.

`AudioRef` is where the row's sound is: a path, a data URI or the bytes of the file. A completion is
written as the renderer writes it, so that think tags have one spelling in the whole project.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mgrd.export.choices import ExportConfig
from mgrd.export.columns import CHAIN, COUNTS, PLACE, TALK, TASK, Column, schema_of
from mgrd.export.rowset import Row
from mgrd.models.render import completion_text

AUDIO_TAG = "<audio>"
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AudioRef:
    """A row's sound: the file's name, its path as the format wants it, its seconds, and its bytes when embedded."""

    name: str
    path: str
    seconds: float
    data: bytes | None = None

    @property
    def locator(self) -> str:
        """The path, or the bytes as a data URI."""
        if self.data is None:
            return self.path
        kind = self.name.rpartition(".")[2].lower()
        return f"data:audio/{kind};base64,{base64.b64encode(self.data).decode()}"


Shape = Callable[[Row, AudioRef | None, str, int], Record]
"""(row, audio, split, index) -> record."""


def shape_of(config: ExportConfig) -> Shape:
    """How rows of this format and purpose look."""
    if config.format in {"hf", "trl"}:
        return _columnar(config)
    if config.format == "verl":
        return _verl_sft if config.purpose == "sft" else _verl_rl
    if config.format == "webdataset":
        return _member(config)
    return {
        ("ms-swift", "sft"): _swift_sft,
        ("ms-swift", "rl"): _swift_rl,
        ("ms-swift", "dpo"): _swift_dpo,
        ("llama-factory", "sft"): _factory_sft,
        ("llama-factory", "rl"): _factory_rl,
        ("llama-factory", "dpo"): _factory_dpo,
        ("nemo", "sft"): _nemo_sft,
    }[config.format, config.purpose]


def completion(row: Row, side: str = "") -> str:
    """What the model should write, think block and answer."""
    return completion_text(row[f"{side}reasoning"], row[f"{side}answer"])


class Turn(NamedTuple):
    """A message whose content is parts: the sound, where it has one, and a text."""

    role: str
    text: str
    audio: bool = False

    def message(self) -> Record:
        parts = [*([{"type": "audio", "text": None}] if self.audio else []), {"type": "text", "text": self.text}]
        return {"role": self.role, "content": parts}


def _talk(row: Row, audio: AudioRef | None, names: list[str]) -> dict[str, list[Turn]]:
    """The conversation columns."""
    asked = [Turn("user", row["prompt"], audio is not None)]

    def said(side: str = "") -> list[Turn]:
        return [Turn("assistant", completion(row, side))]

    build = {
        "prompt": lambda: asked,
        "messages": lambda: asked + said(),
        "completion": said,
        "chosen": lambda: said("chosen_"),
        "rejected": lambda: said("rejected_"),
    }
    return {name: build[name]() for name in names}


def _columnar(config: ExportConfig) -> Shape:
    """Conversations stay turns: `mgrd.export.shards` makes columns of them without a dictionary for each part."""
    names = TALK[config.format, config.purpose]
    plain = [name for name in schema_of(config).names if name not in {*names, "audio"}]

    def shape(row: Row, audio: AudioRef | None, split: str, index: int) -> Record:
        del split, index
        record = {name: row[name] for name in plain}
        record["audio"] = None if audio is None else {"bytes": audio.data, "path": audio.path}
        return record | _talk(row, audio, names)

    return shape


def _member(config: ExportConfig) -> Shape:
    like = ExportConfig(round=config.round, format="hf", purpose=config.purpose)
    inner, names = _columnar(like), TALK[like.format, like.purpose]

    def shape(row: Row, audio: AudioRef | None, split: str, index: int) -> Record:
        record = inner(row, audio, split, index)
        record["audio"] = None if audio is None else audio.name
        return record | {name: [turn.message() for turn in record[name]] for name in names}

    return shape


def _tagged(row: Row, audio: AudioRef | None) -> str:
    return f"{AUDIO_TAG if audio else ''}{row['prompt']}"


def _user(row: Row, audio: AudioRef | None) -> Record:
    return {"role": "user", "content": _tagged(row, audio)}


def _assistant(text: str) -> Record:
    return {"role": "assistant", "content": text}


def _audios(audio: AudioRef | None) -> Record:
    """Absent for text rows: an empty list has no item type for a reader that infers one."""
    return {} if audio is None else {"audios": [audio.locator]}


def _extras(row: Row, names: tuple[str, ...]) -> Record:
    """Values of plain type. Grounding goes as JSON text: readers of JSON lines infer nested types chunk by chunk."""
    place = {name: row[name] for name in ("id", "question_id", "clip_id", "skill", "source") if row[name] is not None}
    extras = place | {name: row[name] for name in names if row[name] is not None}
    for name in extras.keys() & {"grounding", "chosen_grounding", "rejected_grounding"}:
        extras[name] = json.dumps(row[name], ensure_ascii=False)
    return extras


_SFT = ("reasoning", "answer", "token_count", "audio_tokens", "grounding", "weight")
_RL = ("choices", "samples", "passed", "audio_tokens")
_DPO = ("reason", "audio_tokens", "chosen_grounding", "rejected_grounding", "weight")


def _swift_sft(row: Row, audio: AudioRef | None, split: str, index: int) -> Record:
    del split, index
    messages = [_user(row, audio), _assistant(completion(row))]
    return {"messages": messages, **_audios(audio), **_extras(row, _SFT)}


def _swift_rl(row: Row, audio: AudioRef | None, split: str, index: int) -> Record:
    del split, index
    solution = {"solution": f"<answer>{row['solution']}</answer>"}
    return {"messages": [_user(row, audio)], **_audios(audio), **solution, **_extras(row, _RL)}


def _swift_dpo(row: Row, audio: AudioRef | None, split: str, index: int) -> Record:
    del split, index
    messages = [_user(row, audio), _assistant(completion(row, "chosen_"))]
    rejected = {"rejected_response": completion(row, "rejected_")}
    return {"messages": messages, **rejected, **_audios(audio), **_extras(row, _DPO)}


_factory_sft = _swift_sft


def _factory_rl(row: Row, audio: AudioRef | None, split: str, index: int) -> Record:
    del split, index
    messages = [_user(row, audio), _assistant(row["solution"])]
    return {"messages": messages, **_audios(audio), "solution": row["solution"], **_extras(row, _RL)}


def _factory_dpo(row: Row, audio: AudioRef | None, split: str, index: int) -> Record:
    del split, index
    sides = {side: _assistant(completion(row, f"{side}_")) for side in ("chosen", "rejected")}
    return {"messages": [_user(row, audio)], **sides, **_audios(audio), **_extras(row, _DPO)}


def _verl_extra(row: Row, split: str, index: int, columns: Sequence[Column]) -> Record:
    names = [name for name, _ in (*PLACE, *columns, *COUNTS)]
    return {"split": split, "index": index, **{name: row[name] for name in names}}


def _verl_rl(row: Row, audio: AudioRef | None, split: str, index: int) -> Record:
    return {
        "data_source": f"mgrd/{row['skill']}",
        "prompt": [_user(row, audio)],
        "ability": row["skill"],
        "reward_model": {"style": "rule", "ground_truth": row["solution"]},
        "audios": [audio.locator] if audio else [],
        "extra_info": _verl_extra(row, split, index, TASK),
    }


def _verl_sft(row: Row, audio: AudioRef | None, split: str, index: int) -> Record:
    return {
        "messages": [_user(row, audio), _assistant(completion(row))],
        "audios": [audio.locator] if audio else [],
        "extra_info": _verl_extra(row, split, index, CHAIN),
    }


def _nemo_sft(row: Row, audio: AudioRef | None, split: str, index: int) -> Record:
    del split, index
    turns: list[Record] = []
    if audio is not None:
        turns.append({"from": "User", "value": audio.path, "type": "audio", "duration": audio.seconds})
    turns.append({"from": "User", "value": row["prompt"], "type": "text"})
    turns.append({"from": "Assistant", "value": completion(row), "type": "text"})
    return {"id": row["id"], "conversations": turns, "custom": _extras(row, _SFT)}
