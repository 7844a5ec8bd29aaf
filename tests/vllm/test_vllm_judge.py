"""The judge against a real engine: guided decoding, counted tokens, cut replies, too long prompts."""

import json
from pathlib import Path

import pytest
from conftest import Engine

from mgrd.audio.facts import fact
from mgrd.judging import Case, evidence_words, judge_chains
from mgrd.judging.dialect import Dialect
from mgrd.judging.rubric import reply_schema
from mgrd.settings import PanelSpec
from schemas.verdicts import CRITERIA

CHAINS = Path(__file__).parents[1] / "golden" / "chains.jsonl"
FACTS = [fact("f0_trend", 5.0, end=3.0, reliability=0.9), fact("tempo", 120.0, end=3.0, reliability=0.8)]


def panel_of(engine: Engine, **fields: object) -> PanelSpec:
    judge = {"base_url": engine.url, "model": engine.model, "concurrency": 8, "max_tokens": 400, **fields}
    return PanelSpec.model_validate({"judges": [judge]})


def cases(count: int) -> list[Case]:
    """Chains of the grounding room's golden file, with measured facts in words."""
    lines = CHAINS.read_text().splitlines()[:count]
    texts = [json.loads(line)["chain"] for line in lines]
    return [
        Case(f"t{number}", "How does the pitch move?", ("rising", "falling"), text, "rising", evidence_words(FACTS))
        for number, text in enumerate(texts)
    ]


def test_every_real_chain_is_scored_by_the_schema_or_unscored_with_a_reason(engine: Engine) -> None:
    judged = judge_chains(cases(24), panel_of(engine))
    judged.check()
    assert judged.verdicts.height == 24
    for row in judged.verdicts.iter_rows(named=True):
        assert row["prompt_tokens"] > 300, "the server counts the prompt's tokens"
        assert row["completion_tokens"] > 0
        if row["scored"]:
            reply = json.loads(row["raw_reply"])
            assert list(reply) == reply_schema()["required"]
            assert all(row[name] == reply[name] for name in CRITERIA)
        else:
            assert row["reason"].split(":")[0] in {"length", "unparsed", "empty"}
            assert row["raw_reply"]
    assert judged.verdicts["scored"].sum() >= 20, "guided decoding gives grades, whatever the weights"
    assert judged.verdicts["requests"].min() == 1, "no format was refused"


def test_a_reply_that_is_cut_is_unscored_for_its_length(engine: Engine) -> None:
    judged = judge_chains(cases(2), panel_of(engine, max_tokens=64))
    assert judged.verdicts["scored"].to_list() == [False, False]
    assert all(reason.startswith("length: ") for reason in judged.verdicts["reason"])
    assert judged.verdicts["completion_tokens"].to_list() == [128, 128], "both turns, counted by the server"


def test_a_prompt_beyond_the_context_is_refused_and_the_others_are_judged(engine: Engine) -> None:
    first, second = cases(2)
    long = Case("long", first.question, first.choices, "The pitch climbs. " * 4000, first.answer, first.evidence)
    judged = judge_chains([first, long, second], panel_of(engine))
    judged.check()
    assert [result.scored for result in judged.results] == [1, 0, 1]
    assert "refused: " in judged.results[1].reason


def test_the_same_prompt_gets_the_same_grade(engine: Engine, tmp_path: Path) -> None:
    panel = panel_of(engine)
    first = judge_chains(cases(4), panel, cache=tmp_path)
    again = judge_chains(cases(4), panel)
    assert [result.scores for result in first.results] == [result.scores for result in again.results]
    cached = judge_chains(cases(4), panel, cache=tmp_path)
    assert cached.verdicts["cached"].all()
    assert [result.scores for result in cached.results] == [result.scores for result in first.results]


@pytest.mark.parametrize("rung", [1, 2], ids=["json_object", "tagged text"])
def test_the_lower_rungs_of_the_ladder_lose_no_chain(
    engine: Engine, rung: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A random model writes no grade by itself; what it writes is unscored with its reason."""
    monkeypatch.setattr("mgrd.judging.client.Dialect", lambda: Dialect(format=rung))
    judged = judge_chains(cases(3), panel_of(engine, max_tokens=64))
    judged.check()
    assert [result.judges for result in judged.results] == [1, 1, 1]
    for row in judged.verdicts.iter_rows(named=True):
        assert row["scored"] or row["reason"].split(":")[0] in {"length", "unparsed", "empty", "ambiguous"}
