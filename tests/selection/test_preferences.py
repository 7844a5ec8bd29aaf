"""Preference pairs: who is preferred to whom, and how often."""

from collections.abc import Sequence

import polars as pl

from mgrd.selection.preferences import pair_replies, pair_traces
from schemas import PREFERENCES

COLUMNS = ("trace_id", "question_id", "reasoning", "answer", "correct", "decision", "reasons")


def pairs(chains: Sequence[tuple[object, ...]], per_question: int = 4) -> pl.DataFrame:
    frame = pl.DataFrame(
        [dict(zip(COLUMNS, row, strict=True)) for row in chains], schema_overrides={"reasons": pl.List(pl.String)}
    )
    traces, decisions = frame.drop("decision", "reasons"), frame.select("trace_id", "decision", "reasons")
    return pair_traces(traces, decisions, round_=1, per_question=per_question, seed=0)


KEPT = ("kept", "q", "it rises from 200 Hz", "rising", True, "kept", [])
TEXTUAL = ("textual", "q", "the caption says so", "rising", True, "rejected", ["surrogate"])
DENYING = ("denying", "q", "I cannot hear audio", "rising", True, "rejected", ["surrogate", "denial"])
WRONG = ("wrong", "q", "it falls", "falling", False, "rejected", ["wrong_answer"])


def test_each_reason_has_its_pair() -> None:
    rows = pairs([KEPT, TEXTUAL, DENYING, WRONG])
    assert rows.schema == pl.DataFrame(PREFERENCES.arrow.empty_table()).schema  # pyright: ignore[reportArgumentType]
    found = set(rows.select("reason", "chosen_trace_id", "rejected_trace_id").iter_rows())
    assert found == {
        ("grounded_over_surrogate", "kept", "textual"),
        ("hearing_over_denial", "kept", "denying"),
    }


def test_chains_of_different_questions_make_no_pair() -> None:
    assert pairs([KEPT, (TEXTUAL[0], "other", *TEXTUAL[2:])]).is_empty()


def test_without_a_kept_chain_there_is_no_pair() -> None:
    assert pairs([TEXTUAL, DENYING, WRONG]).is_empty()


def test_a_question_gives_no_more_pairs_than_asked_for_and_no_chain_twice() -> None:
    many = [(f"kept{i}", *KEPT[1:]) for i in range(5)] + [(f"textual{i}", *TEXTUAL[1:]) for i in range(3)]
    assert pairs(many, per_question=2).height == 2
    rows = pairs(many)
    assert rows.height == 3
    assert rows["chosen_trace_id"].n_unique() == rows["rejected_trace_id"].n_unique() == 3


def test_chains_without_answer_or_reasoning_are_left_out() -> None:
    assert pairs([KEPT, (*TEXTUAL[:2], "", *TEXTUAL[3:])]).is_empty()
    assert pairs([KEPT, (*TEXTUAL[:3], None, *TEXTUAL[4:])]).is_empty()


HEARS = "<think>i listen: a person speaks.</think>yes, i can hear it."
DENIES = "<think>i am a text model.</think>no, i cannot hear the clip."


def reply_pairs(*replies: tuple[str, str, str, str], per_question: int = 4) -> pl.DataFrame:
    """Of (trace, question, text, finish reason)."""
    rows = [(*one, one[2].rpartition(">")[2]) for one in replies]
    columns = ["trace_id", "question_id", "raw_text", "finish_reason", "answer"]
    frame = pl.DataFrame(rows, schema=columns, orient="row")
    return pair_replies(frame, round_=1, per_question=per_question, seed=0)


def test_a_reply_that_hears_is_preferred_to_one_that_denies_it() -> None:
    rows = reply_pairs(("a", "q", HEARS, "stop"), ("b", "q", DENIES, "stop"), ("c", "other", DENIES, "stop"))
    assert rows.select("reason", "chosen_trace_id", "rejected_trace_id").rows() == [("hearing_over_denial", "a", "b")]


def test_replies_that_say_neither_or_did_not_end_make_no_pair() -> None:
    assert reply_pairs(("a", "q", "<think>the cat</think>sat", "stop"), ("b", "q", DENIES, "stop")).is_empty()
    assert reply_pairs(("a", "q", HEARS, "length"), ("b", "q", DENIES, "stop")).is_empty()
    assert reply_pairs(("a", "q", HEARS, "stop"), ("b", "q", "<think>i am a text model.</think>", "stop")).is_empty()


def test_probes_give_no_more_pairs_than_asked_for() -> None:
    many = [(f"a{i}", "q", HEARS, "stop") for i in range(5)] + [(f"b{i}", "q", DENIES, "stop") for i in range(5)]
    assert reply_pairs(*many, per_question=2).height == 2
