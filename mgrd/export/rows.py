"""From tables to export rows: plain dictionaries, one per training row, question or pair.

Reads each table at one version, so a campaign that goes on while an export runs does not show in it.
A row that no trainer could use (its clip is gone, its text holds chat tokens) is refused with the
reason, never dropped in silence; a row from a held-out clip stops the export.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from mgrd.errors import ContractError, DataError
from mgrd.export.choices import ExportConfig, Purpose
from mgrd.export.tokens import TokenCounter
from mgrd.store import Store, Workspace, digest, empty_frame
from prompts import Prompt, load_prompt
from schemas import (
    CLAIMS,
    CLIPS,
    CURRICULUM,
    DECISIONS,
    DISTILLED,
    OVERRIDES,
    PREFERENCES,
    QUESTIONS,
    TRACES,
    VERDICTS,
    Table,
)

Row = dict[str, Any]
"""Keys as in `mgrd.export.columns`; in place of audio `uri`, `bytes`, `seconds` and `sha256` of the clip's file."""

REPLAY = ("text", "replay")
REPLAY_PHASE = 1
"""Text rows of this training phase are the ones that rounds mix in."""
PLACEHOLDER = re.compile("<(audio|image|video)>")
CLAIM_KEYS = (
    *("text", "start", "end", "attribute", "relation", "claimed", "value", "unit", "time_start", "time_end"),
    *("negated", "weight", "verdict", "measured", "tolerance", "reliability"),
)


class Tables:
    """A workspace's tables, each at the version that was newest when it was first read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.versions: dict[str, int] = {}
        self.digests: dict[str, str] = {}

    def read(self, table: Table, partition: Mapping[str, int | str] | None = None) -> pl.DataFrame:
        """As `Store.read`; remembers version and content digest for the manifest."""
        version = self.versions.setdefault(table.name, self._store.version(table))
        frame = empty_frame(table) if version < 0 else self._store.read(table, partition, version=version)
        name = "/".join([table.name, *(f"{column}={value}" for column, value in (partition or {}).items())])
        self.digests.setdefault(name, digest(table, frame))
        return frame

    def read_all(self, purpose: Purpose, round_: int) -> None:
        """Read every table that an export of the purpose depends on, so that `digests` is complete."""
        sampled = {"round": round_, "purpose": "distill"}
        for table in (CLIPS, QUESTIONS, OVERRIDES):
            self.read(table)
        for table in (TRACES, CLAIMS, DECISIONS):
            self.read(table, sampled)
        chosen = {"sft": DISTILLED, "dpo": PREFERENCES, "rl": CURRICULUM}[purpose]
        for table in (VERDICTS, chosen):
            self.read(table, {"round": round_})
        if purpose == "sft":
            self.read(DISTILLED, {"round": 0})


@dataclass(slots=True)
class RoundRows:
    """Rows of a round by config name (`distilled`, `text`, `preferences`, `curriculum`), and what was refused."""

    configs: dict[str, list[Row]] = field(default_factory=dict)
    refused: list[dict[str, str]] = field(default_factory=list)

    @property
    def clip_ids(self) -> set[str]:
        return {row["clip_id"] for rows in self.configs.values() for row in rows if row["clip_id"] is not None}


@dataclass(frozen=True, slots=True)
class _Context:
    """Lookups that every purpose needs, by key."""

    clips: dict[str, Row]
    questions: dict[str, Row]
    counter: TokenCounter
    prompt: Prompt
    round: int
    refused: list[dict[str, str]]

    def place(self, question_id: str | None, clip_id: str | None) -> Row:
        """Question and clip of a row. Raises DataError when a clip's file is gone, ContractError on a held-out clip."""
        question = self.questions.get(question_id or "", {})
        clip = self.clips.get(clip_id or "", {})
        if clip_id is not None and not clip:
            raise DataError(f"clip {clip_id} is in no table; ingest its audio again")
        if clip and clip["split"] in {"dev", "test"}:
            raise ContractError(
                f"clip {clip_id} is held out ({clip['split']}), so it must not be trained on; nothing was exported. "
                "Check the workspace with `mgrd run`"
            )
        if clip and clip["bytes"] is None:
            raise DataError(f"audio file {clip['uri']} of clip {clip_id} is missing; ingest it again")
        return {
            "round": self.round,
            "question_id": question_id,
            "clip_id": clip_id,
            "skill": question.get("skill"),
            "domain": clip.get("domain"),
            "source": clip.get("source"),
            "question": question.get("text"),
            "choices": question.get("choices") or [],
            "solution": question.get("answer"),
            "uri": clip.get("uri"),
            "bytes": clip.get("bytes"),
            "seconds": clip.get("duration"),
            "sha256": clip.get("sha256"),
        }

    def collect(self, items: Sequence[Row], key: str, build: Callable[[Row], Row]) -> list[Row]:
        """Built rows; those that cannot be built are refused by their key."""
        built = []
        for item in items:
            try:
                row = build(item)
                _check_texts(row)
                built.append(row)
            except DataError as error:
                self.refused.append({"id": str(item[key]), "reason": str(error)})
        return built


