"""Scoring chains with their clip, with silence of its length, and with another clip: rows of counterfactuals.

Chains of one question are scored together, so that a sound's audio tokens are computed once for all of them. A
chain that the engine cannot score goes to quarantine with its reason; the others go on.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mgrd.audio.silence import silence_of
from mgrd.engines.protocol import Engine, Score, ScoreRequest
from mgrd.errors import EngineError, EngineStopError, MgrdError
from mgrd.grounding.counterfactual import likeliest, mean, token_gains
from mgrd.ids import content_key
from mgrd.models.render import completion_text
from mgrd.store import frame_of
from prompts import Prompt
from schemas import COUNTERFACTUALS, QUARANTINE

BATCH_CHAINS = 96
"""Chains scored between two commits: what a kill can cost."""
OWN, SILENCE, SWAP = "own", "silence", "swap"


@dataclass(frozen=True, slots=True)
class Sounds:
    """Where audio lies: a clip's file and seconds by `clip_id`, and the folder for files of silence."""

    files: Mapping[str, Path]
    seconds: Mapping[str, float]
    silence: Path

    def own(self, clip_id: str) -> tuple[str, Path]:
        if clip_id not in self.files:
            raise EngineError(f"clip {clip_id} is not in the workspace; ingest its folder again")
        return clip_id, self.files[clip_id]

    def silent(self, clip_id: str) -> tuple[str, Path]:
        """Silence as long as the clip, by an id of its own, so that it is encoded once per length."""
        self.own(clip_id)
        path = silence_of(self.seconds[clip_id], self.silence)
        return path.stem, path


def contrast_chains(
    engine: Engine,
    traces: pl.DataFrame,
    swaps: Mapping[str, str],
    sounds: Sounds,
    prompt: Prompt,
    batch_chains: int = BATCH_CHAINS,
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """(COUNTERFACTUALS without claims, QUARANTINE) frames, batch by batch as they are scored.

    `traces` are joined with the `text` and `choices` of their questions; `swaps` maps question_id to another clip.
    """
    waiting: list[dict[str, object]] = []
    for group in traces.sort("clip_id", "question_id", "trace_id").partition_by("question_id", maintain_order=True):
        waiting += group.iter_rows(named=True)
        if len(waiting) >= batch_chains:
            yield _contrast(engine, waiting, swaps, sounds, prompt)
            waiting = []
    if waiting:
        yield _contrast(engine, waiting, swaps, sounds, prompt)


def _contrast(
    engine: Engine, traces: list[dict[str, object]], swaps: Mapping[str, str], sounds: Sounds, prompt: Prompt
) -> tuple[pl.DataFrame, pl.DataFrame]:
    try:
        rows, failed = _rows(engine, traces, swaps, sounds, prompt), []
    except EngineStopError:
        raise
    except MgrdError as error:
        if len(traces) == 1:
            return frame_of(COUNTERFACTUALS, []), frame_of(QUARANTINE, [_quarantine_row(traces[0], error)])
        parts = [_contrast(engine, [trace], swaps, sounds, prompt) for trace in traces]
        return pl.concat([part[0] for part in parts]), pl.concat([part[1] for part in parts])
    return frame_of(COUNTERFACTUALS, rows), frame_of(QUARANTINE, failed)


def _rows(
    engine: Engine, traces: list[dict[str, object]], swaps: Mapping[str, str], sounds: Sounds, prompt: Prompt
) -> list[dict[str, object]]:
    requests: dict[tuple[str, str, str], ScoreRequest] = {}
    for trace in traces:
        text = prompt.render(question=trace["text"], choices=trace["choices"])
        for name, (clip_id, path) in _heard(trace, swaps, sounds).items():
            key = (str(trace["trace_id"]), name, "")
            requests[key] = ScoreRequest(key[0], clip_id, path, text, str(trace["raw_text"]))
            for choice in _choices(trace):
                asked = (str(trace["question_id"]), name, choice)
                if asked not in requests:
                    answer = completion_text("", choice)
                    requests[asked] = ScoreRequest(asked[0], clip_id, path, text, answer, ended=True)
    scores = dict(zip(requests, engine.score(list(requests.values())), strict=True))
    return [_row(trace, scores, swaps) for trace in traces]


def _heard(trace: Mapping[str, object], swaps: Mapping[str, str], sounds: Sounds) -> dict[str, tuple[str, Path]]:
    clip_id, other = str(trace["clip_id"]), swaps.get(str(trace["question_id"]))
    heard = {OWN: sounds.own(clip_id), SILENCE: sounds.silent(clip_id)}
    return heard if other is None else {**heard, SWAP: sounds.own(other)}


def _choices(trace: Mapping[str, object]) -> Sequence[str]:
    choices = trace["choices"]
    return list(dict.fromkeys(map(str, choices))) if isinstance(choices, list) else []


def _row(
    trace: Mapping[str, object], scores: Mapping[tuple[str, str, str], Score], swaps: Mapping[str, str]
) -> dict[str, object]:
    trace_id, question_id = str(trace["trace_id"]), str(trace["question_id"])
    chain = {name: scores[trace_id, name, ""] for name in (OWN, SILENCE, SWAP) if (trace_id, name, "") in scores}
    own = chain[OWN]
    gains = {name: token_gains(own.token_logprobs, score.token_logprobs) for name, score in chain.items()}
    answers = {
        name: likeliest({c: sum(scores[question_id, name, c].token_logprobs) for c in _choices(trace)})
        for name in chain
    }
    swapped = SWAP in chain
    return {
        "trace_id": trace_id,
        "round": trace["round"],
        "purpose": trace["purpose"],
        "model_id": trace["model_id"],
        "swap_clip_id": swaps.get(question_id),
        "tokens": len(own.token_logprobs),
        "token_starts": [start for start, _ in own.spans],
        "token_ends": [end for _, end in own.spans],
        "silence_gains": gains[SILENCE],
        "swap_gains": gains[SWAP] if swapped else [],
        "silence_margin": mean(gains[SILENCE]),
        "swap_margin": mean(gains[SWAP]) if swapped else None,
        "claims": [],
        "choice": answers[OWN],
        "silence_choice": answers[SILENCE],
        "swap_choice": answers.get(SWAP),
        "silence_flips": None if answers[OWN] is None else answers[SILENCE] != answers[OWN],
        "swap_flips": None if answers[OWN] is None or not swapped else answers[SWAP] != answers[OWN],
    }


def _quarantine_row(trace: Mapping[str, object], error: MgrdError) -> dict[str, object]:
    stage = f"counterfactual-{trace['purpose']}"
    return {
        "row_id": content_key("quarantine", stage, trace["trace_id"]),
        "stage": stage,
        "round": trace["round"],
        "boundary": "scoring a chain with another sound",
        "message": str(error),
        "attempts": 2,
        "payload": json.dumps({name: trace[name] for name in ("trace_id", "question_id", "clip_id")}),
    }
