"""An engine that remembers: what was sampled and scored is in a file as it comes, and is not asked for again.

A line is keyed by what its answer depends on, so that a changed checkpoint, prompt, clip or sampling asks anew. A torn
last line, of a process that was killed, is owed again. One process writes a journal at a time.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mgrd.engines.protocol import Completion, Engine, SampleRequest, Sampling, Score, ScoreRequest
from mgrd.errors import StoreError, boundary
from mgrd.ids import content_key

SCORES_AT_ONCE = 64
"""Requests that are scored between two writes."""


class JournaledEngine:
    """`engine` with its answers kept in `path`; `identity` tells its checkpoint from others of the same name."""

    def __init__(self, engine: Engine, path: Path, identity: str = "") -> None:
        self._engine = engine
        self.name, self.model_id = engine.name, engine.model_id
        self._who = (engine.name, engine.model_id, identity)
        self._known = _read(path)
        self._earlier = frozenset(self._known)
        self.replayed: set[str] = set()
        """Keys of what an earlier run had answered, and this one asked."""
        with boundary(StoreError, f"opening {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")
            if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
                self._file.write("\n")

    def sample(self, requests: Sequence[SampleRequest], sampling: Sampling) -> Iterator[list[Completion]]:
        """What the journal holds comes first, in one batch."""
        kept, owed, keys = [], [], {}
        for request in requests:
            missing = []
            for index, seed in zip(request.sample_indices, request.seeds, strict=True):
                key = content_key(*self._who, request.clip_id, request.prompt, index, seed, asdict(sampling))
                keys[request.request_id, index] = key
                if key in self._known:
                    kept.append(_completion(self._known[key], request.request_id))
                else:
                    missing.append((index, seed))
            if missing:
                indices, seeds = zip(*missing, strict=True)
                owed.append(replace(request, sample_indices=indices, seeds=seeds))
        self.replayed |= self._earlier & set(keys.values())
        if kept:
            yield kept
        if owed:
            for batch in self._engine.sample(owed, sampling):
                self._write((keys[one.request_id, one.sample_index], asdict(one)) for one in batch)
                yield batch

    def score(self, requests: Sequence[ScoreRequest]) -> list[Score]:
        keys = [
            content_key("score", *self._who, one.clip_id, one.prompt, one.completion, one.ended) for one in requests
        ]
        owed = [(key, one) for key, one in zip(keys, requests, strict=True) if key not in self._known]
        self.replayed |= self._earlier & set(keys)
        for first in range(0, len(owed), SCORES_AT_ONCE):
            part = owed[first : first + SCORES_AT_ONCE]
            scores = self._engine.score([one for _, one in part])
            self._write((key, asdict(score)) for (key, _), score in zip(part, scores, strict=True))
        return [_score(self._known[key], one.request_id) for key, one in zip(keys, requests, strict=True)]

    def close(self) -> None:
        self._file.close()
        self._engine.close()

    def _write(self, answers: Iterator[tuple[str, dict[str, Any]]]) -> None:
        with boundary(StoreError, f"writing {self._file.name}"):
            for key, answer in answers:
                self._known[key] = answer
                self._file.write(f"{json.dumps({'key': key, 'answer': answer})}\n")
            self._file.flush()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Key -> answer; lines that are no record are left out."""
    known = {}
    if path.is_file():
        with boundary(StoreError, f"reading {path}"), path.open("rb") as file:
            for line in file:
                try:
                    record = json.loads(line)
                    known[str(record["key"])] = dict(record["answer"])
                except (ValueError, TypeError, KeyError):
                    continue
    return known


def _completion(answer: dict[str, Any], request_id: str) -> Completion:
    return Completion(**{**answer, "request_id": request_id, "token_ids": tuple(answer["token_ids"])})


def _score(answer: dict[str, Any], request_id: str) -> Score:
    spans = tuple((start, end) for start, end in answer["spans"])
    return Score(request_id, tuple(answer["token_logprobs"]), spans)