def read_rows(workspace: Workspace, config: ExportConfig, tables: Tables) -> RoundRows:
    """Rows of the round for the purpose, in key order.

    Raises DataError when the round is not finished or has no rows for this purpose, or when more rows
    are refused than `runtime.fail_on_error` allows.
    """
    _check_finished(workspace, config.round)
    found = RoundRows()
    traces = tables.read(TRACES, {"round": config.round, "purpose": "distill"})
    context = _Context(
        clips=_clips(workspace, tables),
        questions={row["question_id"]: row for row in tables.read(QUESTIONS).iter_rows(named=True)},
        counter=TokenCounter.of(workspace, traces),
        prompt=load_prompt(workspace.settings.spec.sampling.prompt),
        round=config.round,
        refused=found.refused,
    )
    read = {"sft": _sft, "dpo": _dpo, "rl": _rl}[config.purpose]
    found.configs = read(context, config, tables, traces)
    total = sum(map(len, found.configs.values()))
    limit = workspace.settings.runtime.fail_on_error
    if len(found.refused) > limit * (total + len(found.refused)):
        first = found.refused[0]
        raise DataError(
            f"{len(found.refused)} of {total + len(found.refused)} rows were refused, more than "
            f"runtime.fail_on_error ({limit:g}) allows; the first is {first['id']}: {first['reason']}"
        )
    return found


def _check_texts(row: Row) -> None:
    """Raises DataError on a text that readers would take for a place of audio, image or video."""
    for name, value in row.items():
        if isinstance(value, str) and name not in {"uri", "source"} and (found := PLACEHOLDER.search(value)):
            raise DataError(
                f"{name} holds the placeholder {found.group()}, which readers replace; remove it from the text"
            )


def _check_finished(workspace: Workspace, round_: int) -> None:
    if workspace.ledger.newest(round_, "select") is not None:
        return
    there = [n for n in range(1, 1 + workspace.settings.spec.rounds) if workspace.ledger.newest(n, "select")]
    raise DataError(
        f"round {round_} has no selected chains; finished rounds: {there or 'none'}; continue with `mgrd run`"
    )


def _clips(workspace: Workspace, tables: Tables) -> dict[str, Row]:
    rows = tables.read(CLIPS).drop("truth").iter_rows(named=True)
    clips = {}
    for row in rows:
        path = workspace.resolve(row["uri"])
        clips[row["clip_id"]] = {**row, "bytes": path.stat().st_size if path.is_file() else None}
    return clips


def _sft(context: _Context, config: ExportConfig, tables: Tables, traces: pl.DataFrame) -> dict[str, list[Row]]:
    selected = tables.read(DISTILLED, {"round": config.round})
    kept = selected.filter(pl.col("origin") == "distilled").sort("row_id")
    replay = pl.col("origin").is_in(REPLAY) & (pl.col("phase") == REPLAY_PHASE)
    text = pl.concat([tables.read(DISTILLED, {"round": 0}), selected]).filter(replay).sort("row_id")
    if kept.is_empty():
        raise DataError(f"round {config.round} kept no chain; `mgrd status` has the funnel")
    sampled = _by_key(traces.filter(pl.col("trace_id").is_in(kept["trace_id"].implode())), "trace_id")
    grounding = _groundings(tables, config.round, set(sampled))

    def build(item: Row) -> Row:
        trace = sampled.get(item["trace_id"], {})
        audio_tokens = trace.get("audio_tokens", 0 if item["clip_id"] is None else None)
        tokens = context.counter.example(item["prompt"], audio_tokens, item["reasoning"], item["answer"], trace)
        return {
            **context.place(item["question_id"], item["clip_id"]),
            "id": item["row_id"],
            "trace_id": item["trace_id"],
            "origin": item["origin"],
            "prompt": item["prompt"],
            "reasoning": item["reasoning"],
            "answer": item["answer"],
            "correct": trace.get("correct"),
            "token_count": tokens,
            "audio_tokens": audio_tokens,
            "grounding": grounding.get(item["trace_id"]),
            "weight": item["weight"],
        }

    return {
        "distilled": context.collect(kept.to_dicts(), "row_id", build),
        "text": context.collect(text.to_dicts(), "row_id", build),
    }


