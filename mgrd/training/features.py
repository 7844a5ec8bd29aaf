"""The frozen encoder's outputs, computed once per clip and read by training, sampling and scoring.

Entries are keyed by encoder, clip and precision, written in shards that appear whole or not at all,
and memory-mapped when read. Nothing is ever recomputed for a clip that is present, and an entry never
outlives a change of the encoder: another encoder has another folder.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mgrd.errors import EngineError
from mgrd.files import whole_file
from mgrd.ids import content_key
from mgrd.models.checkpoints import LoadedModel
from mgrd.models.listen import LongClips, encode_clips
from mgrd.models.parallel import workers

StoredPrecision = Literal["float16", "float32"]
"""What features are kept in; they are read as float32."""

SHARD_CLIPS = 256
BATCH_CLIPS = 8
LAYOUT = 2
"""Of the files; those of another layout are computed anew."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a clip's features lie in a shard, and the tokens of each of its windows."""

    shard: str
    start: int
    windows: tuple[int, ...]

    @property
    def tokens(self) -> int:
        return sum(self.windows)


class FeatureCache:
    """Encoder features of clips on disk.

    A shard is `<key>.npy` [tokens of all its clips, width] with `<key>.json` naming its clips and the
    tokens of each clip's windows; the JSON is written last, so a shard without it does not exist.
    `long_clips` says what happens to a clip beyond the model's window: refused, or heard in windows.
    """

    def __init__(
        self, folder: Path, encoder_sha: str, precision: StoredPrecision = "float16", long_clips: LongClips = "refuse"
    ) -> None:
        suffix = "" if long_clips == "refuse" else f"-{long_clips}"
        self.folder = folder / f"{encoder_sha}-{precision}{suffix}"
        self.encoder_sha = encoder_sha
        self.precision: StoredPrecision = precision
        self.long_clips: LongClips = long_clips
        self._places: dict[str, _Place] = {}
        self._shards: dict[str, npt.NDArray[np.floating]] = {}
        self._refresh()

    def description(self) -> dict[str, str]:
        """What `FeatureCache.of` opens the same cache with, in another process."""
        return {
            "folder": str(self.folder.parent.resolve()),
            "encoder_sha": self.encoder_sha,
            "precision": self.precision,
            "long_clips": self.long_clips,
        }

    @classmethod
    def of(cls, description: dict[str, Any]) -> "FeatureCache":
        return cls(**{**description, "folder": Path(description["folder"])})

    def _refresh(self) -> None:
        known = {place.shard for place in self._places.values()}
        for index in sorted(self.folder.glob("*.json")):
            if index.stem not in known:
                entry = json.loads(index.read_text())
                if entry.get("layout") == LAYOUT:
                    self._add(index.stem, entry["clips"], [tuple(windows) for windows in entry["windows"]])

    def _add(self, shard: str, clips: Sequence[str], windows: Sequence[tuple[int, ...]]) -> None:
        start = 0
        for clip, tokens in zip(clips, windows, strict=True):
            self._places.setdefault(clip, _Place(shard, start, tokens))
            start += sum(tokens)

    def __contains__(self, clip_id: str) -> bool:
        return clip_id in self._places

    def ensure(
        self,
        model: LoadedModel,
        clips: Sequence[tuple[str, Path]],
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        """Compute the features of the clips that are missing; `on_progress` gets the number of clips just done.

        Whole shards are committed as they finish, so a killed run goes on where it stopped. Raises
        AudioError naming a clip that is unreadable, too short, or beyond the model's window and not to be split.
        """
        if model.encoder_sha != self.encoder_sha:
            raise EngineError(f"cache of encoder {self.encoder_sha} asked for clips of encoder {model.encoder_sha}")
        self._refresh()
        report = on_progress or (lambda _: None)
        missing = {clip: path for clip, path in clips if clip not in self._places}
        report(len(clips) - len(missing))
        owed = list(missing.items())
        for start in range(0, len(owed), SHARD_CLIPS):
            self._compute_shard(model, owed[start : start + SHARD_CLIPS], report)

    def _compute_shard(
        self, model: LoadedModel, clips: Sequence[tuple[str, Path]], report: Callable[[int], None]
    ) -> None:
        def encode(batch: Sequence[tuple[str, Path]]) -> list[tuple[Tensor, ...]]:
            return encode_clips(model, [path for _, path in batch], self.long_clips)

        batches = [clips[start : start + BATCH_CLIPS] for start in range(0, len(clips), BATCH_CLIPS)]
        outputs: list[npt.NDArray[np.floating]] = []
        windows: list[tuple[int, ...]] = []
        with workers() as crew:
            for start in range(0, len(batches), crew.count):
                together = batches[start : start + crew.count]
                for heard in (clip for batch in crew.map(encode, together) for clip in batch):
                    outputs += [states.numpy().astype(self.precision) for states in heard]
                    windows.append(tuple(len(states) for states in heard))
                report(sum(len(batch) for batch in together))
        names = [clip for clip, _ in clips]
        self._write(content_key("features", names), np.concatenate(outputs), names, windows)

    def _write(
        self, key: str, array: npt.NDArray[np.floating], clips: list[str], windows: list[tuple[int, ...]]
    ) -> None:
        with whole_file(self.folder / f"{key}.npy") as draft, draft.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        with whole_file(self.folder / f"{key}.json") as draft:  # last: a shard is there when its index is
            draft.write_text(json.dumps({"layout": LAYOUT, "clips": clips, "windows": windows}))
        self._add(key, clips, windows)

    def windows(self, clip_id: str) -> tuple[int, ...]:
        """Audio tokens of each of a clip's windows. Raises EngineError when its features were not computed."""
        return self._find(clip_id).windows

    def tokens(self, clip_id: str) -> int:
        """Audio tokens of a clip, all its windows together. Raises EngineError when its features were not computed."""
        return self._find(clip_id).tokens

    def get(self, clip_ids: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Features [n, longest, width] (float32, zero beyond a clip's tokens) and token counts [n]."""
        places = [self._find(clip) for clip in clip_ids]
        if not places:
            return torch.zeros(0, 0, 0), torch.zeros(0, dtype=torch.long)
        longest = max(place.tokens for place in places)
        width = self._shard(places[0].shard).shape[1]
        features = np.zeros((len(places), longest, width), dtype=np.float32)
        for at, place in enumerate(places):
            features[at, : place.tokens] = self._shard(place.shard)[place.start : place.start + place.tokens]
        return torch.from_numpy(features), torch.tensor([place.tokens for place in places])

    def _find(self, clip_id: str) -> "_Place":
        if clip_id not in self._places:
            raise EngineError(f"clip {clip_id} has no cached features; call FeatureCache.ensure first")
        return self._places[clip_id]

    def _shard(self, key: str) -> npt.NDArray[np.floating]:
        if key not in self._shards:
            self._shards[key] = np.load(self.folder / f"{key}.npy", mmap_mode="r", allow_pickle=False)
        return self._shards[key]
