"""Questions and cold-start demonstrations: balanced, true where they claim to be, equally often right in each style."""

from pathlib import Path

import polars as pl
import pytest

from mgrd.audio.facts import from_row
from mgrd.grounding.claims import extract_claims
from mgrd.grounding.scorer import IRRELEVANT, score_chain
from mgrd.grounding.verify import Evidence
from mgrd.ingest.embedded import make_embedded, text_tasks, write_demonstrations
from mgrd.ingest.embedded.asking import PER_COLD_CLIP
from mgrd.ingest.embedded.phrases import CLAUSES
from mgrd.ingest.embedded.plan import skill_answers
from mgrd.ingest.skills import NUMBER_WORDS, SKILLS
from mgrd.settings import ColdStartSpec, EmbeddedSpec
from schemas import DISTILLED

SPEC = EmbeddedSpec(cold_clips=240, pool_clips=144, dev_clips=24, test_clips=24)
MIXTURE = ColdStartSpec(grounded=0.3, surrogate=0.3, wrong=0.25, direct=0.15, right_answers=0.7)


def render(question: str, choices: list[str]) -> str:
    return f"{question} ({'/'.join(choices)})"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame]:
    folder: Path = tmp_path_factory.mktemp("audio")
    return make_embedded(folder, "a", SPEC, seed=1)