def _rl(context: _Context, config: ExportConfig, tables: Tables, traces: pl.DataFrame) -> dict[str, list[Row]]:
    table = tables.read(CURRICULUM, {"round": config.round}).sort("question_id")
    chosen = table if config.outside else table.filter(pl.col("inside"))
    if chosen.is_empty():
        raise DataError(
            f"no question of round {config.round} lies inside the difficulty window ({table.height} were sampled); "
            "widen spec.selection.window_low and window_high, or export all with --outside"
        )
    audio_tokens = dict(traces.select("question_id", "audio_tokens").unique("question_id").iter_rows())

    def build(item: Row) -> Row:
        question_id = item["question_id"]
        question = context.questions.get(question_id)
        if question is None or question["answer"] is None:
            raise DataError("question without a known answer gives no reward; leave it to sft or dpo")
        heard = audio_tokens.get(question_id)
        text = context.prompt.render(question=question["text"], choices=question["choices"])
        return {
            **context.place(question_id, question["clip_id"]),
            "id": question_id,
            "prompt": text,
            "samples": item["samples"],
            "passed": item["passed"],
            "inside": item["inside"],
            "token_count": context.counter.prompt(text, heard),
            "audio_tokens": heard,
            "weight": 1.0,
        }

    return {"curriculum": context.collect(chosen.to_dicts(), "question_id", build)}


def _dpo(context: _Context, config: ExportConfig, tables: Tables, traces: pl.DataFrame) -> dict[str, list[Row]]:
    pairs = tables.read(PREFERENCES, {"round": config.round}).sort("pair_id")
    if pairs.is_empty():
        raise DataError(
            f"round {config.round} has no preference pairs: table `preferences` is empty; "
            "export --purpose sft or rl, or make pairs first"
        )
    wanted = {*pairs["chosen_trace_id"], *pairs["rejected_trace_id"]}
    sampled = _by_key(traces.filter(pl.col("trace_id").is_in(list(wanted))), "trace_id")
    grounding = _groundings(tables, config.round, wanted)

    def build(item: Row) -> Row:
        chosen = _chain(sampled, item["chosen_trace_id"], context.prompt)
        rejected = _chain(sampled, item["rejected_trace_id"], context.prompt)
        question = context.questions.get(item["question_id"])
        if question is None:
            raise DataError(f"question {item['question_id']} is in no table; ingest it again")
        text = context.prompt.render(question=question["text"], choices=question["choices"])
        row = {
            **context.place(item["question_id"], chosen["clip_id"]),
            "id": item["pair_id"],
            "prompt": text,
            "reason": item["reason"],
            "audio_tokens": chosen["audio_tokens"],
            "weight": 1.0,
        }
        for side, chain in (("chosen", chosen), ("rejected", rejected)):
            reasoning, answer = chain["reasoning"] or "", chain["answer"] or ""
            row |= {
                f"{side}_trace_id": chain["trace_id"],
                f"{side}_reasoning": reasoning,
                f"{side}_answer": answer,
                f"{side}_grounding": grounding.get(chain["trace_id"]),
                f"{side}_token_count": context.counter.example(text, chain["audio_tokens"], reasoning, answer, chain),
            }
        return row

    return {"preferences": context.collect(pairs.to_dicts(), "pair_id", build)}


def _chain(sampled: dict[str, Row], trace_id: str, prompt: Prompt) -> Row:
    chain = sampled.get(trace_id)
    if chain is None:
        raise DataError(f"chain {trace_id} is not in the round's traces; select again with `mgrd run`")
    if chain["prompt_sha"] != prompt.sha:
        raise DataError(
            f"chain {trace_id} answered version {chain['prompt_sha']} of prompt {prompt.id}, now {prompt.sha}; "
            "restore that version or sample again"
        )
    return chain


def _by_key(frame: pl.DataFrame, key: str) -> dict[str, Row]:
    return {row[key]: row for row in frame.iter_rows(named=True)}


def _groundings(tables: Tables, round_: int, wanted: set[str]) -> dict[str, Row]:
    """By trace: counts, the share of decided claims that hold, and every claim with its verdict."""
    partition = {"round": round_, "purpose": "distill"}
    keys = pl.col("trace_id").is_in(list(wanted))
    claims: dict[str, list[Row]] = {}
    for row in tables.read(CLAIMS, partition).filter(keys).sort("trace_id", "start", "claim_id").iter_rows(named=True):
        claims.setdefault(row["trace_id"], []).append({key: row[key] for key in CLAIM_KEYS})
    found = {}
    for row in tables.read(DECISIONS, partition).filter(keys).iter_rows(named=True):
        decided = row["supported"] + row["contradicted"]
        found[row["trace_id"]] = {
            "score": row["supported"] / decided if decided else None,
            "grounded": row["grounded"],
            "supported": row["supported"],
            "contradicted": row["contradicted"],
            "unverifiable": row["unverifiable"],
            "surrogate_share": row["surrogate_share"],
            "claims": claims.get(row["trace_id"], []),
        }
    return found
