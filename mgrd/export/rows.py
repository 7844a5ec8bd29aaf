"""From tables to export rows: plain dictionaries, one per training row, question or pair.

Tables are read some thousand questions at a time, so that a round need not fit into memory. A row that no trainer could
use (its clip is gone, its text holds chat tokens) is refused with the reason, never dropped in silence; a row from a
held-out clip stops the export.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from mgrd.errors import ContractError, DataError
from mgrd.export.choices import ExportConfig
from mgrd.export.columns import CLAIM
from mgrd.export.rowset import Row, RowSet
from mgrd.export.tables import ROWS_OF, Tables, sampled_chains
from mgrd.export.tokens import TokenCounter
from mgrd.ingest.probes import paired_probes
from mgrd.store import Partition, Workspace, empty_frame, question_ranges
from prompts import load_prompt
from schemas import CLAIMS, CLIPS, DECISIONS, DISTILLED, QUESTIONS, TRACES
from schemas.clips import HELD_OUT
from schemas.traces import DISTILL

REPLAY = ("text", "replay")
REPLAY_PHASE = 1
"""Text rows of this training phase are the ones that rounds mix in."""
PLACEHOLDER = re.compile("<(audio|image|video)>")
CHAIN_COLUMNS = (
    *("trace_id", "question_id", "clip_id", "prompt_id", "prompt_sha", "reasoning", "answer", "correct"),
    *("prompt_tokens", "completion_tokens", "audio_tokens"),
)
CLAIM_KEYS = tuple(column.name for column in CLAIM)


@dataclass(slots=True)
class RoundRows:
    """Rows of a round by config name (`distilled`, `text`, `preferences`, `curriculum`), and what was refused."""

    configs: dict[str, RowSet] = field(default_factory=dict)
    refused: list[dict[str, str]] = field(default_factory=list)

    @property
    def clip_ids(self) -> set[str]:
        return {clip_id for rows in self.configs.values() for clip_id in rows.totals.clips}


@dataclass(frozen=True, slots=True)
class _Context:
    """Lookups that every purpose needs, by key, for the rows of one part."""

    clips: dict[str, Row]
    questions: dict[str, Row]
    round: int
    refused: list[dict[str, str]]

    def place(self, question_id: str | None, clip_id: str | None) -> Row:
        """Question and clip of a row. Raises DataError when a clip's file is gone, ContractError on a held-out clip."""
        question = self.questions.get(question_id or "", {})
        clip = self.clips.get(clip_id or "", {})
        if clip_id is not None and not clip:
            raise DataError(f"clip {clip_id} is in no table; ingest its audio again")
        if clip and clip["split"] in HELD_OUT:
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

    def collect(self, items: pl.DataFrame, key: str, build: Callable[[Row], Row], into: RowSet) -> None:
        """Put built rows into `into`; those that cannot be built are refused by their key."""
        for item in items.iter_rows(named=True):
            try:
                row = build(item)
                _check_texts(row)
                into.add(row)
            except DataError as error:
                self.refused.append({"id": str(item[key]), "reason": str(error)})


def read_rows(
    workspace: Workspace,
    config: ExportConfig,
    tables: Tables,
    folder: Path,
    on_rows: Callable[[int], None] | None = None,
) -> RoundRows:
    """Rows of the round for the purpose; `folder` is where those wait that do not fit into memory.

    `on_rows` is told of rows as they are read.

    Raises DataError when the round is not finished or has no rows for this purpose, or when more rows
    are refused than `runtime.fail_on_error` allows.
    """
    check_finished(workspace, config.round)
    found = RoundRows()
    reader = _Reader(workspace, config, tables, folder, found, on_rows)
    found.configs = {"sft": reader.sft, "dpo": reader.dpo, "rl": reader.rl}[config.purpose]()
    found.refused.sort(key=lambda refused: refused["id"])
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


def check_finished(workspace: Workspace, round_: int) -> None:
    """Raises DataError for a round that has not come to its selection."""
    if workspace.ledger.newest(round_, "select") is not None:
        return
    there = [n for n in range(1, 1 + workspace.settings.spec.rounds) if workspace.ledger.newest(n, "select")]
    raise DataError(
        f"round {round_} has no selected chains; finished rounds: {there or 'none'}; continue with `mgrd run`"
    )


