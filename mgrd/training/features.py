"""The frozen encoder's outputs, computed once per clip and read by training, sampling and scoring.

Entries are keyed by encoder, clip and precision, written in shards that appear whole or not at all,
and memory-mapped when read. Nothing is ever recomputed for a clip that is present, and an entry never
outlives a change of the encoder: another encoder has another folder.
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mgrd.errors import EngineError
from mgrd.ids import content_key
from mgrd.models.checkpoints import LoadedModel
from mgrd.models.listen import encode_clips
from mgrd.models.parallel import workers

Precision = Literal["float16", "float32"]

SHARD_CLIPS = 256
BATCH_CLIPS = 8


class FeatureCache:
    """Encoder features of clips on disk.

    A shard is `<key>.npy` [clips, tokens, width] with `<key>.json` naming its clips and their token
    counts; the JSON is written last, so a shard without it does not exist.
    """

    def __init__(self, folder: Path, encoder_sha: str, precision: Precision = "float16") -> None:
        self.folder = folder / f"{encoder_sha}-{precision}"
        self.encoder_sha = encoder_sha
        self.precision = precision
        self._place: dict[str, tuple[str, int, int]] = {}
        self._shards: dict[str, npt.NDArray[np.floating]] = {}
        self._refresh()

    def _refresh(self) -> None:
        known = {shard for shard, _, _ in self._place.values()}
        for index in sorted(self.folder.glob("*.json")):
            if index.stem not in known:
                entry = json.loads(index.read_text())
                for row, (clip, tokens) in enumerate(zip(entry["clips"], entry["tokens"], strict=True)):
                    self._place.setdefault(clip, (index.stem, row, tokens))

    def __contains__(self, clip_id: str) -> bool:
        return clip_id in self._place

    def ensure(
        self,
        model: LoadedModel,
        clips: Sequence[tuple[str, Path]],
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        """Compute the features of the clips that are missing; `on_progress` gets the number of clips just done.

        Whole shards are committed as they finish, so a killed run goes on where it stopped. Raises
        AudioError naming a clip that is unreadable, too short or longer than the model's window.
        """
        if model.encoder_sha != self.encoder_sha:
            raise EngineError(f"cache of encoder {self.encoder_sha} asked for clips of encoder {model.encoder_sha}")
        self._refresh()
        report = on_progress or (lambda _: None)
        missing = {clip: path for clip, path in clips if clip not in self._place}
        report(len(clips) - len(missing))
        owed = list(missing.items())
        for start in range(0, len(owed), SHARD_CLIPS):
            self._compute_shard(model, owed[start : start + SHARD_CLIPS], report)

    def _compute_shard(
        self, model: LoadedModel, clips: Sequence[tuple[str, Path]], report: Callable[[int], None]
    ) -> None:
        def encode(batch: Sequence[tuple[str, Path]]) -> tuple[npt.NDArray[np.floating], list[int]]:
            features, tokens = encode_clips(model, [path for _, path in batch])
            return features.numpy().astype(self.precision), tokens.tolist()

        batches = [clips[start : start + BATCH_CLIPS] for start in range(0, len(clips), BATCH_CLIPS)]
        outputs, counts = [], []
        with workers() as crew:
            for start in range(0, len(batches), crew.count):
                together = batches[start : start + crew.count]
                for features, tokens in crew.map(encode, together):
                    outputs.append(features)
                    counts += tokens
                report(sum(len(batch) for batch in together))
        names = [clip for clip, _ in clips]
        self._write(content_key("features", names), np.concatenate(outputs), names, counts)

    def _write(self, key: str, array: npt.NDArray[np.floating], clips: list[str], tokens: list[int]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        data, index = self.folder / f"{key}.npy", self.folder / f"{key}.json"
        draft = self.folder / f".{key}-{os.getpid()}"
        with draft.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        draft.replace(data)
        draft.write_text(json.dumps({"clips": clips, "tokens": tokens}))
        draft.replace(index)
        for row, (clip, count) in enumerate(zip(clips, tokens, strict=True)):
            self._place.setdefault(clip, (key, row, count))

    def tokens(self, clip_id: str) -> int:
        """Audio tokens of a clip. Raises EngineError when its features were not computed."""
        return self._find(clip_id)[2]

    def get(self, clip_ids: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Features [n, longest, width] (float32, zero beyond a clip's tokens) and token counts [n]."""
        places = [self._find(clip) for clip in clip_ids]
        if not places:
            return torch.zeros(0, 0, 0), torch.zeros(0, dtype=torch.long)
        longest = max(tokens for _, _, tokens in places)
        width = self._shard(places[0][0]).shape[2]
        features = np.zeros((len(places), longest, width), dtype=np.float32)
        for at, (shard, row, tokens) in enumerate(places):
            features[at, :tokens] = self._shard(shard)[row, :tokens]
        return torch.from_numpy(features), torch.tensor([tokens for _, _, tokens in places])

    def _find(self, clip_id: str) -> tuple[str, int, int]:
        if clip_id not in self._place:
            raise EngineError(f"clip {clip_id} has no cached features; call FeatureCache.ensure first")
        return self._place[clip_id]

    def _shard(self, key: str) -> npt.NDArray[np.floating]:
        if key not in self._shards:
            self._shards[key] = np.load(self.folder / f"{key}.npy", mmap_mode="r", allow_pickle=False)
        return self._shards[key]
