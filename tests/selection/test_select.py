"""Selection: distinct chains, capped per question, with the difficulty window and a fixed seed."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mgrd.selection.select import distinct, pass_counts, select_traces
from mgrd.settings import SelectionSpec
from mgrd.store import frame_of
from prompts import load_prompt
from schemas import DECISIONS, QUESTIONS, TRACES

PROMPT = load_prompt("sample/perceive")
SPEC = SelectionSpec(per_question=2, per_question_outside=1, window_low=1, window_high=3)


def trace(question: str, index: int, reasoning: str, *, correct: bool) -> dict[str, object]:
    return {
        **dict.fromkeys(TRACES.arrow.names),
        "round": 1,
        "purpose": "distill",
        "split": "pool",
        "prompt_id": "p",
        "prompt_sha": "s",
        "raw_text": "",
        "finish_reason": "stop",
        "engine": "e",
        "model_id": "m",
        "problems": [],
        "answer": "a",
        "choice": "a",
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "reasoning_tokens", "audio_tokens"), 1),
        "temperature": 1.0,
        "top_p": 1.0,
        "max_new_tokens": 8,
        "seed": 0,
        "trace_id": f"{question}-{index}",
        "question_id": question,
        "clip_id": "c",
        "sample_index": index,
        "reasoning": reasoning,
        "correct": correct,
    }


def decision(row: dict[str, object], kept: bool) -> dict[str, object]:
    return {
        **{key: row[key] for key in ("trace_id", "round", "purpose", "question_id", "correct")},
        "decision": "kept" if kept else "rejected",
        "reasons": [],
        "grounded": kept,
        "surrogate": False,
        "supported": 1,
        "contradicted": 0,
        "unverifiable": 0,
        "surrogate_share": 0.0,
        "warnings": [],
        "checks": [],
        "decided_by": "checks",
        "score": 0.5,
        "policy_sha": "s",
    }


def question(question_id: str) -> dict[str, object]:
    return {
        "question_id": question_id,
        "clip_id": "c",
        "text": "?",
        "choices": ["a", "b"],
        "answer": "a",
        "skill": "s",
        "split": "pool",
        "origin": "embedded",
        "collection": "x",
    }


def chosen(rows: list[dict[str, object]], spec: SelectionSpec = SPEC, seed: int = 0) -> pl.DataFrame:
    questions = [question(key) for key in sorted({str(row["question_id"]) for row in rows})]
    kept, _ = select_traces(
        frame_of(TRACES, rows),
        frame_of(DECISIONS, [decision(row, bool(row["correct"])) for row in rows]),
        frame_of(QUESTIONS, questions),
        spec=spec,
        prompt=PROMPT,
        round_=1,
        seed=seed,
    )
    return kept


def test_only_kept_chains_become_training_rows_with_the_prompt_they_were_sampled_with() -> None:
    rows = [trace("q", 0, "the pitch climbs", correct=True), trace("q", 1, "it is slow", correct=False)]
    kept = chosen(rows)
    assert kept["trace_id"].to_list() == ["q-0"]
    assert kept["prompt"][0] == PROMPT.render(question="?", choices=["a", "b"])
    assert kept.select("reasoning", "answer").row(0) == ("the pitch climbs", "a")


def test_the_cap_depends_on_the_difficulty_window() -> None:
    hard = [trace("hard", i, f"chain number {i} of many words", correct=i < 3) for i in range(8)]
    easy = [trace("easy", i, f"another chain {i} here", correct=True) for i in range(8)]
    counts = dict(chosen(hard + easy).group_by("question_id").len().iter_rows())
    assert counts == {"hard": 2, "easy": 1}


def test_pass_counts_tell_the_window() -> None:
    rows = [trace("q", i, "x", correct=i < 4) for i in range(8)]
    count = pass_counts(frame_of(TRACES, rows), 1, SPEC).row(0, named=True)
    assert (count["samples"], count["passed"], count["inside"]) == (8, 4, False)


def test_near_duplicates_count_once() -> None:
    chains = [{"reasoning": text} for text in ("the pitch rises slowly now", "the pitch rises now slowly", "it fades")]
    assert [chain["reasoning"] for chain in distinct(chains, 0.9)] == ["the pitch rises slowly now", "it fades"]


@given(texts=st.lists(st.lists(st.sampled_from("abcdef"), max_size=5).map(" ".join), max_size=8))
def test_distinct_keeps_no_close_pair_and_drops_only_close_ones(texts: list[str]) -> None:
    def similarity(left: str, right: str) -> float:
        a, b = set(left.split()), set(right.split())
        return len(a & b) / len(a | b) if a | b else 1.0

    kept = [str(chain["reasoning"]) for chain in distinct([{"reasoning": text} for text in texts], 0.8)]
    for index, text in enumerate(kept):
        assert all(similarity(text, other) < 0.8 for other in kept[:index])
    for text in texts:
        assert any(similarity(text, other) >= 0.8 for other in kept)


def test_the_choice_among_many_follows_the_seed_and_not_the_order() -> None:
    rows = [trace("q", i, f"chain number {i} says word{i}", correct=i < 3) for i in range(8)]
    assert chosen(rows)["trace_id"].sort().equals(chosen(rows[::-1])["trace_id"].sort())
    picks = {tuple(sorted(chosen(rows, seed=seed)["trace_id"])) for seed in range(8)}
    assert len(picks) > 1


def test_a_chain_without_an_answer_gives_no_row() -> None:
    rows = [trace("q", 0, "the pitch climbs", correct=True), {**trace("q", 1, "it fades", correct=True), "answer": ""}]
    assert chosen(rows)["trace_id"].to_list() == ["q-0"]