class _Reader:
    """Reads rows and what they refer to, the questions of a part after those of another."""

    def __init__(
        self,
        workspace: Workspace,
        config: ExportConfig,
        tables: Tables,
        folder: Path,
        found: RoundRows,
        on_rows: Callable[[int], None] | None,
    ) -> None:
        self.workspace = workspace
        self.config = config
        self.tables = tables
        self.folder = folder
        self.found = found
        self.on_rows = on_rows
        self.sampled: Partition = {"round": config.round, "purpose": DISTILL}
        self.counter = TokenCounter.of(workspace, tables.scan(TRACES, self.sampled))
        self.prompt = load_prompt(workspace.settings.spec.sampling.prompt)
        self.probes = empty_frame(QUESTIONS)
        """Questions of pairs that stand in no table."""

    def sft(self) -> dict[str, RowSet]:
        round_ = self.config.round
        selected, cold = (self.tables.scan(DISTILLED, {"round": number}) for number in (round_, 0))
        kept = selected.filter(pl.col("origin") == "distilled")
        replay = pl.col("origin").is_in(REPLAY) & (pl.col("phase") == REPLAY_PHASE)
        distilled, text = self._rows("distilled"), self._rows("text")
        for items in self._parts(kept, f"round {round_} kept no chain; `mgrd status` has the funnel"):
            self._examples(items, distilled)
        self._examples(pl.concat([cold.filter(replay), selected.filter(replay)]).collect(), text)
        return {"distilled": distilled, "text": text}

    def _examples(self, items: pl.DataFrame, into: RowSet) -> None:
        sampled = self._chains(items["question_id"], items["trace_id"])
        grounding = self._groundings(items["question_id"], sampled)
        context = self._context(items["question_id"], items["clip_id"])

        def build(item: Row) -> Row:
            trace = sampled.get(item["trace_id"], {})
            audio_tokens = trace.get("audio_tokens", 0 if item["clip_id"] is None else None)
            tokens = self.counter.example(item["prompt"], audio_tokens, item["reasoning"], item["answer"], trace)
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

        context.collect(items, "row_id", build, into)

    def rl(self) -> dict[str, RowSet]:
        table = self.tables.scan(ROWS_OF["rl"], {"round": self.config.round})
        chosen = table if self.config.outside else table.filter(pl.col("inside"))
        rows = self._rows("curriculum")
        none = (
            f"no question of round {self.config.round} lies inside the difficulty window "
            f"({table.select(pl.len()).collect().item()} were sampled); "
            "widen spec.selection.window_low and window_high, or export all with --outside"
        )
        for items in self._parts(chosen, none):
            self._tasks(items, rows)
        return {"curriculum": rows}

    def _tasks(self, items: pl.DataFrame, into: RowSet) -> None:
        heard = self.tables.scan(TRACES, self.sampled).filter(_near(items["question_id"]))
        tokens = heard.select("question_id", "audio_tokens").unique("question_id").collect()
        audio_tokens = dict(tokens.iter_rows())
        clips = tuple(heard.select(pl.col("clip_id").unique()).collect()["clip_id"])
        context = self._context(items["question_id"], pl.Series(clips, dtype=pl.String))

        def build(item: Row) -> Row:
            question_id = item["question_id"]
            question = context.questions.get(question_id)
            if question is None or question["answer"] is None:
                raise DataError("question without a known answer gives no reward; leave it to sft or dpo")
            heard = audio_tokens.get(question_id)
            text = self.prompt.render(question=question["text"], choices=question["choices"])
            return {
                **context.place(question_id, question["clip_id"]),
                "id": question_id,
                "prompt": text,
                "samples": item["samples"],
                "passed": item["passed"],
                "inside": item["inside"],
                "token_count": self.counter.prompt(text, heard),
                "audio_tokens": heard,
                "weight": 1.0,
            }

        context.collect(items, "question_id", build, into)

    def dpo(self) -> dict[str, RowSet]:
        pairs = self.tables.scan(ROWS_OF["dpo"], {"round": self.config.round})
        rows = self._rows("preferences")
        self.probes = paired_probes(self.tables.scan, self.workspace.settings.spec)
        none = (
            f"round {self.config.round} has no preference pairs: table `preferences` is empty; "
            'run it with stages = ["sft", "dpo"] in [spec.training], or export --purpose sft or rl'
        )
        for items in self._parts(pairs, none):
            self._pairs(items, rows)
        return {"preferences": rows}

    def _pairs(self, items: pl.DataFrame, into: RowSet) -> None:
        sampled = self._chains(
            items["question_id"],
            pl.concat([items["chosen_trace_id"], items["rejected_trace_id"].rename("chosen_trace_id")]),
        )
        grounding = self._groundings(items["question_id"], sampled)
        clips = pl.Series([chain["clip_id"] for chain in sampled.values()], dtype=pl.String)
        context = self._context(items["question_id"], clips)

        def build(item: Row) -> Row:
            chosen, rejected = (_chain(sampled, item[f"{side}_trace_id"]) for side in ("chosen", "rejected"))
            question = context.questions.get(item["question_id"])
            if question is None:
                raise DataError(f"question {item['question_id']} is in no table; ingest it again")
            text = load_prompt(chosen["prompt_id"]).render(question=question["text"], choices=question["choices"])
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
                    f"{side}_token_count": self.counter.example(text, chain["audio_tokens"], reasoning, answer, chain),
                }
            return row

        context.collect(items, "pair_id", build, into)

    def _rows(self, name: str) -> RowSet:
        return RowSet(self.folder / name, self.config.seed)

    def _parts(self, items: pl.LazyFrame, none: str) -> Iterator[pl.DataFrame]:
        """The items by ranges of questions. Raises DataError with `none` when there are none."""
        empty = True
        for where in question_ranges(items):
            empty = False
            part = items.filter(where).collect()
            yield part
            if self.on_rows:
                self.on_rows(part.height)
        if empty:
            raise DataError(none)

    def _context(self, question_ids: pl.Series, clip_ids: pl.Series) -> _Context:
        questions = pl.concat([self.tables.scan(QUESTIONS).filter(_near(question_ids)).collect(), self.probes])
        wanted = pl.concat([clip_ids, questions["clip_id"]]).drop_nulls().unique()
        clips = self.tables.scan(CLIPS).drop("truth").filter(pl.col("clip_id").is_in(wanted.implode())).collect()
        return _Context(
            {row["clip_id"]: {**row, "bytes": self._size(row["uri"])} for row in clips.iter_rows(named=True)},
            _by_key(questions, "question_id"),
            self.config.round,
            self.found.refused,
        )

    def _size(self, uri: str) -> int | None:
        path = self.workspace.resolve(uri)
        return path.stat().st_size if path.is_file() else None

    def _chains(self, question_ids: pl.Series, trace_ids: pl.Series) -> dict[str, Row]:
        """The traces by key."""
        wanted = pl.col("trace_id").is_in(trace_ids.drop_nulls().unique().implode())
        traces = sampled_chains(self.tables, self.config).filter(_near(question_ids) & wanted)
        return _by_key(traces.select(CHAIN_COLUMNS).collect(), "trace_id")

    def _groundings(self, question_ids: pl.Series, sampled: Mapping[str, Row]) -> dict[str, Row]:
        """By trace: counts, the share of decided claims that hold, and every claim with its verdict."""
        wanted = pl.col("trace_id").is_in(list(sampled))
        near = _near(question_ids)
        rows = self.tables.scan(CLAIMS, self.sampled).filter((near | pl.col("question_id").is_null()) & wanted)
        claims: dict[str, list[Row]] = {}
        for row in rows.collect().sort("trace_id", "start", "claim_id").iter_rows(named=True):
            claims.setdefault(row["trace_id"], []).append({key: row[key] for key in CLAIM_KEYS})
        found = {}
        decisions = self.tables.scan(DECISIONS, self.sampled).filter(near & wanted)
        for row in decisions.collect().iter_rows(named=True):
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


def _near(question_ids: pl.Series) -> pl.Expr:
    """The questions between the first and the last of these: what files can be skipped by."""
    known = question_ids.drop_nulls()
    return (
        pl.col("question_id").is_between(pl.lit(known.min()), pl.lit(known.max()))
        if len(known)
        else pl.lit(value=False)
    )


def _chain(sampled: dict[str, Row], trace_id: str) -> Row:
    chain = sampled.get(trace_id)
    if chain is None:
        raise DataError(f"chain {trace_id} is not in the round's traces; select again with `mgrd run`")
    prompt = load_prompt(chain["prompt_id"])
    if chain["prompt_sha"] != prompt.sha:
        raise DataError(
            f"chain {trace_id} answered version {chain['prompt_sha']} of prompt {prompt.id}, now {prompt.sha}; "
            "restore that version or sample again"
        )
    return chain


def _by_key(frame: pl.DataFrame, key: str) -> dict[str, Row]:
    return {row[key]: row for row in frame.iter_rows(named=True)}
