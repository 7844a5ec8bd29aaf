"""Traces are scored against their own clip's evidence; what could not be checked is held against nobody."""

import polars as pl
import pytest

from mgrd.audio.facts import Fact
from mgrd.grounding.claims import extract_claims
from mgrd.grounding.llm_claims import Extraction
from mgrd.selection.decisions import ground_traces
from mgrd.selection.select import select_traces
from mgrd.settings import PolicySpec, SelectionSpec
from mgrd.store import frame_of
from prompts import load_prompt
from schemas import QUESTIONS, TRACES
from tests.selection.test_select import question, trace

RISES, FALLS = "The pitch rises steadily. So: rising.", "The pitch falls steadily. So: rising."


def facts(trend: float) -> list[Fact]:
    """A clip of 2 s whose pitch moves by so many semitones."""
    return [
        Fact(name="duration", value=2.0, unit="s", start=0.0, end=2.0, reliability=1.0),
        Fact(name="f0_trend", value=trend, unit="semitones", start=0.0, end=2.0, reliability=1.0),
    ]


def traces(*chains: tuple[str, str, str]) -> pl.DataFrame:
    """Rows of (trace, clip, chain)."""
    rows = [
        {**trace("q", 0, chain, correct=True), "trace_id": key, "clip_id": clip, "raw_text": chain}
        for key, clip, chain in chains
    ]
    return frame_of(TRACES, rows)


def decided(
    frame: pl.DataFrame, evidence: dict[str, list[Fact]], extractions: dict[str, Extraction] | None = None
) -> tuple[dict[str, str], pl.DataFrame, pl.DataFrame]:
    asked = frame_of(QUESTIONS, [question("q")])
    claims, decisions = ground_traces(
        frame, asked, evidence, {}, policy=PolicySpec(), arm="filtered", extractions=extractions
    )
    return dict(decisions.select("trace_id", "decision").iter_rows()), claims, decisions


def test_each_chain_is_held_against_its_own_clip() -> None:
    frame = traces(("a", "up", RISES), ("b", "down", RISES), ("c", "up", FALLS), ("d", "down", FALLS))
    found, claims, _ = decided(frame, {"up": facts(7.0), "down": facts(-7.0)})
    assert found == {"a": "kept", "b": "rejected", "c": "rejected", "d": "kept"}
    assert claims["extractor"].unique().to_list() == ["grammar"]


def test_a_chain_without_evidence_is_unscored_and_its_neighbour_is_not() -> None:
    found, _, decisions = decided(traces(("a", "up", RISES), ("b", "lost", RISES)), {"up": facts(7.0)})
    assert found == {"a": "kept", "b": "unscored"}
    assert decisions["reasons"].to_list() == [[], ["no_evidence"]]


@pytest.mark.parametrize(("readable", "decision"), [(True, "kept"), (False, "unscored")])
def test_claims_that_a_model_read_stand_in_place_of_the_grammars(readable: bool, decision: str) -> None:
    read = Extraction(tuple(extract_claims(RISES)) if readable else (), readable=readable)
    frame = traces(("a", "up", RISES), ("b", "down", FALLS))
    found, claims, decisions = decided(frame, {"up": facts(7.0), "down": facts(-7.0)}, {"a": read})
    assert found == {"a": decision, "b": "kept"}, "the other chain is read by the grammar"
    assert dict(claims.select("trace_id", "extractor").unique().iter_rows()) == (
        {"a": "llm", "b": "grammar"} if readable else {"b": "grammar"}
    )
    assert decisions.filter(pl.col("trace_id") == "a")["reasons"].to_list() == (
        [[]] if readable else [["claims_unread"]]
    )


def test_training_rows_of_a_round_are_of_phase_0_and_weigh_the_same() -> None:
    frame = traces(("a", "up", RISES))
    asked = frame_of(QUESTIONS, [question("q")])
    _, decisions = ground_traces(frame, asked, {"up": facts(7.0)}, {}, policy=PolicySpec(), arm="filtered")
    rows, _ = select_traces(
        frame, decisions, asked, spec=SelectionSpec(), prompt=load_prompt("sample/perceive"), round_=1, seed=0
    )
    assert rows.select("phase", "weight", "origin", "round").rows() == [(0, 1.0, "distilled", 1)]