@pytest.fixture(scope="module")
def rows(made: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    return write_demonstrations(*made, render, MIXTURE, seed=2)


@pytest.fixture(scope="module")
def chains(made: tuple[pl.DataFrame, pl.DataFrame], rows: pl.DataFrame) -> pl.DataFrame:
    """Phase-1 rows about clips, with the right answer."""
    right = made[1].select("question_id", "skill", right="answer")
    return rows.filter((pl.col("phase") == 1) & (pl.col("origin") == "cold")).join(right, on="question_id")


def test_the_right_answer_is_among_distinct_choices(made: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    for question in made[1].iter_rows(named=True):
        assert question["answer"] in question["choices"]
        assert len(set(question["choices"])) == len(question["choices"]) in (2, 3)
        assert set(question["choices"]) <= set(skill_answers(question["skill"]))


def test_held_out_and_pool_clips_carry_one_question_of_evenly_used_skills(
    made: tuple[pl.DataFrame, pl.DataFrame],
) -> None:
    questions = made[1].filter(pl.col("split") != "cold")
    assert questions["clip_id"].n_unique() == questions.height
    for split in ("pool", "dev", "test"):
        counts = questions.filter(pl.col("split") == split)["skill"].value_counts()["count"]
        assert len(counts) == len(SKILLS)
        assert counts.max() == counts.min()


@pytest.mark.parametrize("split", ["cold", "pool"])
def test_a_majority_guess_is_hardly_better_than_chance(made: tuple[pl.DataFrame, pl.DataFrame], split: str) -> None:
    for (skill,), asked in made[1].filter(pl.col("split") == split).group_by("skill"):
        possible = len(skill_answers(str(skill)))
        assert asked["answer"].value_counts()["count"].max() <= asked.height / possible + 5


def test_the_place_of_the_right_answer_tells_nothing(made: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    three = made[1].filter(pl.col("choices").list.len() == 3)
    places = [row["choices"].index(row["answer"]) for row in three.iter_rows(named=True)]
    for place in range(3):
        assert places.count(place) / len(places) == pytest.approx(1 / 3, abs=0.08)


def test_cold_clips_carry_several_questions_of_different_skills(made: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    cold = made[1].filter(pl.col("split") == "cold").group_by("clip_id").agg("skill")
    assert cold.height == SPEC.cold_clips
    assert all(len(set(skills)) == len(skills) <= PER_COLD_CLIP for skills in cold["skill"].to_list())
    assert cold["skill"].list.len().to_numpy().mean() > 2.5


def test_demonstrations_have_the_tables_schema_and_distinct_keys(rows: pl.DataFrame) -> None:
    assert rows.schema == pl.DataFrame(DISTILLED.arrow.empty_table()).schema
    assert rows["row_id"].n_unique() == rows.height
    assert rows["round"].unique().to_list() == [0]


def test_only_cold_clips_are_demonstrated(made: tuple[pl.DataFrame, pl.DataFrame], rows: pl.DataFrame) -> None:
    cold = set(made[0].filter(pl.col("split") == "cold")["clip_id"])
    assert set(rows["clip_id"].drop_nulls()) == cold


def test_hearing_rows_are_true_and_do_not_reason(made: tuple[pl.DataFrame, pl.DataFrame], rows: pl.DataFrame) -> None:
    hearing = rows.filter(pl.col("style") == "hearing").join(
        made[1].select("question_id", right="answer"), on="question_id"
    )
    assert hearing.height == made[1].filter(pl.col("split") == "cold").height
    assert (hearing["answer"] == hearing["right"]).all()
    phase_0 = rows.filter((pl.col("phase") == 0) & (pl.col("origin") == "cold"))
    assert (phase_0["reasoning"] == "").all()
    assert rows.filter(pl.col("style") == "description").height == SPEC.cold_clips


def test_styles_have_their_shares_and_the_same_share_of_right_answers(chains: pl.DataFrame) -> None:
    wanted = {"grounded": 0.3, "surrogate": 0.3, "wrong": 0.25, "direct": 0.15}
    for (style,), group in chains.group_by("style"):
        assert group.height / chains.height == pytest.approx(wanted[str(style)], abs=0.003)
        assert (group["answer"] == group["right"]).mean() == pytest.approx(0.7, abs=0.006)
    assert chains["style"].n_unique() == 4


def test_only_direct_answers_have_no_reasoning(chains: pl.DataFrame) -> None:
    assert (chains.filter(pl.col("style") == "direct")["reasoning"] == "").all()
    lengths = chains.filter(pl.col("style") != "direct")["reasoning"].str.split(" ").list.len().to_numpy()
    assert lengths.min() >= 6
    assert lengths.max() <= 30


def test_the_grammar_reads_every_clause_as_what_it_states() -> None:
    for (attribute, word), clauses in CLAUSES.items():
        for clause in clauses:
            claims = extract_claims(f"{clause}, so i choose it.")
            assert [(claim.attribute, claim.word, claim.negated) for claim in claims] == [(attribute, word, False)]


def test_grounded_chains_are_true_of_their_clip_and_the_others_are_not(
    made: tuple[pl.DataFrame, pl.DataFrame], chains: pl.DataFrame
) -> None:
    truth = {
        clip["clip_id"]: Evidence([from_row(known) for known in clip["truth"]])
        for clip in made[0].iter_rows(named=True)
    }
    asked = {question["question_id"]: question for question in made[1].iter_rows(named=True)}
    grounded: dict[str, list[bool]] = {}
    for chain in chains.iter_rows(named=True):
        question, known = asked[chain["question_id"]], truth[chain["clip_id"]]
        scored = score_chain(
            raw_text=f"<think>{chain['reasoning']}</think>{chain['answer']}",
            reasoning=chain["reasoning"],
            answer=chain["answer"],
            question=question["text"],
            choices=question["choices"],
            facts=known,
            truth=known,
        )
        assert scored.surrogate == (chain["style"] == "surrogate"), chain["reasoning"]
        # A grounded chain to a wrong answer cites other facts than the one asked for: true, but beside the question.
        kept = bool(scored.truth_grounded)
        if chain["style"] == "grounded" and chain["answer"] != chain["right"]:
            assert set(scored.reasons) <= {IRRELEVANT}, chain["reasoning"]
        else:
            grounded.setdefault(chain["style"], []).append(kept)
    share = {style: sum(flags) / len(flags) for style, flags in grounded.items()}
    assert share["grounded"] >= 0.97
    assert max(share["wrong"], share["surrogate"], share["direct"]) <= 0.03


def test_a_claim_on_what_was_asked_agrees_with_the_answer(chains: pl.DataFrame) -> None:
    for chain in chains.iter_rows(named=True):
        attribute = SKILLS[chain["skill"]].attribute
        for claim in extract_claims(chain["reasoning"]):
            if attribute and claim.attribute == attribute:
                assert claim.word == chain["answer"], chain["reasoning"]


def test_demonstrations_are_the_same_for_the_same_seed(
    made: tuple[pl.DataFrame, pl.DataFrame], rows: pl.DataFrame
) -> None:
    assert write_demonstrations(*made, render, MIXTURE, seed=2).equals(rows)
    assert not write_demonstrations(*made, render, MIXTURE, seed=9).equals(rows)


def test_text_tasks_have_no_clip_and_answer_one_of_their_choices() -> None:
    tasks = text_tasks(80, seed=4)
    assert tasks["clip_id"].is_null().all()
    assert (tasks["origin"] == "text").all()
    assert tasks["row_id"].n_unique() == tasks.height > 60
    for task in tasks.iter_rows(named=True):
        choices = task["prompt"].split("Choices: ")[1].rstrip(".").split(", ")
        assert task["answer"] in choices
        assert task["answer"] in task["reasoning"]


def test_text_comparisons_are_right() -> None:
    tasks = text_tasks(200, seed=5).filter(pl.col("prompt").str.starts_with("Which number is larger"))
    assert tasks.height > 5
    for task in tasks.iter_rows(named=True):
        pair = task["prompt"].split(": ")[1].split("?")[0].split(" or ")
        assert task["answer"] == max(pair, key=NUMBER_WORDS.index)
